"""What is written of a matte: the cut-out or a composite, and alpha and foreground.

All files of one picture are replaced together, when the last is complete. Which files
may be written is for `places` to tell.
"""

import contextlib
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import ImageColor

from model import images, interrupt, matting, profiles, rgba
from model.places import STANDARD, Targets
from model.predict import Matte

BLUR = 0.03  # deviation of a blurred background, as a share of the longer side

Background = Callable[[images.Photograph, np.ndarray], np.ndarray]  # and alpha


def parse_background(text: str) -> Background:
    """Understands what the foreground is to be put on.

    Args:
        text: `blur` for the picture's own background, out of focus; `checkerboard`; a
            colour by name or as `#rrggbb`; or a picture file.

    Returns:
        A function of a photograph and its alpha (H, W) that gives the background,
        (H, W, 3) float32 in [0, 1], in the values of the photograph's profile.

    Raises:
        ValueError: If it is none of these.
    """
    if text == "blur":
        return _blur
    if text == "checkerboard":
        return lambda photograph, alpha: profiles.convert(
            matting.checkerboard(*alpha.shape, square=16), None, photograph.profile
        )
    try:
        colour = _parse_colour(text)
    except ValueError:
        pass
    else:
        return lambda photograph, alpha: np.broadcast_to(
            profiles.convert(colour[None, None], None, photograph.profile),
            photograph.pixels.shape,
        )
    if not Path(text).is_file():
        raise ValueError(
            f"--composite: {text} is no file and no colour; give a picture, a colour "
            "such as white or #20a060, blur or checkerboard"
        )
    picture = images.read_photograph(text)
    return lambda photograph, alpha: profiles.convert(
        cover(picture.pixels, alpha.shape), picture.profile, photograph.profile
    )


def _parse_colour(text: str) -> np.ndarray:
    """Reads a colour by name or number: (3,) float32 in [0, 1].

    Raises:
        ValueError: If it is none, out of range, or transparent.
    """
    levels = np.array(ImageColor.getrgb(text))
    if levels.min() < 0 or levels.max() > 255 or (levels[3:] < 255).any():
        raise ValueError(f"{text}: no opaque colour of 8 bits")
    return levels[:3].astype(np.float32) / 255


def cover(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Scales a picture until it covers a frame, and cuts off what is too much.

    Args:
        picture: (h, w, 3) float32.
        shape: Height and width of the frame.

    Returns:
        (H, W, 3) float32, the middle of the picture.
    """
    scale = max(wanted / got for wanted, got in zip(shape, picture.shape, strict=False))
    middle = []
    for wanted, got in zip(shape, picture.shape, strict=False):
        side = min(got, max(1, round(wanted / scale)))
        middle.append(slice((got - side) // 2, (got + side) // 2))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(picture[tuple(middle)], shape[::-1], interpolation=way)


def render(
    photograph: images.Photograph,
    matte: Matte,
    targets: Targets,
    background: Background | None,
    bits: int = 8,
) -> dict[Path, np.ndarray]:
    """Makes the pictures that the files are to hold.

    Args:
        photograph: What was matted.
        matte: Its matte.
        targets: The files to write; without `output`, what `paint` paints is left out.
        background: What the foreground is put on; None for a cut-out.
        bits: Of the alpha, 8 or 16.

    Returns:
        (H, W), (H, W, 3) or (H, W, 4) uint8 by file; (H, W) uint16 for a deep alpha.
    """
    levels = images.to_uint8(matte.alpha)
    pictures = {}
    if targets.output:
        layers = paint_layers(photograph, matte, background)
        rounded = [images.to_uint8(layer) for layer in layers]  # before they are copied
        pictures[targets.output] = np.dstack(rounded)
    if targets.alpha:
        deep = np.round(matte.alpha * 65535).astype(np.uint16)
        pictures[targets.alpha] = deep if bits == 16 else levels
    if targets.foreground:
        pictures[targets.foreground] = images.to_uint8(matte.foreground)
    return pictures


def paint(
    photograph: images.Photograph, matte: Matte, background: Background | None
) -> np.ndarray:
    """Paints the cut-out or the composite.

    Args:
        photograph: What was matted.
        matte: Its matte.
        background: What the foreground is put on; None for a cut-out.

    Returns:
        (H, W, 4) float32 in [0, 1], not premultiplied, or (H, W, 3).
    """
    return np.dstack(paint_layers(photograph, matte, background))


def paint_layers(
    photograph: images.Photograph, matte: Matte, background: Background | None
) -> list[np.ndarray]:
    """Gives the layers of what `paint` paints, each for itself.

    Args:
        photograph: What was matted.
        matte: Its matte.
        background: What the foreground is put on; None for a cut-out.

    Returns:
        (H, W, 3) float32 in [0, 1]; of a cut-out (H, W) too.
    """
    if background is None:
        return [matte.foreground, matte.alpha]
    return [matte.composite(background(photograph, matte.alpha))]


def write_all(
    pictures: dict[Path, np.ndarray],
    profile: bytes | None = None,
    resolution: tuple[float, float] | None = None,
    written: list[Path] | None = None,
) -> None:
    """Writes several pictures, and replaces the old ones when all are complete.

    Args:
        pictures: By file; `-` is the standard output.
        profile: ICC profile of those with colours, or None.
        resolution: Pixels per inch, or None.
        written: Gets the files that have been replaced.

    Raises:
        KeyboardInterrupt: After Ctrl-C; all files are replaced, or none.
        OSError: If a file cannot be written; then none is replaced, unless the
            file system fails in between.
    """
    made = {  # short, as the file's own name may be the longest that there can be
        path: path.with_name(f".{secrets.token_hex(4)}{path.suffix}")
        for path in pictures
        if path != STANDARD
    }
    path = STANDARD
    try:
        with interrupt.held():
            for path in made:
                own = profile if pictures[path].ndim == 3 else None
                images.write_image(made[path], pictures[path], own, resolution)
        if STANDARD in pictures:
            path = STANDARD
            own = profile if pictures[path].ndim == 3 else None
            _write_standard(
                images.encode(pictures[path], Path("-.png"), own, resolution)
            )
        with interrupt.held():
            for path in made:
                os.replace(made[path], path)
                if written is not None:
                    written.append(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"{path}: cannot be written ({reason})") from error
    finally:
        with interrupt.held():
            for temporary in made.values():
                temporary.unlink(missing_ok=True)


def _write_standard(content: bytes) -> None:
    """Writes to the standard output, and leaves nothing for Python to try at its end.

    Raises:
        OSError: If it cannot be written.
    """
    if sys.stdout is None:
        raise OSError("it is closed")
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, sys.stdout.fileno())
        raise


def _blur(photograph: images.Photograph, alpha: np.ndarray) -> np.ndarray:
    """Takes the object out of a picture and the rest out of focus."""
    filled = rgba.push_pull(photograph.pixels, 1 - alpha)
    return cv2.GaussianBlur(filled, (0, 0), max(1.0, BLUR * max(alpha.shape)))
