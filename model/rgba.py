"""The clean colours of a cut-out: beyond its edge, enlarged, un-premultiplied.

Colours are (H, W, 3) float32 in [0, 1] and RGB, alpha is (H, W) float32 in [0, 1].
No meaningless colour under alpha 0 comes out of any of these, whatever went in.
"""

import cv2
import numpy as np


def extend_colours(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Carries the visible colours into the transparent part, smoothly.

    A push-pull pyramid: colours are averaged by their alpha while going down,
    and holes are filled from the next coarser level while going up. So neither
    a resize nor a network ever meets the meaningless colour under alpha 0.

    Args:
        foreground: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1], unchanged wherever alpha is above 0.
    """
    extended = foreground.copy()
    is_hidden = (alpha <= 0).astype(np.uint8)
    if is_hidden.any():
        cv2.copyTo(_pull(foreground, alpha), is_hidden, extended)
    return extended


def push_pull(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fills a picture from its weighted pixels (Gortler et al., 1996, 6.2).

    Args:
        colour: (H, W, C) float32.
        weight: (H, W) float32 in [0, 1], 0 where the colour is not known.

    Returns:
        (H, W, C) float32; equal to `colour` where the weight is 1.
    """
    coarse = _pull(colour, weight)
    return coarse + weight[..., None].astype(np.float32) * (colour - coarse)


def _pull(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Gives what the next coarser level of the pyramid knows, (H, W, C) float32."""
    height, width = weight.shape
    weight = weight.astype(np.float32)
    weighted = colour * weight[..., None]
    if min(height, width) <= 2:
        mean = weighted.sum((0, 1)) / max(weight.sum(), 1e-6)
        return np.broadcast_to(mean, colour.shape).astype(np.float32)
    size = ((width + 1) // 2, (height + 1) // 2)
    small_weight = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    small /= np.maximum(small_weight, 1e-6)[..., None]
    small = push_pull(small, np.minimum(4 * small_weight, 1))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def resize_cutout(
    foreground: np.ndarray, alpha: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Resizes a cut-out by its premultiplied colours, so that edges stay clean.

    Args:
        foreground: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].
        height: New height in pixels.
        width: New width in pixels.

    Returns:
        Foreground (height, width, 3), colours extended, and alpha (height, width).
    """
    shrinks = height * width < alpha.size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    layers = np.dstack([foreground * alpha[..., None], alpha])
    layers = cv2.resize(layers, (width, height), interpolation=interpolation)
    return unpremultiply(layers[..., :3], layers[..., 3])


def unpremultiply(
    premultiplied: np.ndarray, alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Divides premultiplied colours by alpha and extends them under alpha 0.

    Args:
        premultiplied: (H, W, 3) float32, alpha times colour.
        alpha: (H, W) float32; clipped to [0, 1], and below half of an 8-bit
            step to exactly 0, where no colour can be recovered.

    Returns:
        Foreground (H, W, 3) float32 in [0, 1] and alpha (H, W) float32.
    """
    alpha = np.clip(alpha, 0, 1)
    alpha[alpha < 0.5 / 255] = 0
    foreground = premultiplied / np.maximum(alpha, 1e-6)[..., None]
    return extend_colours(np.clip(foreground, 0, 1), alpha), alpha
