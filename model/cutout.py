"""A cut-out in memory, and augmented pieces of it.

A picture with alpha goes in; square crops come out, turned, scaled and recoloured, of
its edge or of nearly all of it.
"""

from typing import NamedTuple

import cv2
import numpy as np

from model import camera, frame, images, matting, rgba

ROTATION = 30.0  # degrees either way
MOST_ZOOM = 1.2  # scale of a cut-out, log-uniform from the least to this
LEAST_ZOOM = (0.25, 0.5)  # where its longer side is LEAST_SIDE, within these bounds
LEAST_SIDE = 192
LEAST_SOLID = 0.01  # share of a cut-out that is opaque, to become denser
WHOLE = (0.5, 1.5)  # longer side of a translucent cut-out, in sides of the crop


class Cutout(NamedTuple):
    """A foreground kept in memory.

    Attributes:
        foreground: (H, W, 3) uint8, colours extended under alpha 0.
        alpha: (H, W) uint8.
        edge: (N, 2) int, rows and columns of fractional pixels, crop centres.
        cuts: The sides of the picture beyond which the object goes on.
        is_solid: Whether some of it is opaque, which smoke and glass are nowhere.
    """

    foreground: np.ndarray
    alpha: np.ndarray
    edge: np.ndarray
    cuts: frame.Cuts
    is_solid: bool


def prepare(foreground: np.ndarray, alpha: np.ndarray) -> Cutout:
    """Prepares a cut-out for cropping.

    Args:
        foreground: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        The cut-out in 8 bits with the list of its fractional pixels; if there
        are none, of the pixels along its border.
    """
    foreground = rgba.extend_colours(foreground, alpha)
    levels = images.to_uint8(alpha)
    edge = np.argwhere((levels > 12) & (levels < 243))
    if len(edge) < 64:
        edge = np.argwhere(matting.trimap_from_alpha(alpha, 2, 2) == matting.UNKNOWN)
    if not len(edge):  # all of it is as opaque
        edge = np.array([levels.shape]) // 2
    edge = edge[:: max(1, len(edge) // 8192)]
    is_solid = bool(np.mean(levels == 255) > LEAST_SOLID * np.mean(levels > 0))
    colours, cuts = images.to_uint8(foreground), frame.find_cuts(levels)
    return Cutout(colours, levels, edge, cuts, is_solid)


def crop(
    source: Cutout,
    size: int,
    random: np.random.Generator,
    is_whole: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotates, scales, flips, crops and recolours a cut-out.

    The transform works on premultiplied colours, so hidden ones never show.

    Args:
        source: The cut-out.
        size: Side of the crop in pixels.
        random: Source of every choice made here.
        is_whole: Whether most of it is to be seen, not a piece of its edge at a scale
            of its own.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    layers = premultiply(source.foreground, source.alpha)
    if is_whole:
        zoom = np.exp(random.uniform(*np.log(WHOLE))) * size / max(source.alpha.shape)
        row, column = source.edge.mean(axis=0)
    else:
        zoom = draw_zoom(max(source.alpha.shape), random)
        row, column = source.edge[random.integers(len(source.edge))]
    while zoom < 0.75:  # halve by area first: the warp below would alias
        half = [max(1, length // 2) for length in layers.shape[1::-1]]
        layers = cv2.resize(layers, half, interpolation=cv2.INTER_AREA)
        row, column, zoom = row / 2, column / 2, zoom * 2
    squeeze = np.exp(random.uniform(-0.15, 0.15, 2))
    flip = random.choice([-1, 1])
    angle = np.deg2rad(random.uniform(-ROTATION, ROTATION))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag(zoom * squeeze * [flip, 1])  # acts on (column, row)
    target = size / 2 + random.uniform(-0.3, 0.3, 2) * size
    shift = target - linear @ [column, row]
    interpolation = random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])
    matrix = np.column_stack([linear, shift])
    layers = frame.warp(layers, matrix, size, interpolation, source.cuts)
    foreground, alpha = rgba.unpremultiply(layers[..., :3], layers[..., 3])
    return camera.recolour(foreground, random, strength=1.0), alpha


def draw_zoom(side: int, random: np.random.Generator) -> float:
    """Draws the scale of a cut-out: large ones are shrunk more, as in photographs.

    Args:
        side: Longer side of the cut-out in pixels.
        random: Source of the choice.

    Returns:
        Pixels of the crop for each of its own, log-uniform.

    >>> round(draw_zoom(1000, np.random.default_rng(0)), 2)
    0.68
    """
    least = np.clip(LEAST_SIDE / side, *LEAST_ZOOM)
    return float(np.exp(random.uniform(*np.log([least, MOST_ZOOM]))))


def premultiply(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Stacks premultiplied colour and alpha.

    Args:
        foreground: (H, W, 3) uint8.
        alpha: (H, W) uint8.

    Returns:
        (H, W, 4) float32 in [0, 1].
    """
    alpha = alpha.astype(np.float32) / 255
    layers = np.empty((*alpha.shape, 4), np.float32)
    np.multiply(foreground, (alpha / 255)[..., None], out=layers[..., :3])
    layers[..., 3] = alpha
    return layers


def thicken(alpha: np.ndarray, density: float) -> np.ndarray:
    """Makes a cut-out denser: 1 - (1 - alpha)^density.

    What shines through several layers alike is the product of what shines through
    each (Beer and Lambert's law), so a density of 2 is two such layers of hair. An
    edge moves outwards by a fraction of a pixel.

    Args:
        alpha: (H, W) float32 in [0, 1].
        density: Above 0.

    Returns:
        (H, W) float32 in [0, 1].

    >>> thicken(np.float32([[0.0, 0.5, 1.0]]), 2)
    array([[0.  , 0.75, 1.  ]], dtype=float32)
    """
    return 1 - (1 - alpha) ** np.float32(density)
