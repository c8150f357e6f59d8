"""Draws foregrounds that are full of holes: wire baskets with things in them, fringes.

A photograph for the colours, a size and a random generator go in, a cut-out with an
exact alpha comes out. What shows through such holes is the background at one place and
the thing itself at the next, its other wall or what is in it; collected cut-outs have
hardly any of these, and a first guess errs most on them (log/README.md, 2026-11-27).
"""

from typing import NamedTuple

import cv2
import numpy as np

from model import matting, strands
from model.strands import SCALE

Layer = tuple[np.ndarray, np.ndarray]  # foreground (H, W, 3) and alpha (H, W)

STEPS = 40  # points along a wire
RADIUS = (0.12, 0.6)  # of a basket, in sides
HEIGHT = (0.4, 1.6)  # in sides
TAPER = (0.65, 1.0)  # radius at the bottom, in radii
TILT = (0.0, 0.4)  # radians from which it is seen from above
DISTANCE = (3.0, 10.0)  # of the camera from the axis, in radii
WIRE = (0.6, 3.5)  # width in pixels, log-uniform
PERIOD = (1.8, 7.0)  # from wire to wire, in widths, log-uniform
SLANT = (0.4, 1.1)  # radians between the wires of a lattice and the axis
GRID_PROBABILITY = 0.4  # of rings and rods instead of a lattice
RIM_PROBABILITY = 0.7
RIM = (2.0, 14.0)  # its width in pixels
FLOOR_PROBABILITY = 0.5
INNER_LIGHT = (0.4, 1.1)  # on the other wall, as a share of that on the near one
FRINGE_WIDTH = (2.0, 10.0)  # of a strand, in pixels, log-uniform
FRINGE_LAYERS = (0.4, 2.5)  # strands that lie over each other where they hang from
MOST_STRANDS = 500  # of a fringe: more take long to draw
SLACK = (0.1, 0.9)  # how bent strands of a fringe are
TWIST_PROBABILITY = 0.6  # of yarn, whose turns show


