"""Adds things of a household: chairs, ladders, cups, pots, racks, lamps, frames.

Each `add_` function takes a generator and two materials, puts the parts on the stage
and returns their points, a list of (N, 3).
"""

import numpy as np

from scripts.scenes.shapes import smooth_curve
from scripts.scenes.solids import add_box, add_plate, add_tube, add_turned, frame, ring


def add_chair(random, first, second) -> list:
    """Adds a chair with a slatted or barred back."""
    w, d = random.uniform(0.4, 0.55, 2)
    leg, back = random.uniform(0.025, 0.06), random.uniform(0.8, 1.2)
    points = [add_box((2.2 * w, 2.2 * d, 0.07), second)]
    splay = random.uniform(0, 0.15)
    for x in (-w, w):
        for y in (-d, d):
            foot = np.array([x * (1 + splay), y * (1 + splay), -0.9])
            points.append(add_tube(np.array([foot, [x, y, 0]]), leg, first))
        top = np.array([[x, d, 0], [x, d * (1 + splay * 2), back]])
        points.append(add_tube(top, leg, first))
    for height in random.uniform(-0.7, -0.2, 2):
        for sign in (-1, 1):
            rail = np.array([[-w, sign * d, height], [w, sign * d, height]])
            points.append(add_tube(rail, leg * 0.6, first))
    bars, y = int(random.integers(2, 8)), d * (1 + splay)
    if random.uniform() < 0.5:
        for x in np.linspace(-w, w, bars + 2)[1:-1]:
            bar = np.array([[x, d, 0], [x, d * (1 + splay * 2), back - 0.05]])
            points.append(add_tube(bar, leg * 0.5, first))
    else:
        for z in np.linspace(0.25, back - 0.25, bars // 2 + 1):
            points.append(add_box((2 * w, 0.04, 0.12), second, frame((0, y, z))))
    crest = frame((0, d * (1 + splay * 2), back))
    return [*points, add_box((2.1 * w, 0.06, 0.16), second, crest)]


def add_ladder(random, first, second) -> list:
    """Adds a ladder, or a pair of steps."""
    count, wide = int(random.integers(5, 11)), random.uniform(0.22, 0.35)
    points, thick = [], random.uniform(0.025, 0.05)
    for lean in (-0.45, 0.45) if random.uniform() < 0.5 else (0.15,):
        for side in (-wide, wide):
            rail = np.array([[side * 1.2, lean, -1.2], [side, 0, 1.2]])
            points.append(add_tube(rail, thick, first))
        for share in (np.arange(count) + 0.5) / count:
            y, z = lean * (1 - share), 2.4 * share - 1.2
            x = side * (1.2 - 0.2 * share)
            rung = np.array([[-x, y, z], [x, y, z]])
            points.append(add_tube(rung, thick * 0.7, second))
    return points


def add_cup(random, first, second) -> list:
    """Adds a cup or a jug with a handle."""
    high, low = random.uniform(0.5, 1), random.uniform(0.35, 0.5)
    wide = random.uniform(0.45, 0.65)
    outside = np.array([[0, -0.5], [low, -0.5], [wide, 0], [wide * 0.95, high]])
    outside = smooth_curve(outside, 40)
    inside = np.maximum(outside[::-1] - [0.05, 0], [0, -0.44])
    points = [add_turned(np.concatenate([outside, inside]), first)]
    reach = random.uniform(0.25, 0.4)
    handle = [[wide * 0.9, 0, high * 0.8], [wide + reach, 0, high * 0.7],
              [wide + reach, 0, 0], [wide * 0.8, 0, -0.15]]  # fmt: skip
    handle = smooth_curve(np.array(handle), 30)
    return [*points, add_tube(handle, random.uniform(0.04, 0.07), first)]


def add_pot(random, first, second) -> list:
    """Adds a watering can, or a pot with two handles and a lid."""
    wide, high = random.uniform(0.5, 0.8), random.uniform(0.3, 0.6)
    body = [(0, -high), (wide, -high), (wide, high), (wide * 0.3, high * 1.15),
            (0.1, high * 1.2), (0.12, high * 1.45), (0, high * 1.5)]  # fmt: skip
    points = [add_turned(body, first)]
    if random.uniform() < 0.5:
        spout = [
            [wide * 0.9, 0, -high * 0.6],
            [wide * 1.5, 0, 0],
            [wide * 1.9, 0, high],
        ]
        points.append(add_tube(smooth_curve(np.array(spout), 20), 0.09, first))
        rose = frame((wide * 1.9, 0, high), (0.5, 0, 1))
        points.append(add_turned([(0.07, -0.1), (0.2, 0.1), (0, 0.12)], first, rose))
        loop = [[wide * 0.5, 0, high], [0, 0, high * 2.8], [-wide * 1.6, 0, high],
                [-wide, 0, -high * 0.5]]  # fmt: skip
        return [*points, add_tube(smooth_curve(np.array(loop), 40), 0.04, second)]
    for side in (-1, 1):
        loop = [[wide, -0.2, 0.1], [wide * 1.3, -0.2, 0.12], [wide * 1.3, 0.2, 0.12],
                [wide, 0.2, 0.1]]  # fmt: skip
        points.append(add_tube(np.array(loop) * [side, 1, 1], 0.04, second))
    return points


def add_rack(random, first, second) -> list:
    """Adds a shelf, a stand of bars or a drying rack."""
    w, d, levels = *random.uniform(0.4, 0.8, 2), int(random.integers(2, 6))
    d, thick = d * 0.5, random.uniform(0.015, 0.035)
    points = []
    for x in (-w, w):
        for y in (-d, d):
            points.append(add_tube(np.array([[x, y, -1], [x, y, 1]]), thick, first))
    bars = int(random.integers(4, 12))
    solid = random.uniform() < 0.3
    for z in np.linspace(-0.8, 0.9, levels):
        if solid:
            points.append(add_box((2 * w, 2 * d, 0.04), second, frame((0, 0, z))))
            continue
        sides = [[[-w, y, z], [w, y, z]] for y in np.linspace(-d, d, bars)]
        ends = [[[x, -d, z], [x, d, z]] for x in (-w, w)]
        points.append(add_tube(np.array(sides + ends), thick * 0.5, second))
    return points


def add_lamp(random, first, second) -> list:
    """Adds a desk lamp of jointed arms."""
    joints = np.array([[0, 0, -1], [-0.5, 0, 0], [0.3, 0, 0.7]])
    joints[1:] += random.normal(0, 0.15, (2, 3)) * [1, 0.2, 1]
    points = []
    for side in (-0.05, 0.05):
        points.append(add_tube(joints + [0, side, 0], 0.02, first))
    foot = [(0, -1.08), (0.4, -1.08), (0.4, -1.04), (0.05, -1), (0, -1)]
    points.append(add_turned(foot, second))
    ahead = np.array([random.uniform(0.3, 1), random.normal(0, 0.3), -1])
    shade = [(0.08, -0.1), (0.12, 0), (0.34, 0.4), (0.33, 0.4), (0.1, 0.0), (0, 0)]
    points.append(add_turned(shade, second, frame(joints[2], ahead)))
    spring = np.linspace(0, 1, 300)[:, None] * (joints[1] - joints[0]) + joints[0]
    turn = np.linspace(0, 120, 300)
    spring = spring + 0.03 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    return [*points, add_tube(spring[60:240], 0.006, first)]


def add_frame(random, first, second) -> list:
    """Adds a window, a picture frame or a trellis."""
    w, h = random.uniform(0.6, 1, 2)
    bar, upright = random.uniform(0.03, 0.12), frame(ahead=(0, -1, 0))
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]])
    columns, rows = random.integers(1, 6, 2)
    holes, gap = [], random.uniform(0.2, 0.9) * bar
    wide, high = 2 * (w - bar) / columns, 2 * (h - bar) / rows
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    for column in range(columns):
        for row in range(rows):
            low = np.array([column * wide - w + bar, row * high - h + bar]) + gap / 2
            holes.append(low + unit * [wide - gap, high - gap])
    return [add_plate([corners, *holes], bar * 0.7, first, upright, 0.01)]


