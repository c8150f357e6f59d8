"""Draws foregrounds of strands: hair, yarn, grass, twigs; nets, fences.

A photograph, a size and a random generator go in, a cut-out with an exact alpha comes
out. Collected and rendered cut-outs have few such things: bundles of many colours,
dense enough to hide some of the background and open enough to show the rest.
"""

import cv2
import numpy as np

from model import rgba

SCALE = 2  # drawn so many times larger
COUNT = (15, 500)  # strands of a bundle, log-uniform
WIDTH = (0.8, 9.0)  # pixels, log-uniform for a bundle
MESH_WIDTH = (0.6, 4.0)  # the same of a mesh
MESH_PERIOD = (1.4, 9.0)  # from strand to strand of a mesh, in widths, log-uniform
LENGTH = (0.3, 1.3)  # of the longest strand of a bundle, in sides of the crop
POINTS = 12  # along a strand
PALETTE = 6  # colours of a bundle, at most
MESH_PROBABILITY = 0.35  # of a mesh instead of a bundle
DEFOCUS_PROBABILITY = 0.3


def draw_strands(
    texture: np.ndarray, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a bundle of strands or a mesh.

    Args:
        texture: (H, W, 3) uint8, a photograph that the colours are taken from.
        size: Side of the crop in pixels.
        random: Source of every choice made here.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    palette = pick_colours(texture, random)
    draw = draw_mesh if random.random() < MESH_PROBABILITY else draw_bundle
    canvas = draw(palette, size * SCALE, random)
    blur = random.uniform(0.5, 3) if random.random() < DEFOCUS_PROBABILITY else 0.0
    return reduce_canvas(canvas, size, blur)


def pick_colours(texture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Takes some colours of a photograph.

    Args:
        texture: (H, W, 3) uint8.
        random: Source of the choice.

    Returns:
        (N, 3) float32 in [0, 255], 1 to `PALETTE` of them.
    """
    rows = random.integers(texture.shape[0], size=PALETTE)
    columns = random.integers(texture.shape[1], size=PALETTE)
    colours = texture[rows, columns][: random.integers(1, PALETTE + 1)]
    return colours.astype(np.float32)


def reduce_canvas(
    canvas: np.ndarray, size: int, blur: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Makes a cut-out of what was drawn larger.

    Args:
        canvas: (side, side, 4) uint8, colour and coverage, 0 where that is 0.
        size: Side of the cut-out in pixels.
        blur: Standard deviation of its softness, in pixels; none at 0.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    layers = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    layers = layers.astype(np.float32) / 255
    if blur:
        layers = cv2.GaussianBlur(layers, (0, 0), blur)
    return rgba.unpremultiply(layers[..., :3], layers[..., 3])


def draw_bundle(
    palette: np.ndarray, side: int, random: np.random.Generator
) -> np.ndarray:
    """Draws strands that hang from a line, each bent and coloured on its own.

    Args:
        palette: (N, 3) float32 colours in [0, 255].
        side: Of the canvas, in its pixels.
        random: Source of every choice.

    Returns:
        (side, side, 4) uint8, colour and coverage, which is 0 or 255.
    """
    canvas = np.zeros((side, side, 4), np.uint8)
    width = SCALE * np.exp(random.uniform(*np.log(WIDTH)))
    angle = random.uniform(0, 2 * np.pi)
    spread = random.uniform(0.05, 0.6)  # radians
    longest = random.uniform(*LENGTH) * side
    middle = random.uniform(0.3, 0.7, 2) * side
    middle -= longest / 2 * np.array([np.cos(angle), np.sin(angle)])
    along = random.normal(0, 0.35, 2) * side  # half of the line that they hang from
    for _ in range(int(np.exp(random.uniform(*np.log(COUNT))))):
        root = middle + random.uniform(-1, 1) * along
        length = longest * random.uniform(0.5, 1)
        path = draw_path(root, angle + spread * random.normal(), length, random)
        colour = palette[random.integers(len(palette))] * random.uniform(0.7, 1.2)
        draw_round(canvas, [path], colour, width * np.exp(random.normal(0, 0.25)))
    return canvas


def draw_mesh(
    palette: np.ndarray, side: int, random: np.random.Generator
) -> np.ndarray:
    """Draws two families of parallel strands, warped, in a part of the canvas.

    Args:
        palette: (N, 3) float32 colours in [0, 255].
        side: Of the canvas, in its pixels.
        random: Source of every choice.

    Returns:
        (side, side, 4) uint8, colour and coverage, which is 0 or 255.
    """
    canvas = np.zeros((side, side, 4), np.uint8)
    width = SCALE * np.exp(random.uniform(*np.log(MESH_WIDTH)))
    period = width * np.exp(random.uniform(*np.log(MESH_PERIOD)))
    first = random.uniform(0, np.pi)
    angles = first, first + np.pi / 2 + random.normal(0, 0.4)
    phase = random.uniform(0, 2 * np.pi, 2)
    sway = random.uniform(0, 0.04) * side
    place = np.linspace(-0.8, 0.8, 4 * POINTS) * side
    for angle in angles:
        direction = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-direction[1], direction[0]])
        colour = palette[random.integers(len(palette))]
        for offset in np.arange(-0.8 * side, 0.8 * side, period):
            path = side / 2 + place[:, None] * direction + offset * across
            waves = np.sin(path[:, ::-1] * (4 / side) + phase)
            path = np.rint(path + sway * waves).astype(np.int32)
            draw_round(canvas, [path], colour * random.uniform(0.8, 1.15), width)
    if random.random() < 0.7:  # it ends somewhere
        hull = np.zeros((side, side), np.uint8)
        corners = random.uniform(-0.1, 1.1, (6, 2)) * side
        cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(corners).astype(np.int32)), 1)
        canvas *= hull[..., None]
    return canvas


def draw_round(
    canvas: np.ndarray, paths: list[np.ndarray], colour: np.ndarray, width: float
) -> None:
    """Draws strands of one colour, brighter along their middle.

    Args:
        canvas: (side, side, 4) uint8, drawn on.
        paths: (N, 2) int32 columns and rows of each.
        colour: (3,) float in [0, 255].
        width: In pixels.
    """
    for share, light in ((1.0, 0.75), (0.6, 1.0), (0.25, 1.2)):
        shade = np.clip(colour * light, 0, 255)
        thick = max(1, round(width * share))
        cv2.polylines(canvas, paths, False, (*shade.tolist(), 255), thick)


def draw_path(
    root: np.ndarray,
    angle: float,
    length: float,
    random: np.random.Generator,
    slack: float = 1.0,
) -> np.ndarray:
    """Draws the way of a strand: bent, and a little wavy.

    Args:
        root: (2,), column and row where it begins, in pixels.
        angle: Of its first part, in radians.
        length: In pixels.
        random: Source of the bends.
        slack: How bent it is, 0 for straight.

    Returns:
        (POINTS, 2) int32 columns and rows.
    """
    place = np.linspace(0, 1, POINTS)
    bend = random.normal(0, 0.6) * place
    turns = random.uniform(0.5, 3) * place + random.uniform()
    wave = 0.25 * random.normal() * np.sin(2 * np.pi * turns)
    turned = angle + slack * (bend + wave)
    steps = np.column_stack([np.cos(turned), np.sin(turned)]) * (length / POINTS)
    return np.rint(root + np.cumsum(steps, axis=0)).astype(np.int32)


def draw_light(side: int, random: np.random.Generator) -> np.ndarray:
    """Draws light that falls on one place more than on the next.

    Args:
        side: In pixels.
        random: Source of the noise.

    Returns:
        (side, side, 1) float32 in [0.3, 1].
    """
    noise = random.uniform(0.3, 1, (4, 4)).astype(np.float32)
    light = cv2.resize(noise, (side, side), interpolation=cv2.INTER_LINEAR)
    return light[..., None]