class Basket(NamedTuple):
    """The shape of a basket and where it is seen, in pixels of the canvas.

    Attributes:
        place: Column and row of the middle of its rim.
        radius: Of the rim.
        height: From the rim to the floor.
        taper: Radius of the floor, in radii of the rim.
        tilt: Radians from which it is seen from above.
        roll: Radians by which it leans to the right.
        distance: Of the camera from the axis.
    """

    place: np.ndarray
    radius: float
    height: float
    taper: float
    tilt: float
    roll: float
    distance: float

    def project(self, angle: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Projects points of the wall.

        Args:
            angle: (N,) radians around the axis, 0 where it is nearest.
            depth: (N,) from 0 at the rim to 1 at the floor.

        Returns:
            (N, 2) int32 columns and rows.
        """
        radius = self.radius * (1 - (1 - self.taper) * depth)
        right, near = radius * np.sin(angle), radius * np.cos(angle)
        down = self.height * depth * np.cos(self.tilt) + near * np.sin(self.tilt)
        scale = self.distance / (self.distance - near)
        turn = np.array(
            [
                [np.cos(self.roll), np.sin(self.roll)],
                [-np.sin(self.roll), np.cos(self.roll)],
            ]
        )
        points = np.column_stack([right * scale, down * scale]) @ turn + self.place
        return np.rint(points).astype(np.int32)


def draw_basket(
    texture: np.ndarray,
    inside: list[Layer],
    size: int,
    random: np.random.Generator,
) -> Layer:
    """Draws a basket of wire with things in it.

    Args:
        texture: (H, W, 3) uint8, a photograph that the colours are taken from.
        inside: What is behind the near wall and before the other one, the nearest
            first; it may stand out. Foregrounds (size, size, 3) and alphas (size,
            size), float32 in [0, 1].
        size: Side of the crop in pixels.
        random: Source of every choice made here.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    side = size * SCALE
    radius = random.uniform(*RADIUS) * side
    basket = Basket(
        random.uniform((0.2, -0.2), (0.8, 0.5)) * side,
        radius,
        random.uniform(*HEIGHT) * side,
        random.uniform(*TAPER),
        random.uniform(*TILT),
        random.normal(0, 0.25),
        random.uniform(*DISTANCE) * radius,
    )
    wires = draw_wires(basket, random)
    palette = strands.pick_colours(texture, random)
    colours = palette[0], palette[-1]
    floor = random.random() < FLOOR_PROBABILITY
    rim = 0.0
    if random.random() < RIM_PROBABILITY:
        rim = SCALE * random.uniform(*RIM)
    near = np.zeros((side, side, 4), np.uint8)
    far = np.zeros((side, side, 4), np.uint8)
    around = np.linspace(-np.pi, np.pi, 4 * STEPS)
    if floor:
        ring = basket.project(around, np.ones_like(around))
        cv2.fillPoly(far, [ring], (*colours[1].tolist(), 255))
    width = wires.width
    for canvas, is_near in ((far, False), (near, True)):
        strands.draw_round(canvas, wires.visible(basket, is_near), colours[0], width)
        if rim:
            ring = Wires([around], [np.zeros_like(around)], rim)
            strands.draw_round(canvas, ring.visible(basket, is_near), colours[1], rim)
    light = draw_light(side, random)
    inner = light * np.float32(random.uniform(*INNER_LIGHT))
    far[..., :3] = np.minimum(far[..., :3] * inner, 255)
    near[..., :3] = near[..., :3] * light
    front, *others = [
        strands.reduce_canvas(near, size),
        *inside,
        strands.reduce_canvas(far, size),
    ]
    for layer in others:
        front = matting.overlay(*front, *layer)
    return front


class Wires(NamedTuple):
    """Wires on the wall of a basket.

    Attributes:
        angles: (N,) radians around the axis, of each wire.
        depths: (N,) from the rim to the floor, alike.
        width: In pixels of the canvas.
    """

    angles: list[np.ndarray]
    depths: list[np.ndarray]
    width: float

    def visible(self, basket: Basket, is_near: bool) -> list[np.ndarray]:
        """Projects the parts of the wires on one of both walls.

        Args:
            basket: What they belong to.
            is_near: Whether the near wall is wanted.

        Returns:
            (M, 2) int32 columns and rows of each part.
        """
        parts = []
        for angle, depth in zip(self.angles, self.depths, strict=True):
            points = basket.project(angle, depth)
            on_wall = (np.cos(angle) >= 0) == is_near
            ends = np.flatnonzero(np.diff(on_wall)) + 1
            pieces = np.split(points, ends)
            parts += pieces[0 if on_wall[0] else 1 :: 2]
        return [part for part in parts if len(part) > 1]


def draw_wires(basket: Basket, random: np.random.Generator) -> Wires:
    """Draws the wires of a wall: a lattice, or rings and rods.

    Args:
        basket: What they are of.
        random: Source of every choice.

    Returns:
        The wires, which close around the basket.
    """
    width = SCALE * np.exp(random.uniform(*np.log(WIRE)))
    period = width * np.exp(random.uniform(*np.log(PERIOD)))
    number = max(6, round(2 * np.pi * basket.radius / period))
    starts = np.arange(number) * (2 * np.pi / number)
    depth = np.linspace(0, 1, STEPS)
    angles, depths = [], []
    if random.random() < GRID_PROBABILITY:
        stretch = np.exp(random.uniform(-0.7, 0.7))
        around = np.linspace(-np.pi, np.pi, 4 * STEPS)
        levels = np.arange(0, 1, period * stretch / basket.height)
        angles += [start + 0 * depth for start in starts] + [around] * len(levels)
        depths += [depth] * number + [level + 0 * around for level in levels]
    else:
        slant = random.uniform(*SLANT)
        turn = depth * basket.height * np.tan(slant) / basket.radius
        for way in (turn, -turn):
            angles += [start + way for start in starts]
            depths += [depth] * number
    return Wires(angles, depths, width)


def draw_fringe(texture: np.ndarray, size: int, random: np.random.Generator) -> Layer:
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
    width = SCALE * np.exp(random.uniform(*np.log(FRINGE_WIDTH)))
    count = int(random.uniform(*FRINGE_LAYERS) * 2 * side / width)
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
    canvas[..., :3] = canvas[..., :3] * draw_light(side, random)
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
