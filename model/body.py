"""Something opaque that hair grows on: its outline, its light, its colours.

A random generator goes in, a disc with bumps comes out, of which the crop shows a
piece. Light falls on it from one side, so that its rim has other colours than its
middle, as things in photographs have.
"""

from typing import NamedTuple

import cv2
import numpy as np

from model import smoke

RADIUS = (0.3, 1.5)  # of a body, in sides of the canvas, log-uniform
BUMPS = 4  # waves around it
BUMP = 0.25  # the most that the first of them adds to the radius; the n-th a n-th
AMBIENT = (0.15, 0.9)  # share of the light that comes from everywhere, log-uniform
CORNERS = 256  # of the polygon that is filled
STREAK = (0.7, 4.0)  # width of the strands that it is covered with, pixels, log-uniform
STRANDS = (2, 9)  # of which so many lie behind each other between middle and rim
ROWS = 40  # of noise that makes them; beyond the last the first ones come again
TURN = 8.0  # strands' widths by which they turn on the way, as a deviation
CONTRAST = 0.4  # the most, of their brightness: deviation of its logarithm
PATCHES_PROBABILITY = 0.4  # of two colours


class Body(NamedTuple):
    """A disc with bumps.

    Attributes:
        centre: (2,), its column and row, in pixels of the canvas.
        radius: Its mean radius in those.
        waves: (`BUMPS`, 2), strength and phase of the waves of its outline.
        light: (3,), where the light comes from: columns, rows, towards the viewer.
        ambient: Share of the light that comes from everywhere.
    """

    centre: np.ndarray
    radius: float
    waves: np.ndarray
    light: np.ndarray
    ambient: float

    def outline(self, angle: np.ndarray) -> np.ndarray:
        """Gives the radius at (...) angles in radians, in pixels of the canvas."""
        turns = np.arange(1, len(self.waves) + 1) * angle[..., None] + self.waves[:, 1]
        return self.radius * (1 + (self.waves[:, 0] * np.cos(turns)).sum(-1))

    def locate(self, angle: np.ndarray, depth: np.ndarray | float = 0.0) -> np.ndarray:
        """Gives the (..., 2) places at (...) angles, so deep below the outline."""
        ray = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        return self.centre + np.maximum(self.outline(angle) - depth, 0)[..., None] * ray

    def shade(self, place: np.ndarray) -> np.ndarray:
        """Gives the light at (..., 2) places of the canvas, (...) in [0, 1].

        Lambert's law; the body is round like half of a ball.
        """
        across = place - self.centre
        angle = np.arctan2(across[..., 1], across[..., 0])
        side = across / self.outline(angle)[..., None]
        tilt = np.minimum((side**2).sum(-1), 1)
        facing = side @ self.light[:2] + np.sqrt(1 - tilt) * self.light[2]
        return self.ambient + (1 - self.ambient) * np.clip(facing, 0, 1)


def draw_body(side: int, random: np.random.Generator) -> Body:
    """Draws a body whose outline crosses the middle of a canvas.

    Args:
        side: Of the canvas, in its pixels.
        random: Source of every choice.

    Returns:
        The body.
    """
    radius = side * np.exp(random.uniform(*np.log(RADIUS)))
    waves = random.uniform((-BUMP, 0), (BUMP, 2 * np.pi), (BUMPS, 2))
    waves[:, 0] /= np.arange(1, BUMPS + 1)
    light = random.normal(size=3)
    light[2] = abs(light[2])
    light /= np.linalg.norm(light)
    ambient = np.exp(random.uniform(*np.log(AMBIENT)))
    body = Body(np.zeros(2), radius, waves, light, ambient)
    edge = body.locate(np.array(random.uniform(0, 2 * np.pi)))
    return body._replace(centre=random.uniform(0.35, 0.65, 2) * side - edge)


def paint(
    body: Body,
    palette: np.ndarray,
    size: int,
    scale: int,
    random: np.random.Generator,
) -> np.ndarray:
    """Paints a body as if it were covered with strands that run to its rim.

    Args:
        body: Its shape and light.
        palette: (N, 3) float32 colours in [0, 255]; the first and the last are used.
        size: Side of the crop in pixels.
        scale: Pixels of the canvas in one of the crop, along a side.
        random: Source of every choice.

    Returns:
        (size, size, 3) float32, 0 or above, also around the body.
    """
    places = scale * (np.stack(np.meshgrid(*2 * [np.arange(size)]), axis=-1) + 0.5)
    across = np.moveaxis((places - body.centre).astype(np.float32), 2, 0)
    share = np.hypot(*across) / np.float32(body.radius)
    width = scale * np.exp(random.uniform(*np.log(STREAK)))
    behind = np.float32(random.uniform(*STRANDS))
    beside = max(8, int(2 * np.pi * body.radius / width))
    noise = random.standard_normal((ROWS, beside + 8), np.float32)
    around = cv2.phase(*across) * np.float32(beside / (2 * np.pi))
    around += np.float32(random.normal(0, TURN)) * share
    streaks = cv2.remap(
        noise, around, share * behind, cv2.INTER_LINEAR, None, cv2.BORDER_WRAP
    )
    mixture = np.zeros((size, size, 1), np.float32)
    if random.random() < PATCHES_PROBABILITY:
        patches = smoke.draw_noise(size, random) - random.uniform(0.3, 0.7)
        mixture = np.clip(patches * random.uniform(3, 30) + 0.5, 0, 1)[..., None]
    colours = palette[0] + mixture * (palette[-1] - palette[0])
    light = body.shade(places) * np.exp(random.uniform(0, CONTRAST) * streaks)
    return (colours * light[..., None]).astype(np.float32)


def fill(body: Body, colours: np.ndarray, scale: int) -> np.ndarray:
    """Draws a body on a canvas of its own.

    Args:
        body: Its shape.
        colours: (size, size, 3) float32, clipped to [0, 255].
        scale: Pixels of the canvas in one of `colours`, along a side.

    Returns:
        (size * scale, size * scale, 4) uint8, colour and coverage, which is 0 or 255.
    """
    side = len(colours) * scale
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    cover = np.zeros((side, side), np.uint8)
    cv2.fillPoly(cover, [np.rint(body.locate(angle)).astype(np.int32)], 1)
    layers = np.dstack([np.clip(colours, 0, 255), np.full(colours.shape[:2], 255)])
    large = cv2.resize(layers.astype(np.uint8), (side, side))
    return large * cover[..., None]
