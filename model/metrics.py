"""Errors of a predicted alpha over the unknown region: SAD, MSE, Grad and Conn.

In come the true and the predicted alpha and the trimap, out come the four
numbers of Rhemann et al., "A perceptually motivated online benchmark for image
matting", CVPR 2009, in the form in which papers print them for Composition-1k:
that of the MATLAB code that Xu et al. (2018) sent out with the test set. Three
things of that code are easily lost, and are kept here:

* Only unknown pixels are summed, but Grad and Conn look at known ones too, at
  the rim of the region and in the components. There the prediction must be what
  the trimap says, so it is pasted first; the true alpha is taken as it is.
* Grad stretches each alpha by its own minimum and maximum (`mat2gray`) before
  it is derived. This changes nothing in a picture that has both values 0 and 1.
* Conn takes the largest component of the thresholded pixels, never the rest.

Alphas are floats and are not rounded. Published figures come from 8-bit files,
which is why `scripts/benchmark.py` rounds a prediction before it is measured.
Means over a set are means of these per-picture numbers.
"""

import cv2
import numpy as np

from model import matting

SIGMA = 1.4  # pixels, of the Gaussian derivative (Rhemann et al., 2009, 4.1)
KERNEL_FLOOR = 0.01  # the kernel ends where the Gaussian falls below this
CONNECTIVITY_STEPS = 10  # thresholds 0.1, 0.2, ... 1.0 (the MATLAB code's step 0.1)
CONNECTIVITY_THETA = 0.15  # smaller gaps count as connected (Rhemann et al., 4.2)


def measure(
    alpha_true: np.ndarray, alpha_pred: np.ndarray, trimap: np.ndarray
) -> dict[str, float]:
    """Takes all four errors of one picture.

    Args:
        alpha_true: (H, W) float32 in [0, 1].
        alpha_pred: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8 codes 0, 128, 255.

    Returns:
        `sad`, `gradient` and `connectivity` in thousands, and `mse` plain.

    Raises:
        ValueError: If sizes, types or ranges are wrong, or nothing is unknown.
    """
    return {
        "sad": sad(alpha_true, alpha_pred, trimap),
        "mse": mse(alpha_true, alpha_pred, trimap),
        "gradient": gradient_error(alpha_true, alpha_pred, trimap),
        "connectivity": connectivity_error(alpha_true, alpha_pred, trimap),
    }


def sad(alpha_true: np.ndarray, alpha_pred: np.ndarray, trimap: np.ndarray) -> float:
    """Sums the absolute differences over the unknown region, in thousands.

    Args:
        alpha_true: (H, W) float32 in [0, 1].
        alpha_pred: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8 codes 0, 128, 255.

    Returns:
        Sum of |true - pred|, divided by 1000.

    Raises:
        ValueError: If sizes, types or ranges are wrong, or nothing is unknown.

    >>> true, pred = np.float32([[0, 0.5, 1]]), np.float32([[1, 0.25, 1]])
    >>> sad(true, pred, np.uint8([[0, 128, 255]]))
    0.00025
    """
    is_unknown = unknown_region(alpha_true, alpha_pred, trimap)
    difference = alpha_true[is_unknown].astype(np.float64) - alpha_pred[is_unknown]
    return float(np.abs(difference).sum() / 1000)


def mse(alpha_true: np.ndarray, alpha_pred: np.ndarray, trimap: np.ndarray) -> float:
    """Averages the squared differences over the unknown region.

    Args:
        alpha_true: (H, W) float32 in [0, 1].
        alpha_pred: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8 codes 0, 128, 255.

    Returns:
        Mean in [0, 1] over the unknown pixels, not over the picture. Most tables
        show it times 1000; that is left to whoever prints it.

    Raises:
        ValueError: If sizes, types or ranges are wrong, or nothing is unknown.

    >>> true, pred = np.float32([[0, 0.5, 1]]), np.float32([[1, 0.25, 1]])
    >>> mse(true, pred, np.uint8([[0, 128, 255]]))
    0.0625
    """
    is_unknown = unknown_region(alpha_true, alpha_pred, trimap)
    difference = alpha_true[is_unknown].astype(np.float64) - alpha_pred[is_unknown]
    return float(np.square(difference).mean())


