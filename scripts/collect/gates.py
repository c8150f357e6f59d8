"""Decides whether a file is a usable cut-out or background, and prepares it.

The bytes of a file of any picture format go in; out comes the file to store, WebP
for a cut-out (straight colours that go on under alpha 0, exact alpha) and JPEG for
a background, or `Refused` with the reason. What a file is called does not matter.
"""

import hashlib
import io
import warnings
from typing import NamedTuple

import imagehash
import numpy as np
from PIL import Image, ImageOps

from model import images, matting, profiles, rgba
from scripts.collect.checkerboard import is_checkerboard

LEAST_COVER, MOST_COVER = 0.02, 0.95  # mean alpha of the visible part
CLEAR = 0.05  # alpha up to this counts as transparent border
LEAST_CLEAR_BORDER = 0.1  # share of the visible part's border that is transparent
MARGIN = 2  # transparent pixels kept around the visible part
FLAT = 0.02  # standard deviation of the greys of a flat background
QUALITY = 92  # of the colours of WebP and JPEG, of 100


class Refused(ValueError):
    """A file is no picture for this data set; the message is the reason."""


class Prepared(NamedTuple):
    """A picture that passed.

    Attributes:
        data: The file to store.
        suffix: `.webp` or `.jpg`.
        sha256: Of `data`, in hex.
        phash: 64-bit perceptual hash of the picture, a cut-out on mid-grey, in hex.
        width: In pixels.
        height: In pixels.
    """

    data: bytes
    suffix: str
    sha256: str
    phash: str
    width: int
    height: int


def prepare(
    data: bytes,
    kind: str,
    crop: tuple[int, int, int, int] | None = None,
    min_side: int = 200,
    largest_side: int = 1024,
) -> Prepared:
    """Decodes a file completely, checks it and makes the file to store.

    Args:
        data: A file of a format that Pillow reads.
        kind: `foreground` or `background`.
        crop: Left, top, right and bottom in pixels of the part to use.
        min_side: Pixels that the longer side of a cut-out's visible part must
            have, or the shorter side of a background.
        largest_side: Pixels; a longer picture is scaled down to it.

    Returns:
        The file to store and what the manifest says of it.

    Raises:
        Refused: If it is not what `kind` asks for.
    """
    picture = decode(data)
    if crop is not None:
        left, top, right, bottom = crop
        if not (0 <= left < right <= picture.width and top >= 0):
            raise Refused(f"crop outside the picture: {crop}")
        if not top < bottom <= picture.height:
            raise Refused(f"crop outside the picture: {crop}")
        picture = picture.crop(crop)
    if kind == "foreground":
        return prepare_foreground(picture, min_side, largest_side)
    return prepare_background(picture, min_side, largest_side)


def decode(data: bytes) -> Image.Image:
    """Decodes a whole file, upright; of an animation the first frame.

    Returns:
        RGBA if it has transparency, else RGB, 8 bits a channel, in sRGB.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                picture.load()
                picture = ImageOps.exif_transpose(picture)
                if picture.mode.startswith(("I", "F")):
                    raise Refused(f"not 8 bits a channel: {picture.mode}")
                has_alpha = picture.has_transparency_data
                rgb = picture.convert("RGBA" if has_alpha else "RGB")
                is_rgb = picture.mode in ("RGB", "RGBA", "P")
                profile = picture.info.get("icc_profile") if is_rgb else None
                return to_srgb(rgb, profile) if profile else rgb
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused("too many pixels") from error
    except Image.UnidentifiedImageError as error:
        raise Refused("not a picture") from error
    except Refused:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        reason = " ".join(str(error).split())[:120]
        raise Refused(f"not a complete picture: {reason}") from error
    except MemoryError as error:
        raise Refused("too many pixels") from error
    except Exception as error:  # each of Pillow's many decoders raises what it likes
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise Refused(f"not a picture that can be decoded: {reason}") from error


def to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Gives a picture, RGB or RGBA, the values that its colours have in sRGB."""
    levels = np.asarray(picture)
    colours = profiles.convert(levels[..., :3].astype(np.float32) / 255, profile, None)
    converted = np.dstack([images.to_uint8(colours), levels[..., 3:]])
    return Image.fromarray(converted)


