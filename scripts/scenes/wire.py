"""Builds things of wire: chain-link fences, baskets, grids, sieves, cages, springs."""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import superellipse
from scripts.scenes.solids import add_tube
from scripts.scenes.stage import Subject, add_strands
from scripts.scenes.vectors import noise_field

KINDS = ["fence", "fence", "basket", "grid", "sieve", "cage", "barbed", "coil"]


def link_fence(columns: int, random) -> list:
    """Bends the zigzag wires of a chain-link fence: a list of (K, 3) curves."""
    step = 2 / columns  # from wire to wire
    rows = int(columns * random.uniform(0.7, 1.1))
    t = np.linspace(0, rows, rows * 12 + 1)
    zig = np.abs(t % 2 - 1) * 2 - 1  # in [-1, 1]
    zig = np.sin(zig * np.pi / 2) * 0.35 + zig * 0.65  # rounded corners
    height = (t - rows / 2) * step
    curves = []
    for number in range(columns + 1):
        sign = 1 - number % 2 * 2  # neighbours meet at their corners
        x = number * step - 1 + sign * zig * step * 0.54
        depth = 0.09 * step * np.sin(t * np.pi)  # in front of one, behind the next
        curves.append(np.stack([x, sign * depth, height], axis=1))
    return curves


def weave_grid(count: int, wave: float) -> list:
    """Weaves straight wires over and under each other in the square [-1, 1]^2."""
    along = np.linspace(-1, 1, count * 6 + 1)
    curves = []
    for number, row in enumerate(np.linspace(-1, 1, count + 1)):
        lift = wave * np.cos((along + 1) * np.pi * count / 2 + np.pi * number)
        curves.append(np.stack([along, lift, np.full(len(along), row)], axis=1))
        curves.append(np.stack([np.full(len(along), row), -lift, along], axis=1))
    return curves