def gradient_error(
    alpha_true: np.ndarray, alpha_pred: np.ndarray, trimap: np.ndarray
) -> float:
    """Sums the squared differences of gradient magnitudes, in thousands.

    The known pixels of the prediction are pasted, each alpha is stretched to
    [0, 1] by its own extremes, and the gradient is that of a Gaussian of 1.4
    pixels, with the border repeated (Rhemann et al., 2009, 4.1; q = 2).

    Args:
        alpha_true: (H, W) float32 in [0, 1].
        alpha_pred: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8 codes 0, 128, 255.

    Returns:
        Sum over the unknown region, divided by 1000.

    Raises:
        ValueError: If sizes, types or ranges are wrong, or nothing is unknown.
    """
    is_unknown = unknown_region(alpha_true, alpha_pred, trimap)
    alpha_pred = matting.paste_known(alpha_pred, trimap)
    difference = gradient_magnitude(alpha_true) - gradient_magnitude(alpha_pred)
    return float(np.square(difference[is_unknown]).sum() / 1000)


def gradient_magnitude(alpha: np.ndarray) -> np.ndarray:
    """Stretches an alpha to [0, 1] and takes the length of its smooth gradient.

    The 9x9 kernel of the MATLAB code is a product of a Gaussian and its
    derivative, scaled to unit sum of squares: here two unit vectors of 9.

    Args:
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W) float64, 0 or more.
    """
    alpha = alpha.astype(np.float64) - alpha.min()
    alpha /= alpha.max() or 1.0  # a constant alpha has no gradient at any scale
    peak = np.sqrt(2 * np.pi) * SIGMA * KERNEL_FLOOR
    radius = int(np.ceil(SIGMA * np.sqrt(-2 * np.log(peak))))  # 4 pixels
    offset = np.arange(-radius, radius + 1)
    smooth = np.exp(-(offset**2) / (2 * SIGMA**2))
    derive = -offset * smooth
    smooth /= np.linalg.norm(smooth)
    derive /= np.linalg.norm(derive)
    border = cv2.BORDER_REPLICATE
    along_x = cv2.sepFilter2D(alpha, cv2.CV_64F, derive, smooth, borderType=border)
    along_y = cv2.sepFilter2D(alpha, cv2.CV_64F, smooth, derive, borderType=border)
    return np.hypot(along_x, along_y)


def connectivity_error(
    alpha_true: np.ndarray, alpha_pred: np.ndarray, trimap: np.ndarray
) -> float:
    """Sums the differences in how firmly pixels hang on the object, in thousands.

    A pixel's gap is its alpha minus the level up to which it is connected; from
    0.15 on the gap counts (Rhemann et al., 2009, 4.2; p = 1). The known pixels
    of the prediction are pasted first.

    Args:
        alpha_true: (H, W) float32 in [0, 1].
        alpha_pred: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8 codes 0, 128, 255.

    Returns:
        Sum over the unknown region, divided by 1000. As in the MATLAB code it
        is 0 if the alphas nowhere reach 0.1 together.

    Raises:
        ValueError: If sizes, types or ranges are wrong, or nothing is unknown.
    """
    is_unknown = unknown_region(alpha_true, alpha_pred, trimap)
    alpha_true = alpha_true.astype(np.float32)
    alpha_pred = matting.paste_known(alpha_pred, trimap).astype(np.float32)
    level = connected_level(alpha_true, alpha_pred)
    gap_true, gap_pred = alpha_true - level, alpha_pred - level
    gap_true[gap_true < CONNECTIVITY_THETA] = 0
    gap_pred[gap_pred < CONNECTIVITY_THETA] = 0
    difference = np.abs(gap_true - gap_pred)[is_unknown]
    return float(difference.sum(dtype=np.float64) / 1000)


