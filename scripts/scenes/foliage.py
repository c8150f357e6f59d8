"""Builds leafy twigs, ferns and tufts of grass."""

import numpy as np

from scripts.scenes.materials import LEAVES, leaf_material, plain_material
from scripts.scenes.shapes import leaf_mesh, place_copies, smooth_curve
from scripts.scenes.stage import Subject, add_mesh, add_strands
from scripts.scenes.strands import grow_strands
from scripts.scenes.vectors import UP, noise_field, normalise

KINDS = ["twig", "twig", "fern", "grass"]
SHADES = 5  # materials of one plant
BARK = (0.12, 0.07, 0.04)  # linear RGB


def grow_branches(random, count: int, spread: float) -> np.ndarray:
    """Grows (count, 14, 3) bent branches from one stem."""
    direction = random.normal(size=(count, 3)) * [1, 0.7, 0.5] * spread + [0, 0, 1]
    field = noise_field(random, 0.6)
    return grow_strands(
        np.tile([0.0, 0.0, -1.2], (count, 1)) + random.normal(0, 0.03, (count, 3)),
        normalise(direction),
        random.uniform(1.4, 2.8, count),
        14,
        lambda position, done: field(position) * 0.8 - UP * 0.25 * done,
    )


def leaves_on_branches(branches, fern: bool, random):
    """Puts leaves to the left and right along branches.

    Args:
        branches: (B, K, 3) from `grow_branches`.
        fern: Many leaflets that get smaller to both ends, else few loose leaves.
        random: Generator of the draws.

    Returns:
        (N, 3) origins, (N, 3) directions and (N,) sizes of the leaves.
    """
    count, steps = branches.shape[:2]
    per = 40 if fern else 16  # leaves per branch
    place = np.linspace(0.2, 1, per)
    flat = branches.transpose(1, 0, 2).reshape(steps, -1)  # (K, B * 3)
    dense = smooth_curve(flat, 200).reshape(200, count, 3)
    rows = (place * 199).astype(int)
    ahead = normalise(np.gradient(dense, axis=0))[rows]  # (per, B, 3)
    sign = np.where(np.arange(per) % 2, 1, -1)[:, None, None]
    side = normalise(np.cross(ahead, UP + 1e-3)) * sign
    loose = random.normal(0, 0.12 if fern else 0.55, side.shape)
    directions = (side + ahead * 0.6 + loose).reshape(-1, 3)
    sizes = random.uniform(0.8, 1.2, (per, count))
    if fern:
        sizes = np.sin(np.pi * np.clip(place, 0.05, 0.97) ** 1.2)[:, None] * sizes
    sizes = (sizes * random.uniform(0.3, 0.5)).ravel()
    return dense[rows].reshape(-1, 3), directions, sizes


def draw_grass(random):
    """Draws a tuft of grass.

    Returns:
        The mesh of a blade, and (N, 3) origins, (N, 3) directions, (N,) sizes.
    """
    count = int(random.integers(90, 260))
    origins = random.normal(0, 0.13, (count, 3)) * [1, 1, 0.1] - UP
    directions = normalise(random.normal(0, 0.35, (count, 3)) + UP)
    sizes = random.uniform(1.0, 2.4, count)
    blade = leaf_mesh(random.uniform(0.008, 0.02), random.uniform(0.1, 0.5), 0)
    return blade, origins, directions, sizes


def draw_leaves(branches, fern: bool, random):
    """Draws the leaves of branches; returns what `draw_grass` returns."""
    placed = leaves_on_branches(branches, fern, random)
    width = random.uniform(*((0.08, 0.14) if fern else (0.14, 0.42)))
    bend = random.uniform(0.05, 0.4)
    leaf = leaf_mesh(width, bend, int(random.choice([0, 0, 4, 7])))
    return leaf, *placed


def build_foliage(random) -> Subject:
    """Adds a leafy twig, a fern or a tuft of grass."""
    kind = str(random.choice(KINDS))
    fern = kind == "fern"
    base = np.array(LEAVES[random.integers(3 if fern else 5)])  # ferns are green
    shades = [np.clip(base * random.uniform(0.7, 1.4, 3), 0, 1) for _ in range(SHADES)]
    twigs, fronds = random.integers(5, 13), random.integers(4, 9)
    if kind == "grass":
        leaf, origins, directions, sizes = draw_grass(random)
    else:
        spread = random.uniform(0.5, 1.1)
        branches = grow_branches(random, fronds if fern else twigs, spread)
        leaf, origins, directions, sizes = draw_leaves(branches, fern, random)
        bark = plain_material("bark", base * 0.6 if fern else BARK, 0.9)
        add_strands("twigs", branches, 0.012 if fern else 0.02, bark, 0.2)
    vertices, quads = place_copies(*leaf, origins, directions, sizes, random)
    shade = np.repeat(random.integers(SHADES, size=len(origins)), len(leaf[1]))
    materials = [leaf_material(colour) for colour in shades]
    made = add_mesh("leaves", vertices, quads, materials, shade)
    made.modifiers.new("smooth", "SUBSURF").render_levels = 1
    parameters = {"kind": kind, "colour": base.tolist(), "leaves": len(origins)}
    return Subject(parameters, vertices, vertices, np.pi)
