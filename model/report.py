"""Draws the benchmark's page: one HTML file with table, remarks and pictures."""

import base64
import html
import io

import cv2
import numpy as np
from PIL import Image

from model import images, matting

PREVIEW = 280  # longest side of a picture on the page, pixels


def draw_error(
    alpha_true: np.ndarray, alpha_pred: np.ndarray, trimap: np.ndarray
) -> np.ndarray:
    """Paints red where alpha is too high, blue where too low, known pixels grey.

    Args:
        alpha_true: (H, W) float32 in [0, 1].
        alpha_pred: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        (H, W, 3) float32 in [0, 1]; white is no error, full colour an error of 1.
    """
    error = (alpha_pred - alpha_true)[..., None]
    away = np.where(error > 0, np.float32([0, 1, 1]), np.float32([1, 1, 0]))
    picture = 1 - np.abs(error) * away
    picture[trimap != matting.UNKNOWN] = 0.85
    return picture


def figure_html(columns: dict[str, tuple[np.ndarray, ...]]) -> str:
    """Makes a table of pictures, a named column for the truth and each method."""
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f'<td><img src="{data_uri(cell)}" alt=""></td>' for cell in line)
        + "</tr>\n"
        for line in zip(*columns.values(), strict=True)
    )
    return f"<table>\n<tr>{heads}</tr>\n{body}</table>\n"


def data_uri(picture: np.ndarray) -> str:
    """Shrinks a picture and packs it, as JPEG, into the text of an address.

    Args:
        picture: (H, W) or (H, W, 3), float in [0, 1] or uint8.

    Returns:
        `data:image/jpeg;base64,...`.
    """
    levels = images.to_uint8(picture)
    scale = min(1, PREVIEW / max(levels.shape[:2]))
    size = [max(1, round(scale * side)) for side in levels.shape[1::-1]]
    levels = cv2.resize(levels, size, interpolation=cv2.INTER_AREA)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def page_html(
    title: str, lines: list[list[str]], remarks: list[str], figures: list[str]
) -> str:
    """Puts table, remarks and pictures on one page without outer references."""
    heading, *rows = [
        "".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in lines
    ]
    body = "".join(f"<tr>{line}</tr>\n" for line in rows)
    items = "".join(f"<li>{html.escape(remark)}</li>\n" for remark in remarks)
    return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{html.escape(title)}</title>
<style>
body {{ font-family: sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; margin: 1em 0; }}
td, th {{ padding: 2px 6px; text-align: right; font-weight: normal; }}
thead, th {{ background: #eee; text-align: left; }}
img {{ display: block; }}
</style>
<h1>{html.escape(title)}</h1>
<p>SAD, Grad and Conn in thousands, over the unknown region; means over pictures,
median seconds; ratios to closed-form; in how many pictures SAD is lower. F, if the true
foreground is known: mean absolute error of its colours times 1000, where the true alpha
is between 0 and 1 (soft) and where it is 1 (opaque).</p>
<table><thead><tr>{heading}</tr></thead>
{body}</table>
<ul>{items}</ul>
<p>Rows of pictures: alpha; image and composites; trimap and errors (red: alpha
too high, blue: too low, grey: known). The first column is the truth.</p>
{"".join(figures)}</html>
"""