def prepare_foreground(
    picture: Image.Image, min_side: int, largest_side: int
) -> Prepared:
    """Checks a cut-out, trims and scales it and extends its colours."""
    if picture.mode != "RGBA" or picture.getextrema()[3][0] >= 250:
        if is_checkerboard(np.asarray(picture.convert("RGB"))):
            raise Refused("fake checkerboard instead of transparency")
        raise Refused("opaque everywhere" if picture.mode == "RGBA" else "no alpha")
    box = picture.getchannel("A").getbbox()
    if box is None:
        raise Refused("transparent everywhere")
    check_alpha(np.asarray(picture.crop(box).getchannel("A"), np.float32) / 255)
    side = max(box[2] - box[0], box[3] - box[1])
    if side < min_side:
        raise Refused(f"too small: {side} pixels")
    picture = picture.crop(
        (
            max(box[0] - MARGIN, 0),
            max(box[1] - MARGIN, 0),
            min(box[2] + MARGIN, picture.width),
            min(box[3] + MARGIN, picture.height),
        )
    )
    while max(picture.size) >= 4 * largest_side:  # saves the memory of huge floats
        picture = picture.reduce(2)
    values = np.asarray(picture, np.float32) / 255
    foreground, alpha = values[..., :3], values[..., 3]
    width, height = fit(picture.size, largest_side)
    if (width, height) == picture.size:
        foreground = rgba.extend_colours(foreground, alpha)
    else:
        foreground, alpha = rgba.resize_cutout(foreground, alpha, height, width)
    layers = [images.to_uint8(foreground), images.to_uint8(alpha)]
    options = {"quality": QUALITY, "alpha_quality": 100, "exact": True, "method": 4}
    grey = matting.composite(foreground, np.full_like(foreground, 0.5), alpha)
    return store(Image.fromarray(np.dstack(layers)), "WEBP", options, grey)


def check_alpha(alpha: np.ndarray) -> None:
    """Refuses an alpha that is no object on a transparent ground.

    Args:
        alpha: (H, W) float32 in [0, 1], trimmed to what is visible.

    Raises:
        Refused: If almost nothing is visible, or a whole rectangle.
    """
    cover = float(alpha.mean())
    if not LEAST_COVER <= cover <= MOST_COVER:
        raise Refused(f"covers too {'little' if cover < 0.5 else 'much'}: {cover:.1%}")
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    clear = float(np.mean(border <= CLEAR))
    if clear < LEAST_CLEAR_BORDER:
        raise Refused(f"no transparent border: {clear:.1%} of it is")


def prepare_background(
    picture: Image.Image, min_side: int, largest_side: int
) -> Prepared:
    """Checks a background and scales it."""
    if picture.mode == "RGBA" and picture.getextrema()[3][0] < 250:
        raise Refused("has transparency")
    side = min(picture.size)
    if side < min_side:
        raise Refused(f"too small: {side} pixels")
    picture = picture.convert("RGB")
    size = fit(picture.size, largest_side)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    colours = np.asarray(picture, np.float32) / 255
    spread = float(colours.mean(axis=2).std())
    if spread < FLAT:
        raise Refused(f"flat: greys vary by {spread:.1%}")
    return store(picture, "JPEG", {"quality": QUALITY}, colours)


def fit(size: tuple[int, int], largest_side: int) -> tuple[int, int]:
    """Scales a width and height down so that neither exceeds `largest_side`.

    >>> fit((3000, 1000), 1500), fit((10, 20), 1500)
    ((1500, 500), (10, 20))
    """
    scale = min(1, largest_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def store(
    picture: Image.Image, file_format: str, options: dict, seen: np.ndarray
) -> Prepared:
    """Encodes a picture and hashes it as it is `seen`: (H, W, 3) float32 in [0, 1]."""
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    data = buffer.getvalue()
    return Prepared(
        data,
        ".webp" if file_format == "WEBP" else ".jpg",
        hashlib.sha256(data).hexdigest(),
        str(imagehash.phash(Image.fromarray(images.to_uint8(seen)))),
        *picture.size,
    )
