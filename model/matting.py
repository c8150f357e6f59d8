"""The equations of matting: trimap codes, regions, compositing.

Everything here is NumPy on one picture: colours are (H, W, 3) float32 in
[0, 1] and RGB, alpha is (H, W) float32 in [0, 1], a trimap is (H, W) uint8 with
the three codes below. No file is read here and no network is run.
"""

import cv2
import numpy as np

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255  # trimap codes, on disk and in memory
CODES = (BACKGROUND, UNKNOWN, FOREGROUND)
SLOPPY = 0.1  # greys this close to black or white count as known
CAMERA_GAMMA = 2.2  # of light to the values in a file: nearly the curve of sRGB


def trimap_from_grey(grey: np.ndarray) -> np.ndarray:
    """Maps the grey levels of a painted trimap to the three codes.

    Anti-aliased or slightly wrong greys are forgiven: at most 0.1 is background,
    at least 0.9 is foreground, all between is unknown.

    Args:
        grey: (H, W) float32 in [0, 1].

    Returns:
        (H, W) uint8 trimap.

    >>> trimap_from_grey(np.array([[0.0, 0.05, 0.5, 0.97]], np.float32))
    array([[  0,   0, 128, 255]], dtype=uint8)
    """
    trimap = np.full(grey.shape, UNKNOWN, np.uint8)
    trimap[grey <= SLOPPY] = BACKGROUND
    trimap[grey >= 1 - SLOPPY] = FOREGROUND
    return trimap


def trimap_from_alpha(
    alpha: np.ndarray, foreground_erosion: int, background_erosion: int
) -> np.ndarray:
    """Shrinks the known regions of an alpha, each by its own radius.

    What is left of them stays known, the rest becomes unknown, so that every
    fractional pixel is unknown whatever the radii (an alpha that 8 bits would round
    to 0 or 1 is not fractional).

    Args:
        alpha: (H, W) float32 in [0, 1].
        foreground_erosion: Radius in pixels taken off the region of alpha 1.
        background_erosion: Radius in pixels taken off the region of alpha 0.

    Returns:
        (H, W) uint8 trimap.

    Raises:
        ValueError: If a radius is negative.

    >>> trimap_from_alpha(np.array([[0, 0, 0.4, 1, 1]], np.float32), 0, 1)
    array([[  0, 128, 128, 255, 255]], dtype=uint8)
    """
    if min(foreground_erosion, background_erosion) < 0:
        raise ValueError(
            f"trimap: erosion of {foreground_erosion} and {background_erosion} pixels; "
            "give radii of 0 or more"
        )
    is_foreground = erode(alpha >= 1 - 0.5 / 255, foreground_erosion)
    is_background = erode(alpha <= 0.5 / 255, background_erosion)
    trimap = np.full(alpha.shape, UNKNOWN, np.uint8)
    trimap[is_foreground] = FOREGROUND
    trimap[is_background] = BACKGROUND
    return trimap


def erode(region: np.ndarray, radius: int) -> np.ndarray:
    """Takes `radius` pixels (Euclidean) off a region; the frame is no border.

    Args:
        region: (H, W) bool.
        radius: In pixels, 0 or more.

    Returns:
        (H, W) bool.
    """
    if radius == 0 or region.all():
        return region.copy()
    distance = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    return distance > radius


