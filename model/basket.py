"""Draws foregrounds of wire: baskets with things in them.

A photograph for the colours, a size and a random generator go in, a cut-out with an
exact alpha comes out. What shows through the holes of one wall is the background at one
place and the basket itself at the next, its other wall or what is in it; collected
cut-outs have hardly any such things.
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
    wires = [draw_wires(basket, random)]
    palette = strands.pick_colours(texture, random)
    colours = palette[0], palette[-1]
    around = np.linspace(-np.pi, np.pi, 4 * STEPS)
    has_floor = random.random() < FLOOR_PROBABILITY
    if random.random() < RIM_PROBABILITY:
        width = SCALE * random.uniform(*RIM)
        wires.append(Wires([around], [np.zeros_like(around)], width))
    near, far = (np.zeros((side, side, 4), np.uint8) for _ in range(2))
    if has_floor:
        ring = basket.project(around, np.ones_like(around))
        cv2.fillPoly(far, [ring], (*colours[1].tolist(), 255))
    for canvas, is_near in ((far, False), (near, True)):
        for kind, colour in zip(wires, colours, strict=False):
            parts = kind.visible(basket, is_near)
            strands.draw_round(canvas, parts, colour, kind.width)
    light = strands.draw_light(side, random)
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
