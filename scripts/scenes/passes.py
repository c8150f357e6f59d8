"""The two passes of one view to one straight RGBA picture; arrays in, arrays out.

The colour pass (few samples, denoised) has a noisy alpha along thin strands; the alpha
pass has a clean one. Light is linear float32 until the last step encodes it.
"""

import cv2
import numpy as np

TRUSTED = 0.35  # mean alpha from which a neighbourhood's colour is trusted
TRUSTED_GLASS = 0.05  # glass has little alpha anywhere
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear RGB, Rec. 709


def extend_colour(colour: np.ndarray, alpha: np.ndarray, least: float) -> np.ndarray:
    """Un-multiplies a colour and carries it on to where alpha is low.

    Each pixel is the weighted mean of the smallest neighbourhood that has enough
    alpha, so noise of colour and alpha together cancels and no dark rim appears.

    Args:
        colour: (H, W, 3) float32, multiplied by `alpha`.
        alpha: (H, W) float32 in [0, 1].
        least: Mean alpha from which a neighbourhood is trusted.

    Returns:
        (H, W, 3) float32 straight colour.
    """
    done = alpha > 0.97
    straight = np.where(done[..., None], colour / np.maximum(alpha, 1e-6)[..., None], 0)
    for radius in (0.6, 1.0, 1.8, 3.5, 7, 15, 40):  # pixels
        weight = cv2.GaussianBlur(alpha, (0, 0), radius)
        blurred = cv2.GaussianBlur(colour, (0, 0), radius)
        enough = ~done & (weight > (least if radius < 7 else 0.02 * least))
        straight[enough] = blurred[enough] / weight[enough][:, None]
        done |= enough
    mean = colour.sum(axis=(0, 1)) / max(float(alpha.sum()), 1e-6)
    straight[~done] = mean
    return straight.astype(np.float32)


def find_gain(colour: np.ndarray, alpha: np.ndarray, bright: float) -> float:
    """Finds the gain that brings the bright parts (95 % level) to `bright`.

    Args:
        colour: (H, W, 3) float32 straight linear colour.
        alpha: (H, W) float32 in [0, 1]; pixels up to 0.5 do not count.
        bright: Wanted linear level.

    Returns:
        Gain, between 0.3 and 4 so that night stays darker than day; 1 when no pixel
        counts.
    """
    light = colour[alpha > 0.5] @ LUMINANCE
    if not len(light):
        return 1.0
    return float(np.clip(bright / max(np.percentile(light, 95), 1e-4), 0.3, 4))


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Encodes linear light for the screen, rolling off softly above 0.7.

    >>> encode_srgb(np.array([0.0, 0.5, 100.0])).round(3)
    array([0.   , 0.735, 1.   ])
    """
    soft = 0.7 + 0.3 * (1 - np.exp(-(np.maximum(linear, 0.7) - 0.7) / 0.3))
    light = np.where(linear > 0.7, soft, np.maximum(linear, 0))
    curved = 1.055 * light ** (1 / 2.4) - 0.055
    return np.where(light < 0.0031308, light * 12.92, curved)


def draw_motion(random) -> dict:
    """Draws how the picture moves while the shutter is open.

    Returns:
        `right` and `down`, shares of the picture's width, and `turn`, radians about
        its middle.
    """
    way, length = random.uniform(0, 2 * np.pi), random.uniform(0.01, 0.05)
    right, down = np.array([np.cos(way), np.sin(way)]) * length
    turn = random.normal(0, 0.02)
    drawn = {"right": right, "down": down, "turn": turn}
    return {name: round(float(value), 5) for name, value in drawn.items()}


def blur_by_motion(light: np.ndarray, motion: dict) -> np.ndarray:
    """Averages a picture over the places it is at while the shutter is open.

    As light and alpha are averaged alike, alpha stays the exact share of the
    background that is hidden. What comes in over a border is what is at the border.

    Args:
        light: (H, W, 4) float32, linear, multiplied by alpha.
        motion: From `draw_motion`.

    Returns:
        (H, W, 4) float32.
    """
    height, width = light.shape[:2]
    shift = np.array([motion["right"], motion["down"]]) * width
    path = np.hypot(*shift) + abs(motion["turn"]) * width / 2  # pixels, at most
    steps = int(np.ceil(path)) * 2 + 1
    middle = np.array([width - 1, height - 1]) / 2
    total = np.zeros(light.shape, np.float64)
    for at in np.linspace(-0.5, 0.5, steps):
        cos, sin = np.cos(motion["turn"] * at), np.sin(motion["turn"] * at)
        turn = np.array([[cos, -sin], [sin, cos]])
        matrix = np.column_stack([turn, middle - turn @ middle + shift * at])
        border = cv2.BORDER_REPLICATE
        total += cv2.warpAffine(light, matrix, (width, height), borderMode=border)
    return (total / steps).astype(np.float32)


def merge_passes(colour, alpha, bright: float, see_through: bool) -> np.ndarray:
    """Makes one straight RGBA picture from the two passes.

    Args:
        colour: (H, W, 4) float32, linear, multiplied by its own noisy alpha.
        alpha: (H, W) float32 in [0, 1], the clean alpha.
        bright: Linear level of the bright parts, see `find_gain`.
        see_through: True for glass: where its shine is brighter than its alpha
            could carry, alpha is raised.

    Returns:
        (H, W, 4) uint8 RGBA.
    """
    own = np.clip(colour[..., 3], 0, 1)
    shine = np.clip(colour[..., :3], 0, 64)
    straight = extend_colour(shine, own, TRUSTED_GLASS if see_through else TRUSTED)
    gain = find_gain(straight, alpha, bright)
    if see_through:
        alpha = cv2.bilateralFilter(alpha.astype(np.float32), 7, 0.15, 1.5)
        raised = np.maximum(alpha, np.clip(shine.max(axis=2) * gain, 0, 1))
        ratio = np.where(raised > 1e-4, alpha / np.maximum(raised, 1e-4), 1)
        straight, alpha = straight * ratio[..., None], raised
    picture = np.dstack([encode_srgb(straight * gain), alpha])
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
