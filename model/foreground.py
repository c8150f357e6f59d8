"""The foreground's colours, estimated from an image and its alpha.

Image and alpha go in, the foreground comes out, with the background's colours
taken out of it. The method is that of Forte, "Approximate Fast Foreground Colour
Estimation" (ICIP 2021), which needs nothing but box filters; with three changes that
make it more accurate (log/README.md): it works on the light that a camera adds up and
not on the values of the file, sure pixels count for more, and the boxes shrink in
more steps.
"""

import cv2
import numpy as np

from model import matting

SIDES = (61, 21, 7, 3, 3)  # of the box filters, in pixels
SURENESS = 3  # power of alpha by which a pixel counts


def estimate_foreground(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimates the foreground by blurred colours that are fitted to the image.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1], equal to the image where alpha is 1; extended
        smoothly under alpha 0.
    """
    foreground = image.astype(np.float32)
    window = find_window(alpha)
    light = np.power(foreground[window], np.float32(matting.CAMERA_GAMMA))
    weight = alpha[window][..., None].astype(np.float32)
    layers = (light, light)
    for side in SIDES if light.size else ():
        layers = fit_blurred(light, weight, *layers, side)
    colours = np.power(layers[0], np.float32(1 / matting.CAMERA_GAMMA))
    foreground = foreground.copy()
    foreground[window] = np.where(weight == 1, foreground[window], colours)
    return matting.extend_colours(foreground, alpha)


def find_window(alpha: np.ndarray) -> tuple[slice, slice]:
    """Finds the rectangle outside of which alpha is 0 or 1, and what boxes reach."""
    is_mixed = (alpha > 0) & (alpha < 1)
    window = []
    for axis, length in zip((1, 0), alpha.shape, strict=True):
        places = np.flatnonzero(is_mixed.any(axis))
        first, last = (places[0], places[-1]) if places.size else (0, -1 - SIDES[0])
        window.append(slice(max(0, first - SIDES[0]), min(length, last + SIDES[0] + 1)))
    return tuple(window)


def fit_blurred(
    image: np.ndarray,
    alpha: np.ndarray,
    foreground: np.ndarray,
    background: np.ndarray,
    side: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Blurs both layers by their weights and fits them to the image.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W, 1) float32 in [0, 1].
        foreground: (H, W, 3) float32, the estimate so far.
        background: (H, W, 3) float32, the estimate so far.
        side: Of the box, in pixels.

    Returns:
        Foreground (Eq. 4 of the paper) and background (Eq. 6), each (H, W, 3)
        float32 in [0, 1], with the least change that makes them compose to the image.
    """

    def smooth(layer: np.ndarray, weight: np.ndarray) -> np.ndarray:
        weight = weight**SURENESS
        total = cv2.blur(weight, (side, side))[..., None]
        return cv2.blur(layer * weight, (side, side)) / (total + 1e-5)

    foreground, background = smooth(foreground, alpha), smooth(background, 1 - alpha)
    missing = image - alpha * foreground - (1 - alpha) * background
    missing /= alpha**2 + (1 - alpha) ** 2
    return (
        np.clip(foreground + alpha * missing, 0, 1),
        np.clip(background + (1 - alpha) * missing, 0, 1),
    )
