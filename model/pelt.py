"""Draws foregrounds with hair or fur that grows out of something opaque.

A photograph for the colours, a size and a random generator go in, a cut-out with an
exact alpha comes out. Unlike the bundles of `strands.py` they have a body whose colour
is known, and their own differs from it as in photographs: tips are darker or brighter
than roots, and hair shines where it turns to the lamp, not where it is dense.
"""

import cv2
import numpy as np

from model import body as bodies
from model import strands
from model.body import Body

SCALE = 3  # drawn so many times larger: a hair is finer than a pixel
POINTS = 11  # along a strand
PIECES = 5  # of a strand, each of one brightness
LENGTH = (0.05, 0.6)  # of the longest strands, in sides, log-uniform
DEPTH = (0.05, 0.7)  # of the roots below the rim, in lengths, at most
WIDTH = (0.3, 1.4)  # of a strand, in pixels, log-uniform
COVER = (0.6, 16.0)  # strands for each pixel of the crop's side, log-uniform
MOST_STRANDS = 4000
TUFTS = (6, 90)  # strands that end together, in a crop
STRAY = 0.08  # share of strands that go their own way, at most
NEIGHBOURS = 12  # strands of the colour of one place
SHADES = 3  # of those
CONTRAST = 0.4  # of their brightness, at most: deviation of its logarithm
OTHER = 0.5  # share of strands in another colour, at most
TIP = (0.4, 1.8)  # brightness of the tips beside the roots, log-uniform
GLINT_PROBABILITY = 0.6  # of hair that shines
GLINT = 3.0  # the most that it brightens