def add_railing(random, first, second) -> list:
    """Adds wrought iron: bars with rings, scrolls and points."""
    count = int(random.integers(4, 10))
    points, thick = [], random.uniform(0.012, 0.03)
    spots = np.linspace(-1, 1, count)
    gap = spots[1] - spots[0]
    angle = np.linspace(0.6, 5 * np.pi, 80)
    scroll = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], axis=1)
    scroll = scroll * (angle / angle[-1])[:, None] * gap * 0.22
    spear = [(0, 0.22), (0.05, 0.08), (0.02, 0), (0, 0)]
    for x in spots:
        points.append(add_tube(np.array([[x, 0, -0.8], [x, 0, 0.8]]), thick, first))
        points.append(add_turned(spear, second, frame((x, 0, 0.8)), 16))
    for x in spots[:-1] + gap / 2:
        loop = np.insert(ring(gap * 0.47), 1, 0, axis=1) + [x, 0, 0.45]
        points.append(add_tube(loop, thick * 0.7, first, closed=True))
        for side in (-1, 1):
            curl = scroll * [side, 1, 1] + [x + side * gap * 0.2, 0, -0.3]
            points.append(add_tube(curl, thick * 0.6, first))
    rails = [[[-1.05, 0, z], [1.05, 0, z]] for z in (-0.7, 0.15, 0.72)]
    return [*points, add_tube(np.array(rails), thick * 1.2, first)]


def add_hanger(random, first, second) -> list:
    """Adds clothes hangers."""
    points = []
    for number in range(int(random.integers(1, 4))):
        wide, drop = random.uniform(0.8, 1.1), random.uniform(0.3, 0.5)
        body = np.array([[-wide, 0, -drop], [0, 0, 0], [wide, 0, -drop]])
        turn = np.linspace(-np.pi / 2, np.pi * 0.9, 24)
        hook = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1) * 0.14
        hook = np.concatenate([[[0, 0, 0]], hook + [0, 0, 0.34]])
        away = np.array([0, number * random.uniform(0.15, 0.4), 0])
        thick = random.uniform(0.015, 0.06)
        points.append(add_tube(body + away, thick, first, closed=True))
        points.append(add_tube(hook + away, 0.018, second))
    return points


FURNITURE = {
    "chair": add_chair,
    "ladder": add_ladder,
    "cup": add_cup,
    "pot": add_pot,
    "rack": add_rack,
    "lamp": add_lamp,
    "frame": add_frame,
    "railing": add_railing,
    "hanger": add_hanger,
}
