"""The mattes of each method on each case: errors and seconds, and pictures of them."""

import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from model import images, matting, metrics
from model import report as drawing
from scripts.measure import sheets
from scripts.measure.case import Case
from scripts.measure.methods import Method

PLAIN_COLOUR = (0.12, 0.55, 0.42)  # RGB, behind the composites on the page


def measure_mattes(
    cases: Iterable[Case],
    methods: dict[str, Method],
    sheet_folder: Path | None = None,
    is_quiet: bool = False,
) -> tuple[list[dict], list[str]]:
    """Runs and measures every method on every case.

    Args:
        cases: What to measure.
        methods: By their names on the screen.
        sheet_folder: For a contact sheet of each case; none if None.
        is_quiet: Whether no progress is told.

    Returns:
        Rows of numbers (the labels of the case, `method`, the measures, `seconds`,
        `foreground_seconds`, `note`), and a piece of HTML per case.
    """
    rows, figures = [], []
    for case in cases:
        title = ", ".join(filter(None, reversed(case.labels.values())))
        columns = {title: (case.alpha, case.image, case.trimap)}
        for name, method in methods.items():
            start = time.perf_counter()
            matte = method.estimate(case.image, case.trimap)
            seconds = {"seconds": time.perf_counter() - start}
            alpha = round_levels(matte.alpha)
            start = time.perf_counter()
            foreground = matte.foreground
            if foreground is None:
                foreground = method.estimate_foreground(case.image, alpha)
            seconds["foreground_seconds"] = time.perf_counter() - start
            row = {**case.labels, "method": name}
            row |= metrics.measure(case.alpha, alpha, case.trimap)
            row |= measure_foreground(case, round_levels(foreground))
            rows.append(row | seconds | {"note": matte.note})
            if not is_quiet:
                told = f"SAD {row['sad']:.3f}, {seconds['seconds']:.2f} s"
                print(f"{case.name} {name}: {told}", file=sys.stderr)
            columns[f"{name}, SAD {row['sad']:.2f}"] = (
                alpha,
                draw_composite(foreground, alpha),
                drawing.draw_error(case.alpha, alpha, case.trimap),
            )
        figures.append(drawing.figure_html(columns))
        if sheet_folder:
            drawn = {name: cells[:2] for name, cells in list(columns.items())[1:]}
            sheet = sheets.draw_sheet(case, drawn)
            images.write_image(
                sheet_folder / f"{case.name.replace(' ', '-')}.png", sheet
            )
    return rows, figures


def round_levels(values: np.ndarray) -> np.ndarray:
    """Rounds to 8 bits: float in [0, 1] of any shape to float32 in [0, 1]."""
    return images.to_uint8(values).astype(np.float32) / 255


def measure_foreground(case: Case, foreground: np.ndarray) -> dict[str, float | None]:
    """Measures colours against the true ones, if they are known.

    Args:
        case: Holds the truth.
        foreground: (H, W, 3) float32 in [0, 1].

    Returns:
        Mean absolute errors in [0, 1], None where there is no such pixel:
        `foreground_fractional` where 0 < alpha < 1, `foreground_opaque` where it is 1.
    """
    if case.foreground is None:
        return {}
    errors = metrics.foreground_error(case.foreground, foreground, case.alpha)
    return {
        f"foreground_{region}": None if math.isnan(error) else error
        for region, error in errors.items()
    }


def draw_composite(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Puts what was cut out on a plain colour.

    Args:
        foreground: (H, W, 3) float in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float in [0, 1].
    """
    plain = np.broadcast_to(np.float32(PLAIN_COLOUR), foreground.shape)
    return matting.composite(foreground, plain, alpha)
