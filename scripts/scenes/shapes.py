"""Meshes, sheets and nets without Blender; arrays in, arrays out.

A mesh is (V, 3) float64 vertices, lengths in head units of 10 cm, and integer faces
that number the vertices: (T, 3) triangles or (Q, 4) quads.
"""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator

from scripts.scenes.vectors import UP, noise_field, normalise


def sample_surface(vertices, triangles, count: int, random):
    """Draws points evenly on a mesh.

    Args:
        vertices: (V, 3) positions.
        triangles: (T, 3) vertex numbers.
        count: Number of points.
        random: Generator of the draws.

    Returns:
        (count, 3) points and (count, 3) unit normals, smooth over the mesh.
    """
    corners = vertices[triangles]  # (T, 3 corners, 3)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], cross)
    area = np.linalg.norm(cross, axis=1)
    chosen = random.choice(len(triangles), size=count, p=area / area.sum())
    weights = random.dirichlet((1, 1, 1), size=count)[..., None]  # (count, 3, 1)
    points = (corners[chosen] * weights).sum(axis=1)
    return points, normalise((normals[triangles[chosen]] * weights).sum(axis=1))


def smooth_curve(points: np.ndarray, count: int) -> np.ndarray:
    """Runs a smooth curve of `count` points through (P, D) points, evenly in P."""
    place = np.arange(len(points))
    return PchipInterpolator(place, points)(np.linspace(0, len(points) - 1, count))


def superellipse(turn: np.ndarray, power: float) -> np.ndarray:
    """Gives points of a closed outline between a circle and a square.

    Args:
        turn: (N,) angles, radians.
        power: 2 is a circle, more is squarer.

    Returns:
        (N, 2) with |x|^power + |y|^power = 1.

    >>> superellipse(np.array([0.0, np.pi / 4]), 2).round(4)
    array([[1.    , 0.    ],
           [0.7071, 0.7071]])
    """
    both = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.sign(both) * np.abs(both) ** (2 / power)


def lathe(profile: np.ndarray, steps: int):
    """Turns a profile about the z axis.

    Args:
        profile: (P, 2) radius and height, from the axis outside up, inside down.
        steps: Corners of a ring.

    Returns:
        (P * steps, 3) vertices and ((P - 1) * steps, 4) quads.
    """
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (steps, 2)
    flat = profile[:, None, :1] * ring[None]  # (P, steps, 2)
    height = np.broadcast_to(profile[:, None, 1:], (len(profile), steps, 1))
    vertices = np.concatenate([flat, height], axis=2).reshape(-1, 3)
    row, column = np.mgrid[: len(profile) - 1, :steps].reshape(2, -1)
    after = (column + 1) % steps
    quads = [row * steps + column, row * steps + after]
    quads += [(row + 1) * steps + after, (row + 1) * steps + column]
    return vertices, np.stack(quads, axis=1)


def grid_quads(rows: int, columns: int) -> np.ndarray:
    """Numbers the quads of a sheet of (rows, columns) vertices: (Q, 4).

    >>> grid_quads(2, 2)
    array([[0, 1, 3, 2]])
    """
    row, column = np.mgrid[: rows - 1, : columns - 1].reshape(2, -1)
    first = row * columns + column
    return np.stack([first, first + 1, first + columns + 1, first + columns], axis=1)


def leaf_mesh(width: float, bend: float, waves: int, rows: int = 14):
    """Makes a curved leaf from (0, 0, 0) along +y with length 1.

    Args:
        width: Half-width over length.
        bend: How far the tip hangs down.
        waves: Lobes along the rim; 0 for a smooth rim.
        rows: Rows of vertices.

    Returns:
        (rows * 3, 3) vertices and ((rows - 1) * 2, 4) quads.
    """
    along = np.linspace(0, 1, rows)
    half = width * np.sin(np.pi * along**0.8) ** 1.1 + 0.004
    if waves:
        half = half * (1 + 0.25 * np.sin(along * 2 * np.pi * waves))
    drop = -bend * along**2
    rims = [
        np.stack([sign * half, along, drop + 0.3 * half * abs(sign)], axis=1)
        for sign in (-1, 0, 1)
    ]
    vertices = np.stack(rims, axis=1).reshape(-1, 3)
    row, side = np.mgrid[: rows - 1, :2].reshape(2, -1)
    first = row * 3 + side
    return vertices, np.stack([first, first + 1, first + 4, first + 3], axis=1)


