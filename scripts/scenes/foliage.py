"""Builds leafy branches, bare twigs, conifers, ferns and tufts of grass."""

import numpy as np

from scripts.scenes import leaf as leaves
from scripts.scenes.materials import LEAVES, leaf_material, plain_material
from scripts.scenes.shapes import leaf_mesh, place_copies, smooth_curve
from scripts.scenes.stage import Subject, add_mesh, add_strands
from scripts.scenes.strands import grow_strands
from scripts.scenes.vectors import UP, noise_field, normalise

KINDS = ["twig", "branch", "branch", "drooping", "fern", "grass", "pine", "bare"]
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


def fork(parents, per: int, length: float, drop: float, random) -> np.ndarray:
    """Grows twigs out of (B, K, 3) branches: (B * per, 12, 3).

    Args:
        parents: What they grow out of.
        per: Twigs per branch.
        length: Of a twig, about.
        drop: How strongly they hang down; below 0, stand up.
        random: Generator of the draws.
    """
    steps = parents.shape[1]
    at = np.linspace(0.25, 0.97, per)
    rows = np.round(at * (steps - 1) + random.uniform(-0.4, 0.4, per)).astype(int)
    ahead = normalise(np.gradient(parents, axis=1))[:, rows]  # (B, per, 3)
    aside = normalise(np.cross(ahead, random.normal(size=ahead.shape)))
    spread = random.uniform(0.6, 1.3, (*aside.shape[:2], 1))
    ways = normalise(ahead + aside * spread).reshape(-1, 3)
    sizes = np.tile(length * (1.25 - 0.75 * at), len(parents))
    field = noise_field(random, 1.0)
    return grow_strands(
        parents[:, rows].reshape(-1, 3),
        ways,
        sizes * random.uniform(0.6, 1.2, len(ways)),
        12,
        lambda position, done: field(position) * 1.1 - UP * drop,
    )


def grow_needles(twigs, random) -> np.ndarray:
    """Grows the needles of a conifer on (B, K, 3) twigs: (N, 3, 3)."""
    per = int(random.integers(60, 150))
    along = smooth_curve(twigs.transpose(1, 0, 2).reshape(twigs.shape[1], -1), per)
    roots = along.reshape(per, -1, 3)
    ahead = normalise(np.gradient(roots, axis=0)).reshape(-1, 3)
    roots = roots.reshape(-1, 3)
    aside = normalise(np.cross(ahead, random.normal(size=ahead.shape)))
    ways = normalise(aside + ahead * random.uniform(0.2, 1.2))
    lengths = random.uniform(0.06, 0.3) * random.uniform(0.7, 1.1, len(roots))
    return grow_strands(roots, ways, lengths, 3, lambda position, _: -UP * 0.3)


def build_wood(kind: str, random):
    """Grows the wood of a branch.

    Returns:
        List of (B, K, 3) branches, thick ones first.
    """
    drop = {"drooping": 1.2, "pine": 0.2}.get(kind, random.uniform(-0.5, 0.4))
    trunks = grow_branches(random, int(random.integers(1, 4)), 0.9)
    wood = [trunks, fork(trunks, int(random.integers(5, 11)), 1.1, drop, random)]
    if kind == "bare" or kind != "pine" and random.uniform() < 0.5:
        wood.append(fork(wood[-1], int(random.integers(4, 9)), 0.5, drop, random))
    if kind == "bare":
        wood.append(fork(wood[-1], int(random.integers(3, 7)), 0.22, drop, random))
    return wood


def add_branch(kind: str, shades, random) -> tuple:
    """Adds a branch with its wood, leaves or needles.

    Args:
        kind: One of "branch", "drooping", "pine", "bare".
        shades: List of materials of the leaves.
        random: Generator of the draws.

    Returns:
        Its points, the name of its leaves and their number.
    """
    wood = build_wood(kind, random)
    tone = np.array(BARK) * random.uniform(0.5, 2.5)
    bark = plain_material("bark", tone, 0.9)
    for order, twigs in enumerate(wood):
        thick = random.uniform(0.03, 0.05) * 0.45**order
        add_strands("wood", twigs, thick, bark, 0.4)
    points = np.concatenate([twigs.reshape(-1, 3) for twigs in wood])
    if kind == "bare":
        return points, "", 0
    if kind == "pine":
        needles = grow_needles(np.concatenate([wood[1]]), random)
        add_strands("needles", needles, random.uniform(0.004, 0.008), shades[0], 0.4)
        return np.concatenate([points, needles[::5, -1]]), "needle", len(needles)
    name = "willow" if kind == "drooping" else str(random.choice(leaves.KINDS))
    bends = random.uniform(0.05, 0.5), random.uniform(0, 0.5), random.uniform(0, 0.04)
    mesh = leaves.outlined_leaf(name, *bends)
    origins, ways, sizes = leaves_on_branches(wood[-1], False, random)
    many = random.choice([1.0, 1.0, 0.5, 0.25])  # some have few leaves left
    kept = random.uniform(size=len(origins)) < many * min(1, 1500 / len(origins))
    sizes = sizes[kept] * random.uniform(0.25, 0.9)
    vertices, quads = place_copies(*mesh, origins[kept], ways[kept], sizes, random)
    shade = np.repeat(random.integers(len(shades), size=kept.sum()), len(mesh[1]))
    add_mesh("leaves", vertices, quads, shades, shade)
    return np.concatenate([points, vertices[::9]]), name, int(kept.sum())


def add_plant(kind: str, base, shades, random) -> tuple:
    """Adds a simple twig, a fern or a tuft of grass; returns what `add_branch` does."""
    fern = kind == "fern"
    if kind == "grass":
        leaf, origins, directions, sizes = draw_grass(random)
    else:
        count = random.integers(4, 9) if fern else random.integers(5, 13)
        branches = grow_branches(random, count, random.uniform(0.5, 1.1))
        leaf, origins, directions, sizes = draw_leaves(branches, fern, random)
        bark = plain_material("bark", base * 0.6 if fern else BARK, 0.9)
        add_strands("twigs", branches, 0.012 if fern else 0.02, bark, 0.2)
    vertices, quads = place_copies(*leaf, origins, directions, sizes, random)
    shade = np.repeat(random.integers(SHADES, size=len(origins)), len(leaf[1]))
    made = add_mesh("leaves", vertices, quads, shades, shade)
    made.modifiers.new("smooth", "SUBSURF").render_levels = 1
    return vertices, "blade" if kind == "grass" else "simple", len(origins)


def build_foliage(random) -> Subject:
    """Adds a branch, a twig, a fern or a tuft of grass."""
    kind = str(random.choice(KINDS))
    tones = {"fern": 3, "pine": 3, "grass": 4}.get(kind, 5)  # no red grass
    base = np.array(LEAVES[random.integers(tones)])
    tones = [np.clip(base * random.uniform(0.7, 1.4, 3), 0, 1) for _ in range(SHADES)]
    shades = [leaf_material(colour) for colour in tones]
    if kind in ("twig", "fern", "grass"):
        points, leaf, count = add_plant(kind, base, shades, random)
    else:
        points, leaf, count = add_branch(kind, shades, random)
    parameters = {"kind": kind, "colour": base.tolist(), "leaf": leaf, "leaves": count}
    return Subject(parameters, points, points, np.pi)