def draw_pelt(
    texture: np.ndarray, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws something hairy.

    Args:
        texture: (H, W, 3) uint8, a photograph that the colours are taken from.
        size: Side of the crop in pixels.
        random: Source of every choice made here.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    body = bodies.draw_body(size * SCALE, random)
    palette = strands.pick_colours(texture, random)
    colours = bodies.paint(body, palette, size, SCALE, random)
    canvas = bodies.fill(body, colours, SCALE)
    roots, paths = grow(body, size * SCALE, random)
    draw_hair(canvas, colours, palette, roots, paths, random)
    return strands.reduce_canvas(canvas, size)


def grow(
    body: Body, side: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Grows strands out of the rim of a body.

    Args:
        body: What they grow on.
        side: Of the canvas, in its pixels.
        random: Source of every choice.

    Returns:
        Roots (N, 2) float and paths (N, `POINTS`, 2) int32, columns and rows, in the
        order in which they stand around the body.
    """
    longest = side * np.exp(random.uniform(*np.log(LENGTH)))
    angle, roots = scatter(body, side, longest, random)
    count = len(angle)
    lean = random.normal(0, 0.5) + random.normal(0, 0.4) * np.sin(
        random.uniform(1, 12) * angle + random.uniform(0, 2 * np.pi)
    )
    tuft = np.arange(count) * int(random.integers(*TUFTS)) // max(count, 1)
    aims = random.normal(0, random.uniform(0, 0.4), tuft.max(initial=0) + 1)
    own = random.normal(0, random.uniform(0.02, 0.5), count)
    is_stray = random.random(count) < random.uniform(0, STRAY)
    aim = angle + lean + aims[tuft] + own * np.where(is_stray, 3, 1)
    length = longest * random.uniform(0.4, 1, count) * np.where(is_stray, 1.5, 1)
    paths = roots[:, None] + wind(aim, length, is_stray, random)
    hang = np.linspace(0, 1, POINTS)[:, None] ** 2
    paths += random.normal(0, 0.3, 2) * longest * hang
    pull = random.uniform(0, 0.9) * ~is_stray
    return roots, np.rint(gather(paths, tuft, pull)).astype(np.int32)


def wind(
    aim: np.ndarray,
    length: np.ndarray,
    is_stray: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Bends and curls strands along their way.

    Args:
        aim: (N,) in radians, where they start to.
        length: (N,) float.
        is_stray: (N,) bool, of those that bend more.
        random: Source of every choice.

    Returns:
        (N, `POINTS`, 2) float, columns and rows from their roots on.
    """
    count, place = len(aim), np.linspace(0, 1, POINTS)
    bend = random.normal(0, 0.5) + random.normal(0, 0.4, count) * (1 + is_stray)
    turns = random.uniform(0.5, 4) * place + random.random((count, 1))
    curl = random.exponential(0.25) * np.sin(2 * np.pi * turns)
    turned = aim[:, None] + bend[:, None] * place + curl
    steps = np.stack([np.cos(turned), np.sin(turned)], -1) * length[:, None, None]
    return np.cumsum(steps / POINTS, axis=1)


def scatter(
    body: Body, side: int, longest: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Scatters roots near the rim of a body, in and around a canvas.

    Args:
        body: What hair grows on.
        side: Of the canvas, in its pixels.
        longest: Length of the longest hair in those.
        random: Source of every choice.

    Returns:
        Angles (N,) in radians, ascending, and roots (N, 2) inside of the outline.
    """
    cover = np.exp(random.uniform(*np.log(COVER)))
    count = int(min(cover * side / SCALE, MOST_STRANDS))
    angle = random.uniform(-np.pi, np.pi, count * 12)  # most lie outside of the canvas
    depth = random.uniform(*DEPTH) * longest * random.random(len(angle))
    roots = body.locate(angle, depth)
    is_near = np.all((roots > -0.15 * side) & (roots < 1.15 * side), axis=1)
    chosen = np.flatnonzero(is_near)[:count]
    chosen = chosen[np.argsort(angle[chosen])]
    return angle[chosen], roots[chosen]


def gather(paths: np.ndarray, tuft: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Draws the tips of the strands of a tuft together.

    Args:
        paths: (N, P, 2) float, columns and rows.
        tuft: (N,) int, the number of each one's tuft.
        pull: (N,) in [0, 1], the part of the way that a tip goes to their mean.

    Returns:
        (N, P, 2) float; roots stay where they are.
    """
    count = np.maximum(np.bincount(tuft), 1)
    ends = [np.bincount(tuft, end) / count for end in paths[:, -1].T]
    way = np.column_stack(ends)[tuft] - paths[:, -1]
    place = np.linspace(0, 1, paths.shape[1]) ** 1.5
    return paths + (pull[:, None] * place)[..., None] * way[:, None]


def draw_hair(
    canvas: np.ndarray,
    colours: np.ndarray,
    palette: np.ndarray,
    roots: np.ndarray,
    paths: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Draws strands, brighter and darker along their way.

    Args:
        canvas: (side, side, 4) uint8, colour and coverage, drawn on.
        colours: (size, size, 3) float32 in [0, 255], of what they grow on.
        palette: (N, 3) float32 colours in [0, 255].
        roots: As `grow` gives them.
        paths: As `grow` gives them.
        random: Source of every choice.
    """
    width = SCALE * np.exp(random.uniform(*np.log(WIDTH)))
    tip = np.exp(random.uniform(*np.log(TIP)))
    glint = random.uniform(0, GLINT) * (random.random() < GLINT_PROBABILITY)
    shine, contrast = random.uniform(0.1, 0.9), random.uniform(0, CONTRAST)
    other = random.uniform(0, OTHER)
    middle = (np.arange(PIECES) + 0.5) / PIECES
    ends = np.linspace(0, POINTS - 1, PIECES + 1).astype(int)
    groups = np.array_split(np.arange(len(roots)), max(1, len(roots) // NEIGHBOURS))
    for number in random.permutation(len(groups)):
        members = groups[number]
        if not len(members):
            continue
        column, row = (roots[members[0]] / SCALE).astype(int).clip(0, len(colours) - 1)
        ground = colours[row, column]
        for part in np.array_split(random.permutation(members), SHADES):
            colour = ground * np.exp(contrast * random.normal())
            if random.random() < other:
                dye = palette[random.integers(len(palette))]
                colour = dye * (ground.mean() / max(dye.mean(), 1))
            spot = (middle - shine - 0.15 * random.normal()) / 0.15
            bright = tip**middle * (1 + glint * random.random() * np.exp(-(spot**2)))
            for piece in range(PIECES):
                shade = np.clip(colour * bright[piece], 0, 255)
                lines = list(paths[part, ends[piece] : ends[piece + 1] + 1])
                thick = max(1, round(width * (1 - 0.4 * middle[piece])))
                cv2.polylines(canvas, lines, False, (*shade.tolist(), 255), thick)
