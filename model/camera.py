"""What light and camera do to a picture: colours, highlights, spill, blur, grain.

Clean colours go in, colours as a photograph has them come out, all of one size.
"""

import cv2
import numpy as np

from model import images, rgba

SHARPEN_PROBABILITY = 0.3
NOISE_PROBABILITY = 0.5
RIM = (0.02, 0.3)  # how deep the light of a rim reaches, in sides, log-uniform
JPEG_PROBABILITY = 0.25
RECOLOUR = (  # logarithms of gamma, gain and saturation, least and most
    (-0.25, -0.35, -0.25),  # photographs are darker and more saturated than cut-outs
    (0.55, 0.35, 0.65),
)


def glint(
    foreground: np.ndarray, strength: float, random: np.random.Generator
) -> np.ndarray:
    """Puts highlights on a foreground, a few pixels wide.

    Glossy hair is brightest where it turns to the light: not where alpha is highest.

    Args:
        foreground: (size, size, 3) float32 in [0, 1].
        strength: By how much each deviation of the noise above the first brightens.
        random: Source of the noise.

    Returns:
        (size, size, 3) float32 in [0, 1].
    """
    size = foreground.shape[1::-1]
    cells = max(2, round(size[0] / np.exp(random.uniform(0.7, 2.5))))
    noise = random.standard_normal((cells, cells), np.float32)
    noise = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    light = 1 + np.float32(strength) * np.maximum(noise - 1, 0)
    return np.minimum(foreground * light[..., None], 1)


def shade(
    foreground: np.ndarray,
    alpha: np.ndarray,
    strength: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Lets less or more light fall on the rim of a thing than on its middle.

    What is surely foreground then has other colours than what is not, as where an
    object turns away from the lamp, or light from behind shines through its fur.

    Args:
        foreground: (size, size, 3) float32 in [0, 1].
        alpha: (size, size) float32 in [0, 1].
        strength: Logarithm of the light at the rim, below 0 for shadow.
        random: Source of where, how wide and in what colour.

    Returns:
        (size, size, 3) float32 in [0, 1].
    """
    inside = (alpha > 0.5).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    reach = len(alpha) * np.exp(random.uniform(*np.log(RIM)))
    noise = random.uniform(-0.5, 1.5, (4, 4)).astype(np.float32)
    where = cv2.resize(noise, alpha.shape[::-1], interpolation=cv2.INTER_CUBIC)
    light = np.clip(where, 0, 1) * np.exp(-depth / np.float32(reach))
    colour = (strength * random.uniform(0.8, 1.2, 3)).astype(np.float32)
    return np.minimum(foreground * np.exp(light[..., None] * colour), 1)


def even_out(
    foreground: np.ndarray, alpha: np.ndarray, strength: float, blur: float
) -> np.ndarray:
    """Lessens the fine texture of a foreground's colours, not of its alpha.

    Photographed things have half of the contrast from pixel to pixel that drawn and
    rendered ones have.

    Args:
        foreground: (size, size, 3) float32 in [0, 1].
        alpha: (size, size) float32 in [0, 1].
        strength: Share of the texture that is lost, from 0 to 1.
        blur: Standard deviation of a Gaussian, in pixels; what is finer is texture.

    Returns:
        (size, size, 3) float32 in [0, 1].
    """
    smooth, _ = soften(foreground, alpha, blur)
    return foreground + np.float32(strength) * (smooth - foreground)


def spill(
    foreground: np.ndarray, background: np.ndarray, strength: float
) -> np.ndarray:
    """Lets a foreground take on the light of what is behind it.

    Args:
        foreground: (size, size, 3) float32 in [0, 1].
        background: (size, size, 3) float32 in [0, 1].
        strength: Share of the blurred background in the result.

    Returns:
        (size, size, 3) float32 in [0, 1].
    """
    size = background.shape[1::-1]
    coarse = cv2.resize(background, (4, 4), interpolation=cv2.INTER_AREA)
    light = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    return foreground + np.float32(strength) * (light - foreground)


def soften(
    foreground: np.ndarray, alpha: np.ndarray, blur: float
) -> tuple[np.ndarray, np.ndarray]:
    """Spreads a foreground and its alpha as a lens spreads the light of both.

    Args:
        foreground: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].
        blur: Standard deviation of a Gaussian, in pixels, above 0.

    Returns:
        Foreground and alpha, of the same shapes. What is clear or opaque for four
        deviations around stays so exactly.
    """
    layers = np.dstack([foreground * alpha[..., None], alpha])
    layers = cv2.GaussianBlur(layers, (0, 0), blur)
    return rgba.unpremultiply(layers[..., :3], layers[..., 3])


def degrade(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Does what cameras do to pictures, now and then.

    Grain that demosaicing has blurred, sharpening, compression.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        random: Source of every choice made here.

    Returns:
        (H, W, 3) uint8.
    """
    if random.random() < NOISE_PROBABILITY:
        image = image + grain(image.shape, random)
    if random.random() < SHARPEN_PROBABILITY:
        blurred = cv2.GaussianBlur(image, (0, 0), random.uniform(0.6, 1.4))
        image = image + np.float32(random.uniform(0.2, 1.2)) * (image - blurred)
    image = images.to_uint8(image)
    if random.random() < JPEG_PROBABILITY:
        quality = int(random.integers(50, 96))
        _, data = cv2.imencode(
            ".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    return np.ascontiguousarray(image)


def grain(shape: tuple[int, int, int], random: np.random.Generator) -> np.ndarray:
    """Draws the noise of a sensor: (H, W, 3) float32, mean 0, at times in grains."""
    noise = random.standard_normal(shape, np.float32)
    width = random.uniform(0, 1)
    if width > 0.3:
        noise = cv2.GaussianBlur(noise, (0, 0), width)
        noise /= noise.std()
    return noise * np.float32(0.03 * random.uniform() ** 3)


def recolour(
    colour: np.ndarray, random: np.random.Generator, strength: float
) -> np.ndarray:
    """Changes gamma, contrast, brightness, saturation and channel balance.

    Args:
        colour: (H, W, 3) float32 in [0, 1].
        random: Source of every choice made here.
        strength: 1 for the full range of changes, 0 for none.

    Returns:
        (H, W, 3) float32 in [0, 1].
    """
    gamma, gain, saturation = np.exp(strength * random.uniform(*RECOLOUR))
    balance = np.exp(strength * random.uniform(-0.12, 0.12, 3)).astype(np.float32)
    colour = cv2.pow(np.clip(colour, 0, 1), float(gamma)) * (balance * np.float32(gain))
    grey = colour.mean(axis=2, keepdims=True)
    colour = grey + np.float32(saturation) * (colour - grey)
    return np.clip(colour, 0, 1)