def bounded_radius(region: np.ndarray, radius: int, least: int) -> int:
    """Halves a radius of erosion until it leaves something of the region.

    Args:
        region: (H, W) bool.
        radius: In pixels.
        least: The smallest radius, in pixels, taken even if it leaves nothing.

    Returns:
        The radius in pixels.
    """
    while radius > least and not erode(region, radius).any():
        radius = max(radius // 2, least)
    return max(radius, least)


def composite(
    foreground: np.ndarray,
    background: np.ndarray,
    alpha: np.ndarray,
    gamma: float = 1.0,
) -> np.ndarray:
    """Puts a foreground over a background: I = alpha F + (1 - alpha) B.

    As it stands this is how picture editors and browsers do it. A camera adds up
    light, and encodes the sum: I^g = alpha F^g + (1 - alpha) B^g.

    Args:
        foreground: (H, W, 3) float32 in [0, 1], not premultiplied.
        background: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].
        gamma: The exponent g; `CAMERA_GAMMA` for what a camera would see.

    Returns:
        (H, W, 3) float32 in [0, 1].

    >>> white, black = np.ones((1, 1, 3)), np.zeros((1, 1, 3))
    >>> composite(white, black, np.array([[0.5]]), CAMERA_GAMMA)[0, 0].round(2)
    array([0.73, 0.73, 0.73])
    """
    if gamma == 1:
        return background + alpha[..., None] * (foreground - background)
    light, other = np.power(foreground, gamma), np.power(background, gamma)
    mixed = other + alpha[..., None] * (light - other)
    return np.power(np.maximum(mixed, 0), 1 / gamma)


def overlay(
    foreground: np.ndarray,
    alpha: np.ndarray,
    other_foreground: np.ndarray,
    other_alpha: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Lays one cut-out over another and returns the cut-out of both together.

    The colour is un-premultiplied, as RMat (Dai et al., AAAI 2023) corrects
    it: F = (a1 F1 + (1 - a1) a2 F2) / a with a = 1 - (1 - a1)(1 - a2).

    Args:
        foreground: (H, W, 3) float32 in [0, 1], the upper one.
        alpha: (H, W) float32 in [0, 1].
        other_foreground: (H, W, 3) float32 in [0, 1], the lower one.
        other_alpha: (H, W) float32 in [0, 1].

    Returns:
        Foreground (H, W, 3) and alpha (H, W) of the pair. Where the pair is
        fully transparent the colour is the upper one's.
    """
    lower = (1 - alpha) * other_alpha
    together = alpha + lower
    weight = np.divide(lower, together, out=np.zeros_like(lower), where=together > 0)
    return composite(other_foreground, foreground, weight), together


def paste_known(alpha: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """Sets alpha to exactly 0 and 1 where the trimap knows it, clips the rest.

    Args:
        alpha: (H, W) float32.
        trimap: (H, W) uint8.

    Returns:
        (H, W) float32 in [0, 1].
    """
    alpha = np.clip(alpha, 0, 1)
    alpha[trimap == BACKGROUND] = 0
    alpha[trimap == FOREGROUND] = 1
    return alpha


def checkerboard(height: int, width: int, square: int = 8) -> np.ndarray:
    """Draws the white and grey board on which transparent pictures are shown.

    Args:
        height: In pixels.
        width: In pixels.
        square: Side of a square in pixels.

    Returns:
        (H, W, 3) float32 in [0, 1].
    """
    rows, columns = np.indices((height, width)) // square
    board = np.where((rows + columns) % 2, 0.8, 1.0).astype(np.float32)
    return np.repeat(board[..., None], 3, axis=2)


def check_size(image: np.ndarray, trimap: np.ndarray) -> None:
    """Refuses a trimap of another size than its image.

    Args:
        image: (H, W, 3) float32.
        trimap: (H, W) uint8.

    Raises:
        ValueError: If the sizes differ, or there is no pixel.
    """
    height, width = image.shape[:2]
    if trimap.shape != (height, width):
        raise ValueError(
            f"trimap is {trimap.shape[1]}x{trimap.shape[0]} but its image is "
            f"{width}x{height}; give two of the same size"
        )
    if not trimap.size:
        raise ValueError(f"picture is empty, got {width}x{height}")


def check_pair(
    image: np.ndarray,
    trimap: np.ndarray,
    is_translucent: bool = False,
    otherwise: str = "",
) -> None:
    """Refuses a trimap that does not belong to the image or leaves a region out.

    Args:
        image: (H, W, 3) float32.
        trimap: (H, W) uint8.
        is_translucent: Whether the object is opaque nowhere, as smoke and glass are,
            so that there may be no foreground pixels.
        otherwise: What else to do where these are missing, and they alone.

    Raises:
        ValueError: If the sizes differ or there is no pixel, or the trimap lacks
            foreground, background or unknown pixels.
    """
    check_size(image, trimap)
    regions = {"foreground": FOREGROUND, "background": BACKGROUND, "unknown": UNKNOWN}
    shares = {name: np.mean(trimap == code) for name, code in regions.items()}
    needed = regions.keys() - ({"foreground"} if is_translucent else set())
    missing = [name for name in regions if name in needed and shares[name] == 0]
    if missing:
        found = [f"{share:.0%} {name}" for name, share in shares.items() if share > 0]
        otherwise = otherwise if missing == ["foreground"] else ""
        raise ValueError(
            f"trimap has no {' and no '.join(missing)} pixels, got "
            f"{' and '.join(found)}; paint foreground white, background black and "
            f"the border between them grey{otherwise}"
        )
