"""Builds flowers on their stems: daisies, poppies, roses, tulips, dandelion clocks."""

import numpy as np

from scripts.scenes.leaf import outlined_leaf, petal_mesh, ring_of_petals
from scripts.scenes.materials import LEAVES, draw_colour, leaf_material, plain_material
from scripts.scenes.shapes import place_copies, smooth_curve
from scripts.scenes.solids import add_turned, frame, move
from scripts.scenes.stage import Subject, add_mesh, add_strands
from scripts.scenes.vectors import UP, noise_field, normalise

KINDS = ["daisy", "cosmos", "poppy", "rose", "tulip", "dandelion", "dandelion",
         "lavender", "wheat"]  # fmt: skip
GOLDEN = np.pi * (3 - 5**0.5)  # angle from petal to petal of a rose


def add_head(kind: str, petals, hearts, place, random) -> np.ndarray:
    """Adds the petals and the heart of one flower; returns its points."""
    count = {"daisy": (15, 34), "cosmos": (7, 10), "poppy": (4, 7), "rose": (18, 34),
             "tulip": (6, 7)}[kind]  # fmt: skip
    number = np.arange(int(random.integers(*count)))
    share = number / len(number)
    angles, start = share * 2 * np.pi, 0.12
    opening = random.uniform(0, 0.6)
    rise, sizes = np.full(len(number), opening), np.full(len(number), 0.75)
    shape = {
        "daisy": (random.uniform(0.07, 0.13), 0.1, random.uniform(-0.1, 0.3), 0.5),
        "cosmos": (random.uniform(0.25, 0.4), 0.15, random.uniform(-0.1, 0.2), 0.4),
        "poppy": (random.uniform(0.5, 0.75), 0.5, random.uniform(-0.3, 0.2), 0.35),
        "rose": (0.55, 0.55, random.uniform(0.05, 0.3), 0.4),
        "tulip": (0.34, 0.7, random.uniform(-0.35, 0.1), 0.6),
    }[kind]
    if kind in ("rose", "tulip"):
        angles, start = number * GOLDEN, 0.03
        rise = 1.35 - share * (1.1 if kind == "rose" else 0.25) - opening * 0.3
        sizes = 0.45 + 0.4 * share if kind == "rose" else sizes * 1.2
    rise = rise + random.normal(0, 0.09, len(number))
    angles = angles + random.normal(0, 0.06, len(number))
    sizes = sizes * random.uniform(0.88, 1.08, len(number))
    notch = 0.12 if kind == "cosmos" else 0.0
    mesh = petal_mesh(*shape, notch)
    vertices, quads = ring_of_petals(*mesh, angles, rise, sizes, start)
    crumple = 0.035 if kind in ("poppy", "rose") else 0.012
    vertices = vertices + crumple * noise_field(random, 2.5)(vertices)
    points = move(vertices, place)
    made = add_mesh("petals", points, quads, [petals])
    made.modifiers.new("smooth", "SUBSURF").render_levels = 1
    if kind in ("daisy", "cosmos", "poppy"):
        add_heart(0.26 if kind == "daisy" else 0.13, hearts, place, random)
    return points


def add_heart(radius: float, material, place, random) -> None:
    """Adds the dome of a flower with its stamens."""
    turn = np.linspace(-0.9, np.pi / 2, 12)
    dome = np.stack([np.cos(turn), 0.55 * np.sin(turn)], axis=1) * radius
    add_turned(dome, material, place, 32)
    out = normalise(random.normal(size=(260, 3)) + [0, 0, 0.9])
    roots = out * [1, 1, 0.55] * radius
    tips = roots + out * random.uniform(0.2, 0.5, (260, 1)) * radius
    stamens = np.stack([roots, tips], axis=1).reshape(-1, 3)
    add_strands("stamens", move(stamens, place).reshape(-1, 2, 3), 0.008, material, 1.4)


def add_clock(place, random) -> np.ndarray:
    """Adds a dandelion's head of seeds, some of them blown away; returns points."""
    count, hairs = int(random.integers(90, 200)), int(random.integers(18, 40))
    place_on = np.arange(count) + 0.5
    height = 1 - 2 * place_on / count
    flat = np.sqrt(1 - height**2)
    turn = place_on * GOLDEN
    out = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
    blown = normalise(random.normal(size=3))
    out = out[out @ blown < random.choice([2, 2, 0.6, 0.2])]
    out = normalise(out + random.normal(0, 0.06, out.shape))
    stalks = out[:, None] * np.linspace(0.1, 0.5, 6)[:, None]
    seeds = out[:, None] * np.linspace(0.09, 0.18, 4)[:, None]
    side = normalise(np.cross(out, random.normal(size=3)))
    other = np.cross(out, side)
    angle = random.uniform(0, 2 * np.pi, (len(out), hairs, 1))
    wide = np.cos(angle) * side[:, None] + np.sin(angle) * other[:, None]
    spread = random.uniform(0.7, 1.4, (len(out), hairs, 1))
    way = normalise(wide * spread + out[:, None] * 0.7) * 0.17
    steps = np.linspace(0, 1, 4)[:, None]
    fluff = stalks[:, None, -1:] + way[:, :, None] * steps
    fluff = fluff + out[:, None, None] * 0.03 * steps**2
    white = plain_material("fluff", (0.85, 0.84, 0.8), 0.5, Transmission_Weight=0.3)
    brown = plain_material("seed", (0.2, 0.12, 0.05), 0.8)
    fluff = move(fluff.reshape(-1, 3), place).reshape(-1, 4, 3)
    thick = random.uniform(0.0012, 0.0025)
    add_strands("fluff", fluff, thick, white, 0.4)
    add_strands("stalks", move(stalks.reshape(-1, 3), place).reshape(-1, 6, 3), thick,
                white, 1.0)  # fmt: skip
    add_strands("seeds", move(seeds.reshape(-1, 3), place).reshape(-1, 4, 3), 0.012,
                brown, 0.3)  # fmt: skip
    turn = np.linspace(-np.pi / 2, np.pi / 2, 12)
    ball = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 0.09
    add_turned(ball, plain_material("core", (0.35, 0.3, 0.15), 0.9), place, 24)
    return fluff.reshape(-1, 3)


