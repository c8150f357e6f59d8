"""Picture files to arrays and back: the only place that knows modes.

Reading gives float32 in [0, 1], RGB, upright; writing takes the same, rounds to
8 bits, and replaces the file only when the new one is complete. The path `-` is read
from the standard input.
"""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from model import decoding, replacing

EXTENSIONS = (".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif")
PNG_LEVEL = 4  # of zlib: half the time of the usual 6, files 3 % larger


class Photograph(NamedTuple):
    """A picture and what its file says of it.

    Attributes:
        pixels: (H, W, 3) float32 in [0, 1], upright RGB.
        profile: The ICC profile of its colours, or None.
        resolution: Pixels per inch across and down, or None.
    """

    pixels: np.ndarray
    profile: bytes | None
    resolution: tuple[float, float] | None


def read_photograph(path: Path | str) -> Photograph:
    """Reads a photograph of any mode as upright RGB; transparency is dropped.

    Args:
        path: A file in any format that Pillow reads.

    Returns:
        The photograph. The profile is left out if the file's colours were not RGB.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    picture = decoding.read(path)
    is_rgb = picture.mode in ("RGB", "RGBA", "P")
    profile = picture.info.get("icc_profile") if is_rgb else None
    dpi = picture.info.get("dpi")
    is_known = (  # Pillow says 1 where a TIFF says nothing; a JPEG holds 16 bits
        isinstance(dpi, tuple) and len(dpi) == 2 and all(1 < n < 2**16 for n in dpi)
    )
    resolution = (float(dpi[0]), float(dpi[1])) if is_known else None
    return Photograph(rgb_of(picture), profile, resolution)


def read_image(path: Path | str) -> np.ndarray:
    """Reads the pixels of a photograph, see `read_photograph`.

    Args:
        path: A file in any format that Pillow reads.

    Returns:
        (H, W, 3) float32 in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    return rgb_of(decoding.read(path))


def rgb_of(picture: Image.Image) -> np.ndarray:
    """Converts a picture of any mode: (H, W, 3) float32 in [0, 1]."""
    if picture.mode.startswith(("I", "F")):  # Pillow would clip these to 8 bits
        return np.repeat(_grey_levels(picture)[..., None], 3, axis=2)
    if picture.has_transparency_data:  # a palette with several would warn
        picture = picture.convert("RGBA")
    return from_levels(picture.convert("RGB"))


def read_grey(path: Path | str) -> np.ndarray:
    """Reads a mask, an alpha or a trimap of any mode as grey levels.

    A picture whose colours are all the same and whose transparency is not
    carries its mask in the alpha channel: then that channel is returned.

    Args:
        path: A file in any format that Pillow reads.

    Returns:
        (H, W) float32 in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    return grey_of(decoding.read(path))


def grey_of(picture: Image.Image) -> np.ndarray:
    """Converts a mask of any mode as `read_grey` does: (H, W) float32 in [0, 1]."""
    if picture.mode.startswith(("I", "F")):
        return _grey_levels(picture)
    if picture.mode == "LAB":
        picture = picture.convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        if is_mask(rgba):
            return from_levels(rgba.getchannel("A"))
        picture = rgba.convert("RGB")
    return from_levels(picture.convert("L"))


def is_mask(rgba: Image.Image) -> bool:
    """Tells whether the transparency varies and the colours do not."""
    *colours, (faintest, strongest) = rgba.getextrema()
    return faintest < strongest and all(low == high for low, high in colours)


def read_cutout(path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Reads an RGBA cut-out as stored, without touching its hidden colours.

    Args:
        path: A picture with transparency.

    Returns:
        Foreground (H, W, 3) and alpha (H, W), float32 in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture, has no alpha channel, or
            is opaque or transparent everywhere.
    """
    picture = decoding.read(path)
    if not picture.has_transparency_data:
        raise ValueError(f"{path}: no alpha channel; give an RGBA cut-out")
    rgba = from_levels(picture.convert("RGBA"))
    alpha = rgba[..., 3]
    if alpha.min() == 1:
        raise ValueError(f"{path}: opaque everywhere; give a cut-out")
    if alpha.max() == 0:
        raise ValueError(f"{path}: transparent everywhere; give a cut-out")
    return rgba[..., :3], alpha


def write_image(
    path: Path | str,
    image: np.ndarray,
    profile: bytes | None = None,
    resolution: tuple[float, float] | None = None,
) -> None:
    """Writes a picture, a grey map or a trimap in the format of the file's name.

    Args:
        path: The file to write; an existing one is replaced when all is written.
        image: (H, W) or (H, W, 3) or (H, W, 4), float32 in [0, 1] or uint8; or
            (H, W) uint16.
        profile: ICC profile of the colours, or None.
        resolution: Pixels per inch across and down, or None.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If the name's ending is no format that Pillow writes.
    """
    path = Path(path)
    content = encode(image, path, profile, resolution)
    path.parent.mkdir(parents=True, exist_ok=True)
    replacing.replace_file(path, content)


def encode(
    image: np.ndarray,
    path: Path,
    profile: bytes | None = None,
    resolution: tuple[float, float] | None = None,
) -> bytes:
    """Encodes a picture; see `write_image`, for the arguments too.

    Args:
        image: The picture.
        path: Whose ending is the format.
        profile: ICC profile, or None.
        resolution: Pixels per inch, or None.

    Returns:
        The content of the file.

    Raises:
        ValueError: If the name's ending is no format that Pillow writes.
    """
    is_deep = image.dtype == np.uint16
    picture = Image.fromarray(image if is_deep else to_uint8(image))
    Image.init()
    image_format = Image.EXTENSION.get(path.suffix.lower())
    if image_format not in Image.SAVE:
        raise ValueError(f"{path}: no picture format ends in {path.suffix!r}; use .png")
    options = {
        "WEBP": {"lossless": True, "exact": True},
        "JPEG": {"quality": 95, "subsampling": 0},
        "TIFF": {"compression": "tiff_deflate"},
        "PNG": {"compress_level": PNG_LEVEL},
    }.get(image_format, {})
    if profile:
        options["icc_profile"] = profile
    if resolution:
        options["dpi"] = resolution
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Rounds floats in [0, 1] to 8 bits; uint8 passes unchanged.

    Args:
        values: float in [0, 1], or uint8, of any shape.

    Returns:
        uint8 of the same shape.
    """
    if values.dtype == np.uint8:
        return values
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)


def to_unit(values: np.ndarray, name: str) -> np.ndarray:
    """Scales uint8, and takes floats as they are, if they are in [0, 1].

    Args:
        values: uint8 or float, of any shape.
        name: What a message is to call them.

    Returns:
        float32 in [0, 1] of the same shape.

    Raises:
        ValueError: If they are of another kind, or not in [0, 1].
    """
    if values.dtype == np.uint8:
        return values.astype(np.float32) / 255
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"{name}: got {values.dtype}; give uint8, or float in [0, 1]")
    values = values.astype(np.float32)
    if not (values.size and 0 <= values.min() and values.max() <= 1):
        raise ValueError(f"{name}: values are not in [0, 1]; scale them, or give uint8")
    return values


def _grey_levels(picture: Image.Image) -> np.ndarray:
    """Scales 16-bit grey to [0, 1]; floats are taken to be in it."""
    levels = np.nan_to_num(np.asarray(picture).astype(np.float32))
    return np.clip(levels if picture.mode == "F" else levels / 65535, 0, 1)


def from_levels(picture: Image.Image) -> np.ndarray:
    """Converts the 8-bit levels of a picture to float32 in [0, 1]."""
    return np.asarray(picture, np.float32) / 255
