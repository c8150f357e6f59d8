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

from model import decoding, matting, replacing

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
    return _to_float(picture.convert("RGB"))


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
            return _to_float(alpha)
    return grey_of(picture)


def grey_of(picture: Image.Image) -> np.ndarray:
    """Converts a mask of any mode as `read_grey` does: (H, W) float32 in [0, 1]."""
    if picture.mode.startswith(("I", "F")):
        return _grey_levels(picture)
    if picture.mode == "LAB":
        picture = picture.convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        *colours, (faintest, strongest) = rgba.getextrema()
        if faintest < strongest and all(low == high for low, high in colours):
            return _to_float(rgba.getchannel("A"))
        picture = rgba.convert("RGB")
    return _to_float(picture.convert("L"))


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
    codes = matting.trimap_from_grey(grey_of(picture))
    if picture.mode.startswith(("I", "F")) or not picture.has_transparency_data:
        return codes
    *colours, (faintest, strongest) = picture.convert("RGBA").getextrema()
    if faintest < strongest and any(low < high for low, high in colours):
        alpha = _to_float(picture.convert("RGBA").getchannel("A"))
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
    is_deep = picture.mode.startswith(("I", "F"))
    if is_deep or not picture.has_transparency_data:
        return matting.trimap_from_grey(grey_of(picture))
    rgba = _to_float(picture.convert("RGBA"))
    codes = matting.trimap_from_grey(rgba[..., :3].mean(axis=2))
    return np.where(rgba[..., 3] > 0.5, codes, np.uint8(matting.UNKNOWN))


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
    rgba = _to_float(picture.convert("RGBA"))
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


def _grey_levels(picture: Image.Image) -> np.ndarray:
    """Scales 16-bit grey to [0, 1]; floats are taken to be in it."""
    levels = np.nan_to_num(np.asarray(picture).astype(np.float32))
    return np.clip(levels if picture.mode == "F" else levels / 65535, 0, 1)


def _to_float(picture: Image.Image) -> np.ndarray:
    """Converts 8-bit levels to float32 in [0, 1]."""
    return np.asarray(picture, np.float32) / 255
