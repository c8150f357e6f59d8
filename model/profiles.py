"""ICC profiles: the colours of one profile in the values of another."""

import io

import numpy as np
from PIL import Image, ImageCms

from model import images


def convert(pixels: np.ndarray, own: bytes | None, wanted: bytes | None) -> np.ndarray:
    """Gives colours the values that look the same under another profile.

    Args:
        pixels: (H, W, 3) float32 in [0, 1].
        own: The ICC profile of the values; None for sRGB.
        wanted: That of the result; None for sRGB.

    Returns:
        (H, W, 3) float32 in [0, 1], rounded to 8 bits where the profiles differ; the
        values as they are if one of the profiles cannot be used.
    """
    if own == wanted:
        return pixels
    picture = Image.fromarray(images.to_uint8(pixels))
    try:
        made = ImageCms.profileToProfile(picture, _open(own), _open(wanted))
    except (ImageCms.PyCMSError, OSError):  # damaged, or not of RGB
        return pixels
    return np.asarray(made, np.float32) / 255


def _open(profile: bytes | None):
    """Opens a profile in a form that can be used once."""
    if profile is None:
        return ImageCms.createProfile("sRGB")
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