def place_copies(vertices, quads, origins, directions, sizes, random):
    """Places copies of a mesh that points along +y.

    Args:
        vertices: (V, 3) of the mesh.
        quads: (Q, 4) of the mesh.
        origins: (N, 3) where each copy starts.
        directions: (N, 3) where each copy's +y goes.
        sizes: (N,) scales.
        random: Generator of the roll about the direction.

    Returns:
        (N * V, 3) vertices and (N * Q, 4) quads.
    """
    forward = normalise(directions)
    tilted = UP + random.normal(0, 0.35, size=forward.shape)
    right = normalise(np.cross(forward, tilted))
    top = np.cross(right, forward)
    axes = np.stack([right, forward, top], axis=1)  # (N, 3 axes, 3)
    placed = np.einsum("vk,nkj->nvj", vertices, axes) * sizes[:, None, None]
    placed = placed + origins[:, None]
    offset = np.arange(len(origins))[:, None, None] * len(vertices)
    return placed.reshape(-1, 3), (quads[None] + offset).reshape(-1, 4)


def drape(random) -> Callable:
    """Hangs a sheet in random folds.

    Returns:
        Function from (K, 2) coordinates on the sheet, in [-1, 1] across and up, to
        (K, 3) points.
    """
    folds, depth = random.uniform(0.5, 1.6), random.uniform(0.05, 0.3)
    sag, turn = random.uniform(0, 0.35), random.uniform(0, 6.3)
    field = noise_field(random, 0.5)

    def hang(plane: np.ndarray) -> np.ndarray:
        across, height = plane[:, 0], plane[:, 1]
        fold = depth * np.sin(across * 2 * np.pi * folds + turn + height * 0.7)
        drop = -sag * (1 - across**2) * (1 + height) / 2
        points = np.stack([across, fold, height + drop], axis=1)
        return points + 0.06 * field(points)

    return hang


def net_threads(kind: str, cells: int, random) -> list:
    """Draws the threads of a net in the square [-1, 1]^2.

    Args:
        kind: "square", "diamond" or "lace".
        cells: Meshes of the net across its width.
        random: Generator of the number of petals of lace.

    Returns:
        Threads, each (K, 2): across, up.
    """
    along = np.linspace(-1, 1, 161)
    rows, step = np.linspace(-1, 1, cells + 1), 2 / cells
    if kind == "square":
        straight = [np.stack([along, np.full(161, row)], axis=1) for row in rows]
        return straight + [thread[:, ::-1] for thread in straight]
    if kind == "diamond":
        zigzag = (np.abs((along * cells / 2 + 0.5) % 2 - 1) * 2 - 1) * step / 2
        signs = np.where(np.arange(cells + 1) % 2, 1, -1)
        return [
            np.stack([np.clip(row + sign * zigzag, -1, 1), along], axis=1)
            for row, sign in zip(rows, signs, strict=True)
        ]
    turn = np.linspace(0, 2 * np.pi, 65)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    petal = np.cos(int(random.integers(4, 8)) * turn)[:, None]
    flower = [circle * (0.52 + 0.06 * petal), circle * (0.3 + 0.12 * petal)]
    centres = rows[:-1] + step / 2
    return [
        ring * step + [across, height]
        for across in centres
        for height in centres
        for ring in flower
    ]


def clip_to_disc(threads: list) -> list:
    """Cuts (K, 2) threads at the unit circle and drops the pieces outside.

    Pieces of less than three points are dropped too.
    """
    kept = []
    for thread in threads:
        inside = np.linalg.norm(thread, axis=1) <= 1
        edges = np.flatnonzero(np.diff(np.r_[False, inside, False].astype(int)))
        kept += [thread[a:b] for a, b in edges.reshape(-1, 2) if b - a > 2]
    return kept
