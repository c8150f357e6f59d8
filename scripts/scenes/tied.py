"""Tied hair: gathered over the head to a tie; from there a tail, a braid or a bun.

Arrays in, arrays out; lengths in head units, strands as in `strands`.
"""

import numpy as np

from scripts.scenes.strands import bundle_strands, clump_strands, grow_strands
from scripts.scenes.vectors import UP, noise_field, normalise

MIDDLE = np.array([0.0, 0.12, 0.3])  # of the head
HEIGHTS = {"ponytail": 1.0, "bun": 1.4, "braid": 0.5}  # times the drawn `tie`
GATHER_STEPS = 14  # points of a strand from root to tie
TIED_RADIUS = 0.09  # of the hair where it is tied


def tie_place(style: dict, push) -> tuple:
    """Gives the (3,) place of the tie and the (3,) unit direction out of the head."""
    turn = style["tie"] * HEIGHTS[style["style"]]
    way = np.array([0, np.cos(turn), np.sin(turn)])
    place = (MIDDLE + way * 0.9)[None]
    for _ in range(3):
        place = push(place)
    return place[0] + way * 0.1, way


def gather_hair(points, tie, push, random) -> np.ndarray:
    """Lays hair tightly over the head from its roots to the tie.

    Args:
        points: (N, 3) roots.
        tie: (3,) place of the tie.
        push: Moves points out of the body, from `surface_pusher`.
        random: Generator of the draws.

    Returns:
        (N, GATHER_STEPS, 3) strands.
    """
    ends = tie + random.normal(0, TIED_RADIUS * 0.6, points.shape)
    first, last = normalise(points - MIDDLE), normalise(ends - MIDDLE)
    angle = np.arccos(np.clip((first * last).sum(axis=1), -0.98, 1))[:, None]
    sizes = [np.linalg.norm(at - MIDDLE, axis=1)[:, None] for at in (points, ends)]
    low = random.uniform(0, 0.25, len(points))  # hangs a little before it is pulled up
    strands = [points]
    for part in np.linspace(0, 1, GATHER_STEPS)[1:]:
        way = first * np.sin((1 - part) * angle) + last * np.sin(part * angle)
        size = sizes[0] * (1 - part) + sizes[1] * part
        place = MIDDLE + normalise(way) * size
        place = place - UP * (low * np.sin(np.pi * part))[:, None]
        strands.append(push(place) if part < 1 else ends)
    return np.stack(strands, axis=1)


def disc_offsets(count: int, random) -> np.ndarray:
    """Draws (count, 2) places in the unit disc."""
    angle = random.uniform(0, 2 * np.pi, count)
    radius = np.sqrt(random.uniform(0, 1, count))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]


def hang_spine(style: dict, tie, way, push, random) -> np.ndarray:
    """Hangs a curve from the tie: (40, 3), out of the head, then down."""
    field = noise_field(random, 0.35)
    sideways = random.normal(0, 0.8) * np.array([1.0, 0, 0])
    return grow_strands(
        tie[None],
        normalise(way + [0, 0, 0.2])[None],
        np.array([style["length"]]),
        40,
        lambda at, done: (sideways - UP * 2.5) * style["gravity"] + field(at),
        push,
    )[0]


def hang_tail(style: dict, spine, random) -> np.ndarray:
    """Makes a ponytail along a (40, 3) spine: (N, 24, 3) strands."""
    count = 7000
    along = np.linspace(0, 1, len(spine))
    full = random.uniform(0.22, 0.36)
    widths = np.interp(along, [0, 0.25, 0.6, 1], [TIED_RADIUS, full, full, full * 0.6])
    ends = 1 - style["layers"] * 1.6 * random.uniform(0, 1, count) ** 1.5
    tail = bundle_strands(
        spine, widths, disc_offsets(count, random), np.zeros(count), ends, 24
    )
    bend = noise_field(random, 0.6)(tail.reshape(-1, 3)).reshape(tail.shape)
    tail = tail + bend * (0.12 * np.linspace(0, 1, 24) ** 1.3)[:, None]
    return clump_strands(tail, 120, style["clump"], random)[0]


def braid_hair(style: dict, spine, random) -> np.ndarray:
    """Braids three bundles along a (40, 3) spine, with a tuft: (N, 48, 3) strands."""
    fine = np.linspace(0, 1, 160)
    knots = np.linspace(0, 1, len(spine))
    spine = np.stack([np.interp(fine, knots, column) for column in spine.T], axis=1)
    tangent = normalise(np.gradient(spine, axis=0))
    side = normalise(np.cross(tangent, [0, 1, 0.2]))
    other = np.cross(tangent, side)
    thin = np.interp(fine, [0, 0.1, 0.88, 0.92, 1], [0.6, 1, 0.7, 0.3, 0.9])
    size = random.uniform(0.13, 0.18)
    bundles = []
    for number in range(3):
        turn = 2 * np.pi * (fine * style["length"] / (size * 4) + number / 3)
        apart = np.where(fine < 0.9, 1, 0.3) * thin * size
        swing = side * (np.cos(turn) * apart)[:, None]
        swing = swing + other * (np.sin(2 * turn) * 0.6 * apart)[:, None]
        ends = 1 - 0.5 * random.uniform(0, 1, 2400) ** 6
        offsets = disc_offsets(2400, random)
        starts = np.zeros(2400)
        widths = size * 0.85 * thin
        bundles.append(bundle_strands(spine + swing, widths, offsets, starts, ends, 48))
    return np.concatenate(bundles)


def coil_bun(style: dict, tie, way, random) -> np.ndarray:
    """Coils hair to a bun on the tie: (N, 30, 3) strands."""
    radius, count = style["length"], 5000
    turn = np.linspace(0, random.uniform(2.2, 3.5) * 2 * np.pi, 160)
    rise = turn / turn[-1]
    side = normalise(np.cross(way, [1.0, 0.3, 0.2]))
    other = np.cross(way, side)
    flat = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * other
    inward = radius * (0.72 - 0.6 * rise**1.5)
    spine = tie + flat * inward[:, None] + way * (0.15 + radius * 0.75 * rise)[:, None]
    wobble = noise_field(random, 0.9)(spine) * 0.05
    starts = random.uniform(-0.25, 0.85, count)
    ends = np.clip(starts + random.uniform(0.2, 0.45, count), 0.02, 1)
    widths = np.full(len(spine), radius * 0.36)
    offsets = disc_offsets(count, random)
    starts = np.maximum(starts, 0)
    return bundle_strands(spine + wobble, widths, offsets, starts, ends, 30)


def tie_hair(style: dict, points, push, random) -> tuple:
    """Ties hair up.

    Args:
        style: From `draw_style`, of a style in TIED.
        points: (N, 3) roots.
        push: Moves points out of the body, from `surface_pusher`.
        random: Generator of the draws.

    Returns:
        (N, GATHER_STEPS, 3) strands on the head, (M, K, 3) strands beyond the tie.
    """
    tie, way = tie_place(style, push)
    over = gather_hair(points, tie, push, random)
    if style["style"] == "bun":
        return over, coil_bun(style, tie, way, random)
    spine = hang_spine(style, tie, way, push, random)
    make = hang_tail if style["style"] == "ponytail" else braid_hair
    return over, make(style, spine, random)
