"""Outlines and meshes of leaves and petals; arrays in, arrays out.

A leaf lies in the x-y plane, from its stalk at (0, 0) along +y, about 1 long.
"""

import numpy as np

from scripts.scenes.shapes import grid_quads
from scripts.scenes.vectors import normalise

SHARES = (0.02, 0.4, 0.75, 1.0)  # rings of a leaf, from its midrib to its rim
STEPS = 41  # points up one side
# Angle from the tip (degrees) and length of the lobes of a maple and an ivy leaf.
LOBES = {
    "maple": [(0, 1.0), (22, 0.42), (52, 0.92), (80, 0.38), (112, 0.6), (150, 0.3)],
    "ivy": [(0, 1.0), (35, 0.55), (62, 0.75), (90, 0.5), (125, 0.55), (165, 0.35)],
    "ginkgo": [(0, 0.72), (3, 0.9), (30, 0.98), (60, 0.9), (75, 0.45), (120, 0.12)],
}
KINDS = ["willow", "birch", "oak", "beech", "holly", "locust", *LOBES]


def half_width(kind: str, t: np.ndarray) -> np.ndarray:
    """Gives the half-width of a leaf at the shares `t` in [0, 1] of its length."""
    saw = 1 - (t * 14) % 1
    swell = np.sin(np.pi * t)
    widths = {
        "willow": 0.09 * np.sin(np.pi * t**0.8) ** 0.9,
        "birch": 0.36 * np.sin(np.pi * t**0.55) ** 0.9 * (0.9 + 0.13 * saw),
        "oak": 0.34 * np.sin(np.pi * t**1.3) ** 0.7
        * (0.5 + 0.5 * np.abs(np.sin(4.2 * np.pi * t**0.9)) ** 0.8),
        "beech": 0.29 * np.sin(np.pi * t**0.85) ** 0.85,
        "holly": 0.24 * swell**0.6 * (0.7 + 0.5 * np.abs(((t * 5) % 1) - 0.5) * 2),
        "locust": 0.22 * swell**0.5,
    }  # fmt: skip
    return widths[kind] + 0.004


def leaf_outline(kind: str):
    """Makes the outline of a leaf.

    Args:
        kind: One of `KINDS`.

    Returns:
        (K, 2) rim, and (K, 2) points inside to which the rim's rings shrink.
    """
    t = np.linspace(0, 1, STEPS)
    if kind not in LOBES:
        right = np.stack([half_width(kind, t), t], axis=1)
        rim = np.concatenate([right, right[-2:0:-1] * [-1, 1]])
        return rim, rim * [0, 1]
    angles, lengths = np.array(LOBES[kind]).T
    angle = np.linspace(0, 165, 2 * STEPS)
    length = np.interp(angle, angles, lengths) ** 1.15
    length = length * (1 + 0.05 * np.abs(np.sin(np.radians(angle) * 14)))
    turn = np.radians(angle)
    right = np.stack([np.sin(turn), np.cos(turn)], axis=1) * length[:, None]
    right = np.concatenate([right, [[0, -0.3]]])
    rim = np.concatenate([right, right[-2:0:-1] * [-1, 1]])
    rim = (rim + [0, 0.3]) / 1.3
    return rim, np.tile([0.0, 0.3 / 1.3], (len(rim), 1))


def outlined_leaf(kind: str, bend: float, fold: float, wave: float):
    """Makes a bent leaf of a real outline.

    Args:
        kind: One of `KINDS`.
        bend: How far the tip hangs down.
        fold: How far its halves are folded up.
        wave: Height of the waves of its rim.

    Returns:
        (V, 3) vertices and (Q, 4) quads.
    """
    rim, inner = leaf_outline(kind)
    shares = np.array(SHARES)[:, None, None]
    flat = inner + (rim - inner) * shares  # (4, K, 2)
    x, y = flat[..., 0], flat[..., 1]
    lift = fold * np.abs(x) - bend * y**2
    lift = lift + wave * shares[..., 0] * np.sin(y * 17 + np.sign(x)) * np.abs(x) ** 0.5
    vertices = np.dstack([x, y, lift]).reshape(-1, 3)
    quads = grid_quads(len(SHARES), len(rim) + 1)
    row, column = np.divmod(quads, len(rim) + 1)
    return vertices, row * len(rim) + column % len(rim)


def petal_mesh(width: float, cup: float, curl: float, blunt=0.6, notch=0.0):
    """Makes a petal.

    Args:
        width: Half-width over length.
        cup: How far its sides rise.
        curl: How far its tip bends back; below 0, forth.
        blunt: From 0.3 (a square tip) to 1 (a pointed one).
        notch: Depth of a cut in the middle of the tip.

    Returns:
        (V, 3) vertices and (Q, 4) quads.
    """
    t, side = np.meshgrid(np.linspace(0, 1, 13), np.linspace(-1, 1, 9), indexing="ij")
    half = width * np.sin(np.pi * (0.04 + 0.93 * t**1.3)) ** blunt
    y = t * (1 - notch * np.exp(-((side / 0.3) ** 2)) * t**4)
    lift = cup * side**2 * half + 0.35 * cup * np.sin(np.pi * t) - curl * t**3
    vertices = np.dstack([side * half, y, lift]).reshape(-1, 3)
    return vertices, grid_quads(13, 9)


def ring_of_petals(vertices, quads, angles, rise, sizes, start: float):
    """Places copies of a petal around the z axis.

    Args:
        vertices: (V, 3) of the petal.
        quads: (Q, 4) of the petal.
        angles: (N,) angles about the axis.
        rise: (N,) angles above the x-y plane.
        sizes: (N,) lengths.
        start: Distance of the petals' feet from the axis.

    Returns:
        (N * V, 3) vertices and (N * Q, 4) quads.
    """
    out = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    up = np.array([0, 0, 1.0])
    ahead = np.cos(rise)[:, None] * out + np.sin(rise)[:, None] * up
    right = normalise(np.cross(out, up))
    axes = np.stack([right, ahead, np.cross(right, ahead)], axis=1)
    placed = np.einsum("vk,nkj->nvj", vertices, axes) * sizes[:, None, None]
    placed = placed + (out * start)[:, None]
    offset = np.arange(len(angles))[:, None, None] * len(vertices)
    return placed.reshape(-1, 3), (quads[None] + offset).reshape(-1, 4)
