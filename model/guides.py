"""What is drawn to say where the object is: files of trimaps, masks and strokes."""

from pathlib import Path

import numpy as np
from PIL import Image

from model import decoding, images, matting


def read_mask(path: Path | str) -> np.ndarray:
    """Reads a mask: its alpha where that varies, as of a cut-out, else its greys.

    Args:
        path: A file in any format that Pillow reads.

    Returns:
        (H, W) float32 in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    picture = decoding.read(path)
    if picture.has_transparency_data:
        alpha = picture.convert("RGBA").getchannel("A")
        if len(set(alpha.getextrema())) > 1:
            return images.from_levels(alpha)
    return images.grey_of(picture)


def read_trimap(path: Path | str) -> np.ndarray:
    """Reads a trimap and maps its greys to the three codes.

    Args:
        path: A file in any format that Pillow reads.

    Returns:
        (H, W) uint8 of 0 background, 128 unknown, 255 foreground.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    return trimap_of(decoding.read(path))


def trimap_of(picture: Image.Image) -> np.ndarray:
    """Converts a trimap of any mode to its codes.

    What is transparent while other parts are not is unknown, whatever colour is
    hidden there.

    Args:
        picture: As Pillow gives it, decoded.

    Returns:
        (H, W) uint8 codes.
    """
    codes = matting.trimap_from_grey(images.grey_of(picture))
    if _has_transparency(picture):
        rgba = picture.convert("RGBA")
        alpha = images.from_levels(rgba.getchannel("A"))
        if alpha.min() < alpha.max() and not images.is_mask(rgba):
            codes[alpha <= 0.5] = matting.UNKNOWN
    return codes


def read_strokes(path: Path | str) -> np.ndarray:
    """Reads strokes of foreground (white) and background (black).

    Args:
        path: A picture in any format that Pillow reads: strokes on grey, or on nothing.

    Returns:
        (H, W) uint8 codes as of a trimap, unknown where there is no stroke.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    picture = decoding.read(path)
    if not _has_transparency(picture):
        return matting.trimap_from_grey(images.grey_of(picture))
    rgba = images.from_levels(picture.convert("RGBA"))
    codes = matting.trimap_from_grey(rgba[..., :3].mean(axis=2))
    return np.where(rgba[..., 3] > 0.5, codes, np.uint8(matting.UNKNOWN))


def _has_transparency(picture: Image.Image) -> bool:
    """Tells whether a picture of 8 bits has some; that of deep grey does not count."""
    is_deep = picture.mode.startswith(("I", "F"))
    return not is_deep and picture.has_transparency_data