def connected_level(alpha_true: np.ndarray, alpha_pred: np.ndarray) -> np.ndarray:
    """Finds up to which threshold each pixel belongs to the largest component.

    The component is 4-connected and made of the pixels at which both alphas
    reach the threshold; among equally large ones the leftmost wins, as MATLAB
    goes down the columns. A threshold that no pixel reaches is passed over, so
    that pixels which never left the component get 1, even in a translucent
    picture.

    Args:
        alpha_true: (H, W) float32 in [0, 1]. Not float64, in which the 8-bit
            level 153 is below the sixth threshold.
        alpha_pred: (H, W) float32 in [0, 1].

    Returns:
        (H, W) float32 of 0, 0.1, ... 1.
    """
    thresholds = np.arange(CONNECTIVITY_STEPS + 1, dtype=np.float32)
    thresholds /= np.float32(CONNECTIVITY_STEPS)
    smaller = np.ascontiguousarray(np.minimum(alpha_true, alpha_pred).T)  # (W, H)
    level = np.full(smaller.shape, -1, np.float32)
    for below, threshold in zip(thresholds[:-1], thresholds[1:], strict=True):
        _, labels, statistics, _ = cv2.connectedComponentsWithStats(
            (smaller >= threshold).astype(np.uint8), connectivity=4
        )
        areas = statistics[1:, cv2.CC_STAT_AREA]  # label 0 is the rest, no component
        if areas.size:
            outside = labels != 1 + areas.argmax()
            level[outside & (level < 0)] = below
    level[level < 0] = 1
    return level.T


def foreground_error(
    foreground_true: np.ndarray, foreground_pred: np.ndarray, alpha_true: np.ndarray
) -> dict[str, float]:
    """Averages the colour error where the foreground is seen, mixed and pure.

    Args:
        foreground_true: (H, W, 3) float32 in [0, 1], not premultiplied.
        foreground_pred: (H, W, 3) float32 in [0, 1], not premultiplied.
        alpha_true: (H, W) float32 in [0, 1].

    Returns:
        Mean absolute difference over pixels and channels, in [0, 1]: as
        `fractional` where 0 < alpha < 1, as `opaque` where alpha is 1; NaN if
        there is no such pixel.

    Raises:
        ValueError: If the three sizes differ.
    """
    height, width = alpha_true.shape
    for name, colours in (("true", foreground_true), ("pred", foreground_pred)):
        if colours.shape != (height, width, 3):
            raise ValueError(
                f"metrics: foreground_{name} does not fit alpha of {width}x{height}, "
                f"got shape {colours.shape}; give (H, W, 3)"
            )
    error = np.abs(foreground_true.astype(np.float64) - foreground_pred)
    regions = {
        "fractional": (alpha_true > 0) & (alpha_true < 1),
        "opaque": alpha_true == 1,
    }
    return {
        name: float(error[region].mean()) if region.any() else float("nan")
        for name, region in regions.items()
    }


def unknown_region(
    alpha_true: np.ndarray, alpha_pred: np.ndarray, trimap: np.ndarray
) -> np.ndarray:
    """Checks what is to be compared and returns the pixels that are counted.

    Args:
        alpha_true: (H, W) float in [0, 1].
        alpha_pred: (H, W) float in [0, 1].
        trimap: (H, W) uint8 codes 0, 128, 255.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: If sizes, types or ranges are wrong, or nothing is unknown.
    """
    for name, alpha in (("alpha_true", alpha_true), ("alpha_pred", alpha_pred)):
        if alpha.ndim != 2 or alpha.shape != trimap.shape:
            raise ValueError(
                f"metrics: {name} does not fit the trimap of shape {trimap.shape}, "
                f"got {alpha.shape}; give both as (H, W)"
            )
        in_range = np.all((alpha >= 0) & (alpha <= 1))  # False for NaN
        if alpha.dtype.kind != "f" or not in_range:
            raise ValueError(
                f"metrics: {name} is no float in [0, 1], got {alpha.dtype} from "
                f"{alpha.min()} to {alpha.max()}; read it with model.images.read_grey"
            )
    codes = (matting.BACKGROUND, matting.UNKNOWN, matting.FOREGROUND)
    if not np.isin(trimap, codes).all():
        raise ValueError(
            "metrics: trimap has other greys than 0, 128, 255, got "
            f"{np.setdiff1d(trimap, codes)[0]}; read it with model.guides.read_trimap"
        )
    is_unknown = trimap == matting.UNKNOWN
    if not is_unknown.any():
        raise ValueError(
            "metrics: no unknown pixel, got a trimap without 128; nothing to measure"
        )
    return is_unknown
