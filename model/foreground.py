"""The foreground's colours, estimated from an image and its alpha.

Image and alpha go in, the foreground comes out, with the background's colours
taken out of it. The method is that of Forte, "Approximate Fast Foreground Colour
Estimation" (ICIP 2021), which needs nothing but box filters.
"""

import cv2
import numpy as np

from model import matting

SIDES = (91, 7)  # of the box filters in pixels: one coarse pass, one fine


def estimate_foreground(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimates the foreground by blurred colours that are fitted to the image.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1], equal to the image where alpha is 1; extended
        smoothly under alpha 0.
    """
    weight = alpha[..., None].astype(np.float32)
    foreground = background = image
    for side in SIDES:
        foreground, background = fit_blurred(
            image, weight, foreground, background, side
        )
    foreground = np.where(weight == 1, image, foreground)
    return matting.extend_colours(foreground, alpha)


def fit_blurred(
    image: np.ndarray,
    alpha: np.ndarray,
    foreground: np.ndarray,
    background: np.ndarray,
    side: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Blurs both layers by their weights and fits the foreground to the image.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W, 1) float32 in [0, 1].
        foreground: (H, W, 3) float32, the estimate so far.
        background: (H, W, 3) float32, the estimate so far.
        side: Of the box, in pixels.

    Returns:
        Foreground (Eq. 4 and 5 of the paper) and background (Eq. 6), each
        (H, W, 3) float32 in [0, 1].
    """

    def blur(values: np.ndarray) -> np.ndarray:
        blurred = cv2.blur(values, (side, side))
        return blurred.reshape(*values.shape[:2], -1)

    weight = blur(alpha)
    smooth_foreground = blur(foreground * alpha) / (weight + 1e-5)
    smooth_background = blur(background * (1 - alpha)) / (1 - weight + 1e-5)
    missing = image - alpha * smooth_foreground - (1 - alpha) * smooth_background
    fitted = smooth_foreground + alpha * missing
    return np.clip(fitted, 0, 1), np.clip(smooth_background, 0, 1)
