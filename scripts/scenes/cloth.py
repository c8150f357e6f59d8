"""Builds things of wool: balls of yarn, pompoms, loosely woven scarfs with a fringe."""

import numpy as np

from scripts.scenes.materials import draw_colour, hair_material, plain_material
from scripts.scenes.shapes import drape, smooth_curve
from scripts.scenes.stage import Subject, add_ball, add_strands
from scripts.scenes.strands import grow_strands, ply_strands
from scripts.scenes.vectors import noise_field, normalise

KINDS = ["yarn", "pompom", "scarf"]
WARP, WEFT = 46, 60  # threads up and across a scarf
WAVE = 0.016  # how far a thread goes to the front and back of those it crosses
TAIL = [
    [0.9, -0.3, -0.3],
    [1.0, -0.4, -0.9],
    [1.3, -0.6, -1.1],
    [1.8, -0.3, -1.1],
    [2.1, -0.8, -1.1],
]


def wind_yarn(random) -> list:
    """Winds a ball of radius 1 and its loose end: a list of (128, 3) curves."""
    turn = np.linspace(0, 2 * np.pi, 128)
    axes = np.linalg.qr(random.normal(size=(170, 3, 3)))[0]
    radii = random.uniform(0.9, 1.0, 170)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    curves = [
        radius * circle @ axis[:2] for radius, axis in zip(radii, axes, strict=True)
    ]
    tail = np.array(TAIL)
    return [*curves, smooth_curve(tail + random.normal(0, 0.08, tail.shape), 128)]


def weave(random) -> list:
    """Weaves a hanging scarf with a fringe: a list of (K, 3) threads."""
    hang = drape(random)
    height = -np.r_[np.linspace(-1.1, 1.1, WEFT * 4), np.linspace(1.11, 1.45, 20)]
    loose = height < -1.1
    threads = []
    for number, across in enumerate(np.linspace(-0.8, 0.8, WARP)):
        swing = 0.012 * np.sin(height * 9 + number) * loose
        thread = hang(np.stack([across + swing, height], axis=1))
        thread[:, 1] += WAVE * np.cos(height * np.pi * WEFT / 2.2 + np.pi * number)
        stray = noise_field(random, 0.8)(thread[loose])
        thread[loose] += 0.12 * stray * np.linspace(0, 1, loose.sum())[:, None]
        threads.append(thread)
    across = np.linspace(-0.82, 0.82, WARP * 4)
    for number, level in enumerate(np.linspace(-1.08, 1.1, WEFT)):
        thread = hang(np.stack([across, np.full(len(across), level)], axis=1))
        thread[:, 1] -= WAVE * np.cos(across * np.pi * WARP / 1.6 + np.pi * number)
        threads.append(thread)
    return threads


def grow_pompom(random) -> list:
    """Grows a pompom of radius 1 about: a list of (8, 3) threads."""
    outward = normalise(random.normal(size=(9000, 3)))
    field = noise_field(random, 2)
    lengths = random.uniform(0.5, 0.65, 9000)
    return list(
        grow_strands(
            outward * 0.4,
            outward,
            lengths,
            8,
            lambda position, _: field(position) * 1.2,
        )
    )


def add_fuzz(points, outward, material, random) -> None:
    """Adds loose fibres that start at some of (N, 3) points."""
    chosen = random.choice(len(points), 22000)
    roots, outward = points[chosen], outward[chosen]
    field = noise_field(random, 4)
    direction = normalise(outward + random.normal(0, 0.7, roots.shape))
    lengths = random.exponential(random.uniform(0.03, 0.08), len(roots)) + 0.02
    lengths = np.minimum(lengths, 0.4)
    fibres = grow_strands(
        roots, direction, lengths, 7, lambda position, done: field(position) * 12
    )
    add_strands("fuzz", fibres, 0.0018, material, 0.6)


def add_wool(kind: str, thick: float, colour: np.ndarray, random) -> list:
    """Adds the threads and what is under them; returns a list of (K, 3) curves."""
    wool = plain_material("wool", colour, 0.95, Sheen_Weight=0.8)
    if kind != "scarf":
        radius = 0.9 if kind == "yarn" else 0.5
        add_ball((0, 0, 0), [radius] * 3, plain_material("core", colour * 0.35, 1))
    if kind == "pompom":
        curves = grow_pompom(random)
        add_strands("yarn", curves, thick, wool, 0.9)
        return curves
    curves = wind_yarn(random) if kind == "yarn" else weave(random)
    plies = [
        strand
        for curve in curves
        for strand in ply_strands(curve, 3, thick * 0.5, len(curve) / 5)
    ]
    add_strands("yarn", plies, thick * 0.55, wool, 0.9)
    return curves


def build_cloth(random) -> Subject:
    """Adds a ball of yarn, a pompom or a scarf."""
    kind = str(random.choice(KINDS))
    colour = np.array(draw_colour(random))
    thick = random.uniform(0.025, 0.045)
    thick = {"yarn": thick, "pompom": 0.011, "scarf": 0.014}[kind]
    curves = add_wool(kind, thick, colour, random)
    points = np.concatenate(curves)
    anyhow = random.normal(size=points.shape)
    outward = normalise(anyhow if kind == "scarf" else points)
    add_fuzz(points, outward, hair_material("fuzz", colour), random)
    parameters = {"kind": kind, "colour": colour.round(3).tolist(), "thick": thick}
    return Subject(parameters, points, points, np.pi * (0.3 if kind == "scarf" else 1))