def shape_basket(count: int, random) -> list:
    """Bends the rings and ribs of a basket: a list of (K, 3) curves."""
    turn = np.linspace(0, 2 * np.pi, 97)
    flare, high = random.uniform(0, 0.5), random.uniform(0.7, 1.6)
    bulge = random.uniform(-0.15, 0.3)

    def radius(t):
        return 0.7 + flare * t + bulge * np.sin(np.pi * t)

    square = random.uniform(2, 5)  # how square the basket is
    both = superellipse(turn, square)
    curves = []
    for t in np.linspace(0, 1, max(4, count // 2)):
        level = np.full((97, 1), high * (t - 0.5))
        curves.append(np.hstack([both * radius(t), level]))
    t = np.linspace(0, 1, 30)
    ribs = int(count * 1.5)
    for place in (np.arange(ribs) * 96 / ribs).astype(int):
        wall = np.hstack([both[place] * radius(t)[:, None], high * (t - 0.5)[:, None]])
        floor = np.linspace(0, 1, 12)[:-1, None] * wall[0] * [1, 1, 0]
        floor = floor + [0, 0, -high / 2]
        curves.append(np.concatenate([floor, wall]))
    return curves


def shape_cage(count: int, random) -> list:
    """Bends the bars and hoops of a bird cage: a list of (K, 3) curves."""
    t = np.linspace(0, 1, 60)
    radius = np.where(t < 0.6, 1, np.sqrt(np.maximum(0, 1 - ((t - 0.6) / 0.4) ** 2)))
    radius = radius * random.uniform(0.6, 0.8)
    height = t * random.uniform(1.8, 2.4) - 1.1
    turns = np.arange(count * 2) * np.pi / count
    bars = [np.stack([radius * np.cos(a), radius * np.sin(a), height], axis=1)
            for a in turns]  # fmt: skip
    turn = np.linspace(0, 2 * np.pi, 97)
    circle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    levels = [0, 16, 34]
    hoops = [circle * radius[at] + [0, 0, height[at]] for at in levels]
    return bars + hoops


def twist_barbs(random) -> list:
    """Twists some strings of barbed wire: a list of (K, 3) curves."""
    t = np.linspace(-1, 1, 400)
    curves = []
    for level in np.linspace(-0.6, 0.6, int(random.integers(1, 5))):
        sag = random.uniform(0.02, 0.12) * t**2 + level
        for phase in (0, np.pi):
            angle = t * 90 + phase
            wave = [t, 0.012 * np.cos(angle), 0.012 * np.sin(angle) + sag]
            curves.append(np.stack(wave, axis=1))
        for at in np.arange(15, 400, int(random.integers(25, 50))):
            for way in random.normal(size=(2, 3)) * [0.3, 1, 1]:
                way = way / np.linalg.norm(way) * 0.06
                line = np.linspace(-1, 1, 5)[:, None] * way
                curves.append(line + [t[at], 0, sag[at]])
    return curves


def wind_coil(random) -> list:
    """Winds a spring or a tangle of wire: a list with one (K, 3) curve."""
    turns = int(random.integers(6, 20))
    angle = np.linspace(0, 2 * np.pi * turns, turns * 40)
    t = np.linspace(-1, 1, len(angle))
    size = random.uniform(0.25, 0.6) * (1 + random.uniform(-0.5, 0.5) * t)
    curve = np.stack([size * np.cos(angle), size * np.sin(angle), t], axis=1)
    if random.uniform() < 0.5:
        curve = curve + noise_field(random, 0.5)(curve) * random.uniform(0, 0.35)
    return [curve]


def bend_wires(kind: str, count: int, random) -> list:
    """Bends the wires of one kind: a list of (K, 3) curves of about unit size."""
    if kind == "fence":
        return link_fence(count, random)
    if kind == "basket":
        return shape_basket(count, random)
    if kind == "cage":
        return shape_cage(count, random)
    if kind == "barbed":
        return twist_barbs(random)
    if kind == "coil":
        return wind_coil(random)
    wires = weave_grid(count * (2 if kind == "sieve" else 1), 0.15 / count)
    if kind == "sieve":  # pressed into a bowl with a rim
        inside = [wire[np.hypot(wire[:, 0], wire[:, 2]) < 1] for wire in wires]
        wires = [wire for wire in inside if len(wire) > 2]
        depth = random.uniform(0.2, 0.7)
        wires = [wire + np.outer(1 - (wire[:, [0, 2]] ** 2).sum(1), [0, depth, 0])
                 for wire in wires]  # fmt: skip
    return wires


def add_border(kind: str, wires, thick: float, metal) -> list:
    """Adds posts to a fence, a rim and a handle to a sieve, a rim to a basket.

    Returns:
        Their points, a list of (N, 3).
    """
    points = np.concatenate(wires)
    (left, _, low), (right, _, high) = points.min(axis=0), points.max(axis=0)
    if kind == "fence":
        posts = [[[x, 0, low - 0.1], [x, 0, high + 0.1]] for x in (left, right)]
        rails = [[[left, 0, z], [right, 0, z]] for z in (low, high)]
        posts = add_tube(np.array(posts).reshape(2, 2, 3), 0.05, metal)
        return [posts, add_tube(np.array(rails), thick * 1.3, metal)]
    if kind == "sieve":
        turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
        rim = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1)
        stick = np.array([[0, 0, -1.0], [0, -0.1, -1.9]])
        rim = add_tube(rim, 0.04, metal, closed=True)
        return [rim, add_tube(stick, 0.05, metal)]
    if kind == "basket":
        rings = [wire for wire in wires if len(wire) == 97]
        return [add_tube(rings[-1][:-1], thick * 2.5, metal, closed=True)]
    return []


def build_wire(random) -> Subject:
    """Adds something of wire."""
    kind = str(random.choice(KINDS))
    count = int(random.integers(6, 22))
    thick = float(np.exp(random.uniform(np.log(0.03), np.log(0.16)))) / count
    if kind in ("barbed", "coil"):
        thick = float(random.uniform(0.006, 0.03))
    thick = 0.012 if kind == "barbed" else thick
    wires = bend_wires(kind, count, random)
    field, dent = noise_field(random, 0.4), float(random.uniform(0, 0.06))
    wires = [wire + dent * field(wire) for wire in wires]
    painted = bool(random.uniform() < 0.4)
    colour = np.array(draw_colour(random, (0, 0.7 if painted else 0.15), (0.05, 0.8)))
    rough = float(random.uniform(0.2, 0.6))
    metal = plain_material("wire", colour, rough, Metallic=1.0 - painted)
    if thick > 0.01 and len(wires) < 60:
        add_tube(wires, thick, metal, round_=2)
    else:
        add_strands("wires", wires, thick, metal, 1.0)
    points = np.concatenate(wires + add_border(kind, wires, thick, metal))
    parameters = {"kind": kind, "count": count, "thick": thick, "dent": dent}
    parameters |= {
        "painted": painted,
        "rough": rough,
        "colour": colour.round(3).tolist(),
    }
    turn = np.pi if kind in ("basket", "cage", "coil") else 0.9
    return Subject(parameters, points, points, turn)
