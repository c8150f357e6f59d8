"""Builds nets of thread: hanging, in a hoop, fishing and tennis nets, spider webs."""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import clip_to_disc, drape, net_threads
from scripts.scenes.stage import Subject, add_ball, add_strands
from scripts.scenes.vectors import noise_field

KINDS = ["square", "diamond", "lace", "fishing", "tennis", "web", "racket"]
EDGE = np.linspace(-1, 1, 161)


def stretch_net(threads: list, wide=1.0):
    """Stretches a net in a hoop.

    Args:
        threads: From `net_threads`, each (K, 2).
        wide: Width of the hoop over its height.

    Returns:
        The net's curves, then the hoop and its handle, each curve (K, 3).
    """
    turn, zeros = EDGE * np.pi, np.zeros(len(EDGE))
    hoop = np.stack([wide * np.cos(turn), zeros, np.sin(turn)], axis=1)
    handle = np.stack([zeros, zeros, EDGE * 0.6 - 1.6], axis=1)
    squeeze = np.array([wide, 1])
    flat = [part * squeeze for part in clip_to_disc(threads)]
    return [np.insert(part, 1, 0, axis=1) for part in flat], [hoop, handle]


def hang_net(threads: list, hang):
    """Hangs a net up; returns its curves, then its four hems, each curve (K, 3)."""
    sides = [np.stack([EDGE, np.full(len(EDGE), side)], axis=1) for side in (-1, 1)]
    hems = [hang(side) for side in sides + [side[:, ::-1] for side in sides]]
    return [hang(thread) for thread in threads], hems


def spin_web(random):
    """Spins a spider's orb web.

    Returns:
        Spiral threads and spokes, then long holding threads, each (K, 3).
    """
    count, turns = int(random.integers(14, 28)), int(random.integers(12, 30))
    angles = np.sort(np.linspace(0, 2 * np.pi, count, endpoint=False)
                     + random.normal(0, 0.06, count))  # fmt: skip
    reach = 0.85 + 0.15 * np.sin(angles * 2 + random.uniform(0, 6))
    ends = np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
    ends = ends * reach[:, None] * [random.uniform(0.7, 1), 1, 1]
    lengthen = np.where(random.uniform(size=count) < 0.35, 1.5, 1.02)
    spokes = [np.linspace(0, 1, 40)[:, None] * end * far
              for end, far in zip(ends, lengthen, strict=True)]  # fmt: skip
    spiral = []
    after = np.roll(ends, -1, axis=0)
    for level in np.linspace(0.12, 0.97, turns):
        steps = level + np.linspace(0, 0.85 / turns, count + 1)
        steps = steps + random.normal(0, 0.003, count + 1)
        for spoke in range(count):
            first, last = ends[spoke] * steps[spoke], after[spoke] * steps[spoke + 1]
            along = np.linspace(0, 1, 7)[:, None]
            piece = first * (1 - along) + last * along
            sag = np.linalg.norm(last - first) * random.uniform(0.05, 0.16)
            spiral.append(piece * (1 - 4 * sag * along * (1 - along) / (level + 0.2)))
    field, bend = noise_field(random, 0.4), random.uniform(0, 0.1)
    return [curve + bend * field(curve) for curve in spiral], [
        curve + bend * field(curve) for curve in spokes
    ]


def add_drops(curves, material, random) -> int:
    """Hangs drops of dew along curves; returns their number."""
    points = np.concatenate(curves)
    count = int(random.integers(30, 160))
    for point in points[random.choice(len(points), count)]:
        size = random.uniform(0.006, 0.022)
        add_ball(point - [0, 0, size * 0.5], [size, size, size * 1.1], material)
    return count


def add_knots(curves, thick: float, material) -> None:
    """Adds short thick pieces where a zigzag thread turns, as knots."""
    knots = []
    for curve in curves:
        way = np.diff(curve, axis=0)
        turn = np.abs(np.diff(np.sign(way[:, 0]))) > 1
        knots += [curve[at : at + 3] for at in np.flatnonzero(turn)]
    if knots:
        add_strands("knots", knots, thick * 1.8, material, 1.0)


def add_sheet(kind: str, threads: list, thick: float, material, random) -> tuple:
    """Adds a hanging net with its borders; returns its points and its height."""
    high = 0.4 if kind == "tennis" else float(random.uniform(0.7, 1))
    hang = drape(random)
    curves, borders = hang_net(threads, lambda flat: hang(flat * [1, high]))
    if kind == "tennis":
        levels = np.linspace(-0.04, 0.04, 11)[:, None, None] * [0, 0, 1]
        borders = list(borders[1] + levels)
        white = plain_material("band", (0.8, 0.8, 0.78), 0.9)
        add_strands("band", borders, 0.012, white, 1.0)
    elif kind != "fishing":
        add_strands("hem", borders, thick * 2.5, material, 1.0)
    if kind == "fishing":
        add_knots(curves, thick, material)
    add_strands("net", curves, thick, material, 1.0)
    return np.concatenate(curves + borders), high


def build_net(random) -> Subject:
    """Adds a net."""
    kind = str(random.choice(KINDS))
    metal = bool(random.uniform() < 0.25)
    colour = np.array(draw_colour(random, (0, 0.6), (0.05, 0.9)))
    shine = {"Metallic": float(metal)}
    material = plain_material("thread", colour, 0.3 if metal else 0.8, **shine)
    parameters = {"kind": kind, "metal": metal, "colour": colour.round(3).tolist()}
    if kind == "web":
        spiral, spokes = spin_web(random)
        silk = plain_material("silk", (0.8, 0.8, 0.8), 0.25)
        thick = float(random.uniform(0.0012, 0.005))
        add_strands("spiral", spiral, thick, silk, 1.0)
        add_strands("spokes", spokes, thick * 1.4, silk, 1.0)
        drops = add_drops(spiral, silk, random) if random.uniform() < 0.6 else 0
        points = np.concatenate(spiral + spokes)
        return Subject(parameters | {"drops": drops, "thick": thick}, points, points, 1)
    cells = {"lace": (7, 13), "racket": (14, 20)}.get(kind, (8, 40))
    cells = int(random.integers(*cells))
    thick = float(np.exp(random.uniform(np.log(0.025), np.log(0.13)))) / cells
    shape = {"tennis": "square", "racket": "square", "fishing": "diamond"}
    threads = net_threads(shape.get(kind, kind), cells, random)
    hoop = kind == "racket" or kind in KINDS[:3] and bool(random.uniform() < 0.35)
    parameters |= {"hoop": hoop, "cells": cells, "thick": thick, "height": 1.0}
    if hoop:
        tone = draw_colour(random, (0.1, 0.7), (0.05, 0.6))
        curves, rim = stretch_net(threads, 0.78 if kind == "racket" else 1.0)
        frame = plain_material("frame", tone, 0.3)
        add_strands("frame", rim, random.uniform(0.025, 0.05), frame, 1.0)
        add_strands("net", curves, thick, material, 1.0)
        points = np.concatenate(curves + rim)
    else:
        points, high = add_sheet(kind, threads, thick, material, random)
        parameters["height"] = high
    return Subject(parameters, points, points, np.pi * 0.3)
