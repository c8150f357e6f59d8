"""Draws foregrounds that are opaque nowhere, or hardly: smoke, clouds, tinted glass.

A photograph or a cut-out and a random generator go in, colours with an exact alpha come
out. Collected and rendered cut-outs have few such things, and how dense one is can only
be learned from many: it shows in how much of the background's contrast is left.
"""

import cv2
import numpy as np

from model import matting

CELLS = 3  # of the coarsest noise along a side; each finer one has twice as many
FINEST = 2  # pixels in a cell of the finest noise, or more
PERSISTENCE = (0.35, 0.7)  # how strong each finer noise is beside the one before
SWIRL = 0.25  # the most that noise displaces noise, in sides
RIDGED_PROBABILITY = 0.4  # of wisps instead of clouds
RADIUS = (0.2, 0.6)  # of a cloud, in sides
THRESHOLD = (-0.4, 0.5)  # noise below is clear
DENSEST = (0.15, 1.2)  # alpha where the noise is highest; clipped at 1
WHITE_PROBABILITY = 0.3  # of smoke or steam without a colour
PALETTE = 3  # colours of a cloud, one turning into the next
TINT = (0.1, 0.9)  # alpha of glass
SPOTS_PROBABILITY = 0.4  # of opaque spots on glass, where it mirrors light, and smoke
SPOTS = (1.0, 2.5)  # they begin so many deviations above the mean of their noise
HIGHLIGHTS = 3  # the most where one thing mirrors a lamp
HIGHLIGHT = (1.5, 9.0)  # their radii in pixels
LIT_FROM = 0.05  # alpha of what shows them in full