def add_spike(kind: str, stem, petals, random) -> np.ndarray:
    """Adds small flowers, or grains with awns, along a stem's end; returns points."""
    per = 60 if kind == "lavender" else 34
    top = smooth_curve(stem[-6:], per)
    ahead = normalise(np.gradient(top, axis=0))
    turn = np.arange(per) * (GOLDEN if kind == "lavender" else np.pi)
    side = normalise(np.cross(ahead, [0.3, 1, 0]))
    out = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * np.cross(ahead, side)
    blooms = petal_mesh(0.3 if kind == "lavender" else 0.22, 0.6, 0.1)
    way = out * (1 if kind == "lavender" else 0.5) + ahead * 0.8
    sizes = random.uniform(0.8, 1.2, per) * (0.11 if kind == "lavender" else 0.16)
    origins = np.repeat(top, 3, axis=0)
    ways = np.repeat(way, 3, axis=0) + random.normal(0, 0.35, (per * 3, 3))
    vertices, quads = place_copies(*blooms, origins, ways, np.repeat(sizes, 3), random)
    add_mesh("blooms", vertices, quads, [petals])
    if kind == "wheat":
        length = random.uniform(0.2, 0.7)
        tips = top + normalise(out * 0.35 + ahead) * length
        awns = np.stack([top, (top + tips) / 2 + out * 0.02, tips], axis=1)
        add_strands("awns", awns, 0.005, petals, 0.2)
        return np.concatenate([vertices, tips])
    return vertices


def add_stem(foot, tip, green, leaves: int, random) -> np.ndarray:
    """Adds a bent stem with less than `leaves` leaves; returns its (40, 3) points."""
    way = np.stack(
        [foot, foot * 0.6 + tip * 0.4, tip * [0.9, 0.9, 1] - [0, 0, 0.5], tip]
    )
    way[1:3] += random.normal(0, 0.08, (2, 3)) * [[1], [0.4]]
    stem = smooth_curve(way, 40)
    add_strands("stem", [stem], random.uniform(0.02, 0.035), green, 0.8)
    count = int(random.integers(leaves))
    if count:
        leaf = outlined_leaf(str(random.choice(["willow", "birch", "locust"])),
                             random.uniform(0.1, 0.5), 0.4, 0.02)  # fmt: skip
        at = stem[random.integers(3, 26, count)]
        ways = random.normal(size=(count, 3)) * [1, 1, 0.2] + UP * 0.7
        sizes = random.uniform(0.35, 0.7, count)
        add_mesh("leaves", *place_copies(*leaf, at, ways, sizes, random), [green])
    return stem


def build_flower(random) -> Subject:
    """Adds a flower or a bunch of them."""
    kind = str(random.choice(KINDS))
    many = kind in ("lavender", "wheat")
    count = int(random.integers(3, 14) if many else random.choice([1, 1, 2, 3, 5]))
    colour = np.array(draw_colour(random, (0, 0.95), (0.5, 0.95)))
    if colour.argmax() == 1:  # no flower is as green as its leaves
        colour = colour[[1, 0, 2]]
    colour = np.array([0.55, 0.4, 0.15]) if kind == "wheat" else colour
    green = leaf_material(np.array(LEAVES[random.integers(3)]))
    petals = leaf_material(colour * random.uniform(0.6, 0.9))
    heart = {"poppy": (0.02, 0.02, 0.02)}.get(kind, (0.7, 0.4, 0.03))
    hearts = plain_material("heart", heart, 0.9)
    points = []
    for number in range(count):
        apart = (0.2 if many else 0.8) * number**0.5  # as seeds of a sunflower
        turn = number * GOLDEN
        tip = apart * np.array([np.cos(turn), np.sin(turn), 0])
        tip += random.normal(0, 0.25, 3) * [0.3, 0.3, 1] * (count > 1)
        foot = np.array([0, 0, -1.9]) + tip * [0.25, 0.25, 0]
        stem = add_stem(foot, tip, green, 1 if kind == "wheat" else 5, random)
        nod = normalise(stem[-1] - stem[-4] + random.normal(0, 0.45, 3) + [0, -0.5, 0])
        place = frame(tip, nod, random.normal(size=3))
        if kind == "dandelion":
            points.append(add_clock(place, random))
        elif many:
            points.append(add_spike(kind, stem[::2], petals, random))
        else:
            points.append(add_head(kind, petals, hearts, place, random))
        points.append(np.repeat(stem, 6, axis=0))
    detail = np.concatenate(points[::2])
    parameters = {"kind": kind, "count": count, "colour": colour.round(3).tolist()}
    return Subject(parameters, np.concatenate(points), detail, np.pi / 2)
