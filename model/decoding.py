"""Picture files to whole pictures of Pillow, upright: all that may be wrong with them.

The only place that knows of EXIF orientation, decompression bombs, and what decoders
raise. The path `-` is read from the standard input.
"""

import contextlib
import io
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

DECODING = threading.Lock()  # warnings are filtered for the whole process
UPRIGHT = dict(  # by the EXIF orientation
    enumerate(
        (
            Image.Transpose.FLIP_LEFT_RIGHT,
            Image.Transpose.ROTATE_180,
            Image.Transpose.FLIP_TOP_BOTTOM,
            Image.Transpose.TRANSPOSE,
            Image.Transpose.ROTATE_270,
            Image.Transpose.TRANSVERSE,
            Image.Transpose.ROTATE_90,
        ),
        start=2,
    )
)
SIDEWAYS = range(5, 9)  # the orientations in which height and width are swapped
SLACK = 0.01  # by which floats may overshoot [0, 1]
BITS, PHOTOMETRIC = 258, 262  # tags of a TIFF


def read(path: Path | str) -> Image.Image:
    """Decodes a whole file and turns it upright by its EXIF orientation.

    Args:
        path: A file in any format that Pillow reads; `-` is the standard input.

    Returns:
        The picture, in memory; deep grey has all of its 16 bits.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    if str(path) == "-":
        if sys.stdin is None:
            raise ValueError("standard input: closed; give a file")
        return _decode(io.BytesIO(sys.stdin.buffer.read()), "standard input")
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such file")
    if Path(path).is_dir():
        raise ValueError(f"{path}: a folder; give a picture")
    with _decoding(path):
        file = open(path, "rb")
    with file:  # by its name, Pillow would map a TIFF on its side at the wrong width
        return _decode(file, path)


def complete(picture: Image.Image, name: str) -> Image.Image:
    """Decodes what Pillow has only opened; several threads may do it at once.

    Args:
        picture: A picture, as `Image.open` gives it.
        name: What a message is to call it.

    Returns:
        The same picture.

    Raises:
        ValueError: If it is damaged, or its levels are not understood.
    """
    with _decoding(name), _unmapped(picture):
        picture.load()
    _check_levels(picture, name)
    return picture


@contextlib.contextmanager
def _unmapped(picture: Image.Image) -> Iterator[None]:
    """Hides the name of a picture's file: a TIFF on its side must not be mapped."""
    named = getattr(picture, "filename", "")
    if named:
        picture.filename = ""
    try:
        yield
    finally:
        if named:
            picture.filename = named


def _check_levels(picture: Image.Image, name: Path | str) -> None:
    """Refuses deep grey on another scale, which would only be clipped.

    Raises:
        ValueError: If there are floats outside of [0, 1], or more than 16 bits.
    """
    most = {"F": 1, "I": 65535}.get(picture.mode)
    if most is None:
        return
    levels = np.asarray(picture)
    levels = levels[np.isfinite(levels)]
    if levels.size and (levels.min() < -SLACK or levels.max() > most + SLACK):
        raise ValueError(
            f"{name}: levels from {levels.min():g} to {levels.max():g}; "
            f"scale them to 0 to {most}"
        )


def _decode(source: IO[bytes], path: Path | str) -> Image.Image:
    """Decodes what is read from an open file, called `path` in messages."""
    picture = _load(source, path)
    _check_levels(picture, path)
    return picture


def _load(source: IO[bytes], path: Path | str) -> Image.Image:
    """Decodes a whole file and turns it upright."""
    with _decoding(path), Image.open(source) as picture:
        is_turned = picture.format == "TIFF" and _orientation(picture) in SIDEWAYS
        picture.load()  # which turns a TIFF, but not its resolution
        if is_turned and "dpi" in picture.info:
            picture.info["dpi"] = picture.info["dpi"][::-1]
        tags = getattr(picture, "tag_v2", {})  # of a TIFF; a turned copy has none
        return _spread_levels(_turn_upright(picture), tags)


@contextlib.contextmanager
def _decoding(path: Path | str) -> Iterator[None]:
    """Lets one thread decode a picture, and makes one kind of all that it may raise."""
    try:
        with DECODING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd but can be read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (PermissionError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path}: too many pixels; resize it first") from error
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path}: not a complete picture (of no known format)"
        ) from error
    except Exception as error:  # decoders raise nearly everything on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: not a complete picture ({reason})") from error


def _turn_upright(picture: Image.Image) -> Image.Image:
    """Turns a copy as the EXIF orientation says; damaged EXIF says nothing.

    `ImageOps.exif_transpose` writes all of the EXIF anew, and fails at tags that it
    cannot write.
    """
    turn = UPRIGHT.get(_orientation(picture))
    if turn is None:
        return picture.copy()
    turned = picture.transpose(turn)
    if turned.size != picture.size and "dpi" in picture.info:
        turned.info["dpi"] = picture.info["dpi"][::-1]
    return turned


def _orientation(picture: Image.Image) -> int | None:
    """Reads the EXIF orientation; None if there is none, or the EXIF is damaged."""
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # of kinds as various as the damage
        return None


def _spread_levels(picture: Image.Image, tags: Mapping) -> Image.Image:
    """Gives deep grey of a TIFF all 16 bits, black being 0; others as they are."""
    if not tags or not picture.mode.startswith("I;16"):
        return picture
    (bits, *_), is_white_zero = tags.get(BITS, (16,)), tags.get(PHOTOMETRIC) == 0
    if bits == 16 and not is_white_zero:
        return picture
    most = 2**bits - 1
    levels = np.minimum(np.asarray(picture), most)
    levels = most - levels if is_white_zero else levels
    spread = Image.fromarray(np.round(levels * (65535 / most)).astype(np.uint16))
    spread.info = picture.info
    return spread