def draw_smoke(
    texture: np.ndarray, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a cloud: fractal noise, swirled by noise (Perlin, SIGGRAPH 1985).

    Args:
        texture: (H, W, 3) uint8, a photograph that the colours are taken from.
        size: Side of the crop in pixels.
        random: Source of every choice made here.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    body = swirl(draw_noise(size, random), random)
    if random.random() < RIDGED_PROBABILITY:
        body = 1 - np.abs(2 * body - 1)
    threshold = random.uniform(*THRESHOLD)
    body = np.maximum(body - threshold, 0) / np.float32(1 - threshold)
    body = body * np.float32(random.uniform(*DENSEST)) + draw_spots(size, random)
    alpha = np.minimum(body, 1) * draw_outline(size, random)
    mixture = swirl(draw_noise(size, random), random)[..., None]
    rows = random.integers(texture.shape[0], size=PALETTE)
    columns = random.integers(texture.shape[1], size=PALETTE)
    palette = texture[rows, columns].astype(np.float32) / 255
    if random.random() < WHITE_PROBABILITY:
        palette = palette.mean(axis=1, keepdims=True) ** 0.3 + np.zeros(3, np.float32)
    places = np.linspace(0, 1, PALETTE)
    foreground = np.dstack([np.interp(mixture, places, side) for side in palette.T])
    return foreground.astype(np.float32), alpha


def tint(alpha: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Makes glass of an opaque cut-out: fainter, at times with opaque spots.

    Args:
        alpha: (size, size) float32 in [0, 1].
        random: Source of every choice made here.

    Returns:
        (size, size) float32 in [0, 1], 0 where it was.
    """
    size = len(alpha)
    ends = random.uniform(*TINT, 2)
    density = ends[0] + (ends[1] - ends[0]) * draw_noise(size, random)
    density = density + draw_spots(size, random)
    return alpha * np.minimum(density, 1).astype(np.float32)


def draw_spots(size: int, random: np.random.Generator) -> np.ndarray:
    """Draws what makes spots opaque, or nothing.

    Args:
        size: Side in pixels.
        random: Source of every choice made here.

    Returns:
        (size, size) float32 to add to alpha, 0 between the spots.
    """
    if random.random() >= SPOTS_PROBABILITY:
        return np.zeros((size, size), np.float32)
    noise = swirl(draw_noise(size, random), random)
    first = noise.mean() + np.float32(random.uniform(*SPOTS)) * noise.std()
    return np.maximum(noise - first, 0) * np.float32(20)


def highlight(
    foreground: np.ndarray, alpha: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Puts a few opaque spots on a thing, where it mirrors a lamp or the sun.

    Often they are all of it that is surely opaque, and of another colour than the rest.

    Args:
        foreground: (size, size, 3) float32 in [0, 1].
        alpha: (size, size) float32 in [0, 1].
        random: Source of every choice made here.

    Returns:
        The same, new arrays; as they were where there is nothing to put them on.
    """
    places = np.argwhere(alpha > LIT_FROM)
    if not len(places):
        return foreground, alpha
    cover = np.zeros_like(alpha)
    for _ in range(random.integers(1, HIGHLIGHTS + 1)):
        row, column = places[random.integers(len(places))]
        axes = np.rint(16 * random.uniform(*HIGHLIGHT, 2)).astype(int)
        angle = random.uniform(0, 180)
        middle = (int(column) * 16, int(row) * 16)
        cv2.ellipse(
            cover, middle, axes.tolist(), angle, 0, 360, 1.0, cv2.FILLED, shift=4
        )
    cover = cv2.GaussianBlur(cover, (0, 0), 0.7) * np.minimum(alpha / LIT_FROM, 1)
    colour = np.float32(1) - random.uniform(0, 0.6) * random.uniform(0, 1, 3)
    lamp = np.broadcast_to(np.float32(colour), foreground.shape)
    colours, lit = matting.overlay(lamp, cover, foreground, alpha)
    return np.where(lit[..., None] > 0, colours, foreground), lit


def draw_noise(size: int, random: np.random.Generator) -> np.ndarray:
    """Adds up noise of ever finer cells.

    Args:
        size: Side in pixels.
        random: Source of the noise.

    Returns:
        (size, size) float32 in [0, 1], both reached.
    """
    total = np.zeros((size, size), np.float32)
    persistence = random.uniform(*PERSISTENCE)
    cells, strength = CELLS, 1.0
    while cells * FINEST <= size:
        noise = random.standard_normal((cells, cells), np.float32)
        noise = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
        total += np.float32(strength) * noise
        cells, strength = 2 * cells, strength * persistence
    return cv2.normalize(total, None, 0, 1, cv2.NORM_MINMAX)


def swirl(noise: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Displaces each pixel by other noise, mirrored at the sides.

    Args:
        noise: (size, size) float32.
        random: Source of the other noise.

    Returns:
        (size, size) float32 of the same range.
    """
    size = len(noise)
    reach = size * random.uniform(0, SWIRL)
    row, column = np.indices(noise.shape, np.float32)
    shifts = [reach * (draw_noise(size, random) - np.float32(0.5)) for _ in range(2)]
    column, row = (
        (place + shift).astype(np.float32)
        for place, shift in zip((column, row), shifts, strict=True)
    )
    return cv2.remap(
        noise, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def draw_outline(size: int, random: np.random.Generator) -> np.ndarray:
    """Draws where a cloud is: a ragged disc with a soft rim.

    Args:
        size: Side in pixels.
        random: Source of every choice made here.

    Returns:
        (size, size) float32 in [0, 1]: 1 inside, 0 outside.
    """
    radius, rim = random.uniform(*RADIUS), random.uniform(0.03, 0.4)
    row, column = np.indices((size, size), np.float32) / size
    middle = random.uniform(0.2, 0.8, 2)
    distance = np.hypot(row - middle[0], column - middle[1])
    distance += np.float32(0.4) * (draw_noise(size, random) - np.float32(0.5))
    inside = np.clip((radius - distance) / rim + 0.5, 0, 1)
    return (inside * inside * (3 - 2 * inside)).astype(np.float32)
