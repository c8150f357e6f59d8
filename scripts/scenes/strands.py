"""Strands of hair, fur, grass stems and yarn; arrays in, arrays out.

A strand is a row of points from root to tip; N strands of K points are (N, K, 3)
float64, lengths in head units of 10 cm.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from scripts.scenes.vectors import normalise


def surface_pusher(points: np.ndarray, normals: np.ndarray, margin) -> Callable:
    """Builds a function that moves points out of a body.

    Args:
        points: (N, 3) points on the body.
        normals: (N, 3) their outward unit normals.
        margin: Least distance from the body, a number or one per moved point.

    Returns:
        Function from (M, 3) to (M, 3) points.
    """
    tree = cKDTree(points)

    def push(moved: np.ndarray) -> np.ndarray:
        _, nearest = tree.query(moved, workers=2)
        height = ((moved - points[nearest]) * normals[nearest]).sum(axis=1)
        lift = np.clip(margin - height, 0, None)
        return moved + normals[nearest] * lift[:, None]

    return push


def grow_strands(roots, directions, lengths, count: int, force, push=None):
    """Grows strands step by step, bent by a force and kept out of a body.

    Args:
        roots: (N, 3) first points.
        directions: (N, 3) unit directions at the root.
        lengths: (N,) lengths of the strands.
        count: Points per strand.
        force: Function (positions (N, 3), fraction of length done) -> (N, 3).
        push: Function (N, 3) -> (N, 3) such as `surface_pusher` gives, or None.

    Returns:
        (N, count, 3) strands.
    """
    step = lengths[:, None] / (count - 1)
    position, direction = roots, directions
    strands = [position]
    for index in range(1, count):
        pull = force(position, index / (count - 1))
        direction = normalise(direction + pull * step)
        moved = position + direction * step
        if push is not None:
            moved = push(moved)
            direction = normalise(moved - position)
            moved = position + direction * step
        position = moved
        strands.append(position)
    return np.stack(strands, axis=1)


def clump_strands(strands, clumps: int, strength: float, random):
    """Draws the tips of neighbouring strands together into locks.

    Args:
        strands: (N, K, 3).
        clumps: Number of locks.
        strength: 0 leaves the strands, 1 joins the tips of the most drawn ones.
        random: Generator of the draws.

    Returns:
        (N, K, 3) strands and the (N,) number of each strand's lock.
    """
    guides = strands[random.choice(len(strands), size=min(clumps, len(strands)))]
    _, lock = cKDTree(guides[:, 0]).query(strands[:, 0])
    amount = strength * random.uniform(0.3, 1.0, size=(len(strands), 1, 1))
    amount = amount * np.linspace(0, 1, strands.shape[1])[None, :, None] ** 0.8
    return strands * (1 - amount) + guides[lock] * amount, lock


def curl_strands(strands, lock, radius: float, turns: float, random):
    """Winds strands into spirals, nearly the same spiral within a lock.

    Args:
        strands: (N, K, 3).
        lock: (N,) lock numbers from `clump_strands`.
        radius: Radius of the spiral; the locks vary between 0.6 and 1.2 of it.
        turns: Turns from root to tip.
        random: Generator of the phases.

    Returns:
        (N, K, 3) strands.
    """
    tangents = normalise(np.gradient(strands, axis=1))
    side = normalise(np.cross(tangents, random.normal(size=3)))
    other = np.cross(tangents, side)
    locks = lock.max() + 1
    phase = random.uniform(0, 2 * np.pi, locks)[lock]
    phase = phase + random.normal(0, 0.35, len(lock))
    pace = random.uniform(0.75, 1.25, locks)[lock] * turns
    along = np.linspace(0, 1, strands.shape[1])
    angle = phase[:, None] + 2 * np.pi * pace[:, None] * along  # (N, K)
    size = radius * random.uniform(0.6, 1.2, locks)[lock][:, None]
    size = size * np.minimum(1, along * 4)
    wound = np.cos(angle)[..., None] * side + np.sin(angle)[..., None] * other
    return strands + wound * size[..., None]


def stray_strands(strands, count: int, reach: float, steps: int, random):
    """Draws hairs that leave their lock: bent copies of some strands, cut anywhere.

    Args:
        strands: (N, K, 3).
        count: Number of strays, M.
        reach: Typical distance of a stray's tip from where its strand ended.
        steps: Points of a stray.
        random: Generator of the draws.

    Returns:
        (M, steps, 3) strands with the roots of those they are drawn from.
    """
    taken = strands[random.integers(len(strands), size=count)]
    along = np.linspace(0, 1, steps)
    place = along * random.uniform(0.35, 1, (count, 1)) * (strands.shape[1] - 1)
    before = np.minimum(place.astype(int), strands.shape[1] - 2)
    rows, part = np.arange(count)[:, None], (place - before)[..., None]
    path = taken[rows, before] * (1 - part) + taken[rows, before + 1] * part
    outward = normalise(path[:, -1] - strands.mean(axis=(0, 1)))
    far = np.minimum(random.exponential(reach, (count, 1)), 3 * reach)
    drift = far * (outward * 0.6 + random.normal(0, 0.6, (count, 3)))
    path = path + drift[:, None] * along[:, None] ** 1.5
    for cycles, share in ((0.8, 0.5), (2.0, 0.15), (5.0, 0.04)):
        sway = far * share * random.normal(0, 1, (count, 3))
        phase = random.uniform(0, 2 * np.pi, (count, 1))
        pace = cycles * random.uniform(0.6, 1.6, (count, 1))
        wave = np.sin(2 * np.pi * pace * along + phase) - np.sin(phase)
        path = path + sway[:, None] * (wave * along)[..., None]
    return path


def bundle_strands(spine, widths, offsets, starts, ends, count: int):
    """Lays strands along a curve, such as the hair of a ponytail.

    Args:
        spine: (K, 3) curve.
        widths: (K,) radii of the bundle along it.
        offsets: (N, 2) places of the strands in the bundle, in its unit disc.
        starts: (N,) fractions of the curve where the strands begin.
        ends: (N,) fractions where they end.
        count: Points per strand.

    Returns:
        (N, count, 3) strands.
    """
    tangent = normalise(np.gradient(spine, axis=0))
    side = normalise(np.cross(tangent, [0.83, 0.11, 0.54]))
    other = np.cross(tangent, side)
    frame = np.concatenate([spine, side * widths[:, None], other * widths[:, None]], 1)
    place = starts[:, None] + (ends - starts)[:, None] * np.linspace(0, 1, count)
    knots = np.linspace(0, 1, len(spine))
    held = np.stack([np.interp(place, knots, column) for column in frame.T], axis=-1)
    middle, side, other = np.split(held, 3, axis=-1)
    return middle + side * offsets[:, None, :1] + other * offsets[:, None, 1:]


def ply_strands(curve: np.ndarray, plies: int, radius: float, turns: float) -> list:
    """Twists strands around a curve, as yarn is.

    Args:
        curve: (K, 3) points.
        plies: Number of strands.
        radius: Distance of the strands from the curve.
        turns: Turns from end to end.

    Returns:
        `plies` arrays (K, 3).
    """
    tangent = normalise(np.gradient(curve, axis=0))
    side = normalise(np.cross(tangent, [0.31, 0.52, 0.79]))
    axes = np.stack([side, np.cross(tangent, side)], axis=1)  # (K, 2, 3)
    twisted = []
    for start in np.arange(plies) / plies:
        angle = 2 * np.pi * (np.linspace(0, turns, len(curve)) + start)
        wave = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        twisted.append(curve + radius * np.einsum("ka,kaj->kj", wave, axes))
    return twisted
