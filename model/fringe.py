"""Draws foregrounds of yarn: fringes, whose strands hang side by side.

A photograph for the colours, a size and a random generator go in, a cut-out with an
exact alpha comes out. Between strands the background shows in narrow gaps.
"""

import cv2
import numpy as np

from model import strands
from model.strands import SCALE

WIDTH = (2.0, 10.0)  # of a strand, in pixels, log-uniform
LAYERS = (0.4, 2.5)  # strands that lie over each other where they hang from
MOST_STRANDS = 500  # of a fringe: more take long to draw
SLACK = (0.1, 0.9)  # how bent strands of a fringe are
TWIST_PROBABILITY = 0.6  # of yarn, whose turns show


def draw_fringe(
    texture: np.ndarray, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws strands that hang side by side from something opaque, as of a scarf.

    Args:
        texture: (H, W, 3) uint8, a photograph that the colours are taken from.
        size: Side of the crop in pixels.
        random: Source of every choice made here.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    side = size * SCALE
    canvas = np.zeros((side, side, 4), np.uint8)
    palette = strands.pick_colours(texture, random)
    width = SCALE * np.exp(random.uniform(*np.log(WIDTH)))
    count = int(random.uniform(*LAYERS) * 2 * side / width)
    angle = random.uniform(0, 2 * np.pi)
    down = np.array([np.cos(angle), np.sin(angle)])
    along = np.array([-down[1], down[0]])
    hem = side / 2 - random.uniform(0.0, 0.45) * side * down
    longest, spread = random.uniform(0.3, 1.0) * side, random.uniform(0.02, 0.25)
    slack = random.uniform(*SLACK)
    is_twisted = random.random() < TWIST_PROBABILITY
    edge = [
        hem + side * place for place in (along, -along, -along - down, along - down)
    ]
    ground = palette[random.integers(len(palette))] * 0.6
    cv2.fillPoly(canvas, [np.rint(edge).astype(np.int32)], (*ground.tolist(), 255))
    for _ in range(min(count, MOST_STRANDS)):
        root = hem + random.uniform(-1, 1) * side * along
        # some begin, and lie, on what they hang from
        root -= random.uniform(0, 0.5) * side * down
        length = longest * random.uniform(0.4, 1) + np.dot(hem - root, down)
        aim = angle + spread * random.normal()
        path = strands.draw_path(root, aim, length, random, slack)
        thick = width * np.exp(random.normal(0, 0.15))
        colour = palette[random.integers(len(palette))] * random.uniform(0.6, 1.2)
        strands.draw_round(canvas, [path], colour, thick)
        if is_twisted:
            draw_twist(canvas, path, colour, thick)
    canvas[..., :3] = canvas[..., :3] * strands.draw_light(side, random)
    return strands.reduce_canvas(canvas, size)


def draw_twist(
    canvas: np.ndarray, path: np.ndarray, colour: np.ndarray, width: float
) -> None:
    """Draws the turns of yarn: short dark lines across a strand.

    Args:
        canvas: (side, side, 4) uint8, drawn on.
        path: (N, 2) int32 columns and rows of the strand.
        colour: (3,) float in [0, 255].
        width: Of the strand, in pixels.
    """
    lengths = np.cumsum(np.hypot(*np.diff(path, axis=0).T))
    lengths = np.concatenate([[0], lengths])
    places = np.arange(0, lengths[-1], max(0.9 * width, 4))
    middle = np.column_stack([np.interp(places, lengths, side) for side in path.T])
    ahead = np.gradient(middle, axis=0) if len(middle) > 1 else np.ones_like(middle)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-6)
    across = ahead @ np.array([[0.6, 0.8], [-0.8, 0.6]]) * (0.4 * width)
    turns = np.rint(np.stack([middle - across, middle + across], axis=1))
    shade = np.clip(colour * 0.5, 0, 255)
    thick = max(1, round(0.2 * width))
    lines = list(turns.astype(np.int32))
    cv2.polylines(canvas, lines, False, (*shade.tolist(), 255), thick)
