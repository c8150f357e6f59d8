"""Builds things of wool: yarn, pompoms, knitted and woven cloth, fringes, tassels."""

import numpy as np

from scripts.scenes.materials import draw_colour, hair_material, plain_material
from scripts.scenes.shapes import drape, smooth_curve
from scripts.scenes.stage import Subject, add_ball, add_strands
from scripts.scenes.strands import grow_strands, ply_strands
from scripts.scenes.vectors import noise_field, normalise

KINDS = ["yarn", "pompom", "scarf", "knit", "knit", "tassel"]
FLAT = ["scarf", "knit"]
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


def knit(random) -> list:
    """Knits a hanging piece of stockinette, often with a fringe: (K, 3) yarns."""
    hang = drape(random)
    stitches, wide = int(random.integers(18, 44)), random.uniform(0.6, 1)
    step = 2 * wide / stitches  # width of a stitch
    rise = step * random.uniform(0.7, 0.85)  # from row to row
    turn = np.linspace(0, 2 * np.pi * stitches, stitches * 14 + 1)
    x = turn / (2 * np.pi) * step - wide + 0.26 * step * np.sin(2 * turn)
    yarns = []
    for level in np.arange(-1, 1, rise):
        y = level - 0.95 * rise * np.cos(turn)
        yarn = hang(np.stack([x, y], axis=1))
        yarn[:, 1] += 0.28 * step * np.cos(2 * turn)
        yarns.append(yarn + 0.04 * step * noise_field(random, 3 / step)(yarn))
    if random.uniform() < 0.5:
        length = random.uniform(0.2, 0.6)
        for across in np.arange(-wide, wide, step):
            way = np.linspace(0, 1, 16)
            tail = np.stack([np.full(16, across), -1 - length * way], axis=1)
            stray = noise_field(random, 0.8)(hang(tail))
            yarns.append(hang(tail) + 0.1 * stray * way[:, None])
    return yarns


def tie_tassel(random) -> list:
    """Ties threads to a tassel that hangs on a cord: a list of (K, 3) threads."""
    count, length = int(random.integers(90, 220)), random.uniform(1, 1.8)
    turn, radius = random.uniform(0, 2 * np.pi, count), random.uniform(0, 1, count)
    out = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    out = out * radius[:, None] ** 0.5
    t, flare = np.linspace(0, 1, 20)[:, None, None], random.uniform(0.1, 0.4)
    neck = (
        0.13
        + 0.1 * np.exp(-(((t - 0.07) / 0.06) ** 2))
        + flare * np.maximum(t - 0.2, 0)
    )
    rough = random.uniform(0.85, 1.05, (1, count, 1))
    threads = out * neck + [0, 0, 1] * (0.8 - t * length * rough)
    loose = noise_field(random, 0.8)(threads.reshape(-1, 3)).reshape(threads.shape)
    threads = threads + 0.1 * loose * t**1.5
    angle = np.linspace(0, 14 * np.pi, 200)
    ring = [0.16 * np.cos(angle), 0.16 * np.sin(angle)]
    wrap = np.stack([*ring, 0.58 - 0.1 * length * angle / angle[-1]], axis=1)
    cord = smooth_curve(np.array([[0, 0, 0.75], [0.05, 0, 1.2], [-0.05, 0, 1.7]]), 60)
    return [*threads.transpose(1, 0, 2), wrap, cord]


def grow_pompom(random) -> list:
    """Grows a pompom of radius 1 about: a list of (8, 3) threads."""
    outward = normalise(random.normal(size=(4500, 3)))
    field = noise_field(random, 2)
    lengths = random.uniform(0.5, 0.65, 4500)
    threads = grow_strands(
        outward * 0.4,
        outward,
        lengths,
        8,
        lambda position, _: field(position) * 1.2,
    )
    # Each thread is of fibres that part at its end.
    part = np.linspace(0, 1, 8)[:, None] ** 3
    spread = random.normal(0, 0.035, (4, len(threads), 1, 3))
    return list((threads + 0.012 * np.sign(spread) + spread * part).reshape(-1, 8, 3))


def add_fuzz(points, outward, longest: float, material, random) -> None:
    """Adds loose fibres that start at some of (N, 3) points."""
    chosen = random.choice(len(points), 14000)
    roots, outward = points[chosen], outward[chosen]
    field = noise_field(random, 4)
    direction = normalise(outward + random.normal(0, 0.7, roots.shape))
    lengths = random.exponential(longest / 5, len(roots)) + 0.015
    lengths = np.minimum(lengths, longest)
    fibres = grow_strands(
        roots, direction, lengths, 7, lambda position, done: field(position) * 12
    )
    add_strands("fuzz", fibres, 0.0014, material, 0.2)


def add_wool(kind: str, thick: float, colour: np.ndarray, random) -> list:
    """Adds the threads and what is under them; returns a list of (K, 3) curves."""
    wool = plain_material("wool", colour, 0.95, Sheen_Weight=0.8)
    if kind in ("yarn", "pompom"):
        radius = 0.9 if kind == "yarn" else 0.5
        add_ball((0, 0, 0), [radius] * 3, plain_material("core", colour * 0.35, 1))
    if kind == "pompom":
        curves = grow_pompom(random)
        add_strands("yarn", curves, thick, wool, 0.35)
        return curves
    makers = {"yarn": wind_yarn, "scarf": weave, "knit": knit, "tassel": tie_tassel}
    curves = makers[kind](random)
    plies = [
        strand
        for curve in curves
        for strand in ply_strands(curve, 3, thick * 0.5, len(curve) / 5)
    ]
    add_strands("yarn", plies, thick * 0.55, wool, 0.9)
    return curves


def build_cloth(random) -> Subject:
    """Adds something of wool."""
    kind = str(random.choice(KINDS))
    colour = np.array(draw_colour(random))
    thick = random.uniform(0.025, 0.045)
    thick = {"yarn": thick, "pompom": 0.006, "scarf": 0.014, "tassel": 0.016,
             "knit": thick * 0.55}[kind]  # fmt: skip
    curves = add_wool(kind, thick, colour, random)
    points = np.concatenate(curves)
    anyhow = random.normal(size=points.shape)
    outward = normalise(points if kind in ("yarn", "pompom") else anyhow)
    longest = float(random.uniform(0.12, 0.4))
    add_fuzz(points, outward, longest, hair_material("fuzz", colour), random)
    parameters = {"kind": kind, "colour": colour.round(3).tolist(), "thick": thick}
    parameters["fuzz"] = longest
    return Subject(parameters, points, points, np.pi * (0.3 if kind in FLAT else 1))
