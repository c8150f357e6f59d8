"""Picture files to arrays and back: the only place that knows modes and EXIF.

Reading gives float32 in [0, 1], RGB, upright; writing takes the same, rounds to
8 bits, and replaces the file only when the new one is complete.
"""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from model import matting

EXTENSIONS = (".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif")


def read_image(path: Path | str) -> np.ndarray:
    """Reads a photograph of any mode as upright RGB; transparency is dropped.

    Args:
        path: A file in any format that Pillow reads.

    Returns:
        (H, W, 3) float32 in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete picture.
    """
    picture = _open(path)
    if picture.mode.startswith(("I", "F")):  # Pillow would clip these to 8 bits
        return np.repeat(_grey_levels(picture)[..., None], 3, axis=2)
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
    picture = _open(path)
    if picture.mode.startswith(("I", "F")):
        return _grey_levels(picture)
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
    return matting.trimap_from_grey(read_grey(path))


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
    picture = _open(path)
    if not picture.has_transparency_data:
        raise ValueError(f"{path}: no alpha channel; give an RGBA cut-out")
    rgba = _to_float(picture.convert("RGBA"))
    alpha = rgba[..., 3]
    if alpha.min() == 1:
        raise ValueError(f"{path}: opaque everywhere; give a cut-out")
    if alpha.max() == 0:
        raise ValueError(f"{path}: transparent everywhere; give a cut-out")
    return rgba[..., :3], alpha


def write_image(path: Path | str, image: np.ndarray) -> None:
    """Writes a picture, a grey map or a trimap in the format of the file's name.

    Args:
        path: The file to write; an existing one is replaced when all is written.
        image: (H, W) or (H, W, 3) or (H, W, 4), float32 in [0, 1] or uint8.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If the name's ending is no format that Pillow writes.
    """
    path = Path(path)
    picture = Image.fromarray(to_uint8(image))
    Image.init()
    image_format = Image.EXTENSION.get(path.suffix.lower())
    if image_format not in Image.SAVE:
        raise ValueError(f"{path}: no picture format ends in {path.suffix!r}; use .png")
    options = {"lossless": True, "exact": True} if image_format == "WEBP" else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            picture.save(file, image_format, **options)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_cutout(path: Path | str, foreground: np.ndarray, alpha: np.ndarray) -> None:
    """Writes foreground and alpha as one RGBA picture, not premultiplied.

    Args:
        path: The file to write, of a format with transparency.
        foreground: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Raises:
        OSError: If the file cannot be written.
    """
    write_image(path, np.dstack([to_uint8(foreground), to_uint8(alpha)]))


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


def _open(path: Path | str) -> Image.Image:
    """Decodes a whole file and turns it upright by its EXIF orientation."""
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such file")
    if Path(path).is_dir():
        raise ValueError(f"{path}: a folder; give a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                picture.load()
                return ImageOps.exif_transpose(picture)
    except PermissionError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path}: too many pixels; resize it first") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ValueError(f"{path}: not a complete picture ({error})") from error


def _grey_levels(picture: Image.Image) -> np.ndarray:
    """Scales 16-bit grey to [0, 1]; floats are taken to be in it."""
    levels = np.asarray(picture).astype(np.float32)
    return np.clip(levels if picture.mode == "F" else levels / 65535, 0, 1)


def _to_float(picture: Image.Image) -> np.ndarray:
    """Converts 8-bit levels to float32 in [0, 1]."""
    return np.asarray(picture, np.float32) / 255
