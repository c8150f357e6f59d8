"""Builds sheer cloth in folds: veils, curtains, scarfs in the wind; tulle and organza.

Their alpha is soft over their whole area, higher in folds, hems and patterns.
"""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import grid_quads, net_threads, smooth_curve
from scripts.scenes.sheer import set_attribute, sheer_material, thin_alpha
from scripts.scenes.stage import Subject, add_mesh, add_strands
from scripts.scenes.vectors import noise_field, normalise

KINDS = ["curtain", "veil", "wind", "wind"]
PATTERNS = ["plain", "hem", "dots", "stripes", "flowers", "fading", "tulle", "tulle"]
ACROSS, DOWN = 420, 420  # vertices of a sheet
STATIONS = 400  # points along the middle of a flying scarf


def draw_waves(random, count: int):
    """Draws a sum of smooth waves of one coordinate.

    Args:
        random: Generator of the draws.
        count: Waves over a length of 2, about.

    Returns:
        Function from numbers, and a second coordinate on which the waves drift, to
        heights of about unit size.
    """
    pace = count * np.pi * random.uniform(0.5, 1.6, 5)
    phase, drift = random.uniform(0, 6.3, 5), random.normal(0, 0.8, 5)
    size = random.uniform(0.4, 1, 5) / pace
    size = size / np.linalg.norm(size) * 1.2

    def waves(along, other):
        angle = along[..., None] * pace + phase + other[..., None] * drift
        return (np.sin(angle + 0.4 * np.sin(angle)) * size).sum(axis=-1)

    return waves


def hang_curtain(random):
    """Hangs a sheet from a gathered upper edge."""
    gather, depth = random.uniform(0.35, 1), random.uniform(0.06, 0.22)
    waves, sway = draw_waves(random, random.integers(2, 8)), noise_field(random, 0.4)

    def shape(across, down):
        t = (down + 1) / 2  # 0 at the top
        wide = gather + (1 - gather) * t**0.7
        y = depth * (0.5 + 0.7 * t) * waves(across, down)
        x = across * wide + 0.05 * waves(across + 9, down)
        points = np.stack([x, y, -1.15 * down], axis=-1)
        return points + 0.07 * sway(points.reshape(-1, 3)).reshape(points.shape)

    return shape


def hang_veil(random):
    """Hangs a sheet over something round at its top, open to the front."""
    crown, flare = random.uniform(0.35, 0.5), random.uniform(0.3, 0.8)
    waves, opening = draw_waves(random, random.integers(3, 7)), random.uniform(0.5, 1)
    sway = noise_field(random, 0.4)

    def shape(across, down):
        t = (down + 1) / 2
        turn = np.pi * opening * across + np.pi / 2  # the middle hangs behind
        cap = np.minimum(t / 0.3, 1)
        radius = crown * np.sin(cap * np.pi / 2) + flare * np.maximum(t - 0.3, 0) ** 1.2
        radius = radius * (1 + 0.2 * t * waves(across, down))
        height = 1 + crown * 0.9 * (np.cos(cap * np.pi / 2) - 1)
        height = height - 2.3 * np.maximum(t - 0.3, 0)
        points = [radius * np.cos(turn), radius * np.sin(turn), height]
        points = np.stack(points, axis=-1)
        return points + 0.04 * sway(points.reshape(-1, 3)).reshape(points.shape)

    return shape


def blow_scarf(random):
    """Lets a long sheet fly in the wind."""
    steps = random.normal(size=(4, 3)) * [0.2, 0.45, 0.45] + [1, 0, 0]
    way = smooth_curve(np.cumsum(normalise(steps), axis=0), STATIONS)
    way = way - way.mean(axis=0)
    ahead = normalise(np.gradient(way, axis=0))
    t = np.linspace(0, 1, STATIONS)
    roll = random.normal(0, 0.7) + random.normal(0, 1.2) * t
    up = np.stack([0 * t, np.sin(roll), np.cos(roll)], axis=-1)
    side = normalise(up - ahead * (up * ahead).sum(axis=1, keepdims=True))
    frame = np.stack([way, side, np.cross(ahead, side)], axis=1)  # (STATIONS, 3, 3)
    wide, depth = random.uniform(0.5, 1.1), random.uniform(0.05, 0.16)
    lengthwise = draw_waves(random, random.integers(1, 4))
    crosswise = draw_waves(random, random.integers(1, 5))
    pinch = random.uniform(0, 0.85)

    def shape(across, down):
        at = (down + 1) / 2 * (STATIONS - 1)
        low = np.minimum(at.astype(int), STATIONS - 2)
        part = (at - low)[..., None, None]
        middle, along, out = np.moveaxis(
            frame[low] * (1 - part) + frame[low + 1] * part, -2, 0
        )
        width = wide * (1 - pinch * np.exp(-(((down + 1) / 2) ** 2) * 8))
        lift = depth * (1.5 * crosswise(across, down) + lengthwise(down, across))
        spread = across * (1 + 0.06 * lengthwise(across + 5, down))
        return middle + along * (spread * width)[..., None] + out * lift[..., None]

    return shape


def draw_clear(pattern: str, opacity: float, across, down, random):
    """Draws how clear a sheet is.

    Args:
        pattern: One of `PATTERNS`.
        opacity: Of the sheet between its pattern, in [0, 1].
        across: (R, C) coordinates in [-1, 1].
        down: (R, C) coordinates in [-1, 1].
        random: Generator of the draws.

    Returns:
        (R, C) shares of light in [0, 1].
    """
    dense = min(0.97, opacity + random.uniform(0.25, 0.6))
    rim = np.minimum(1 - np.abs(across), 1 - np.abs(down))
    marks = np.zeros(across.shape)
    cells = random.uniform(5, 16)
    u, v = across * cells, down * cells
    u = u + 0.5 * (np.floor(v) % 2)
    near = np.hypot(u % 1 - 0.5, v % 1 - 0.5)
    turn = np.arctan2(v % 1 - 0.5, u % 1 - 0.5)
    if pattern == "dots":
        marks = near < random.uniform(0.1, 0.25)
    elif pattern == "flowers":
        petals = 0.25 + 0.13 * np.cos(5 * turn)
        marks = (near < petals) & (near > 0.08) & (np.abs(near - petals) < 0.09)
        marks = marks | (rim < 0.03)
    elif pattern == "stripes":
        marks = u % 1 < random.uniform(0.1, 0.5)
    elif pattern == "hem":
        marks = (rim < 0.05) | (np.abs(rim - 0.1) < 0.012)
    elif pattern == "fading":
        marks = ((down + 1) / 2) ** 2
    marks = np.maximum(marks, 0.6 * (rim < 0.012))  # a seam
    weave = 1 + 0.12 * np.sin(across * 330) * np.sin(down * 330)
    return 1 - np.clip(opacity * weave + (dense - opacity) * marks, 0, 0.98)


def add_threads(shape, cells: int, material, random) -> None:
    """Adds the fine threads of tulle on a sheet."""
    threads = net_threads("diamond", cells, random)
    threads += [thread * [1, -1] for thread in threads]
    flat = np.stack(threads)  # (N, K, 2)
    strands = shape(flat[..., 0], flat[..., 1])
    add_strands("tulle", strands, 0.09 / cells, material, 1.0)


def build_veil(random) -> Subject:
    """Adds a sheet of sheer cloth."""
    kind = str(random.choice(KINDS))
    pattern = str(random.choice(PATTERNS))
    opacity = float(random.uniform(0.08, 0.5))
    colour = np.array(draw_colour(random, (0, 0.75), (0.5, 0.95)))
    if random.uniform() < 0.45:
        colour = np.array([0.85, 0.83, 0.78]) * random.choice([1.0, 1.0, 0.05])
    shine = float(random.choice([0, 0, 0.4, 0.8]))
    makers = {"curtain": hang_curtain, "veil": hang_veil, "wind": blow_scarf}
    shape = makers[kind](random)
    across, down = np.meshgrid(*(np.linspace(-1, 1, n) for n in (ACROSS, DOWN)))
    points = shape(across, down).reshape(-1, 3)
    material = sheer_material("sheer", colour, shine)
    made = add_mesh("sheet", points, grid_quads(*across.shape), [material])
    cells = 0
    if pattern == "tulle":
        opacity, cells = opacity * 0.3, int(random.integers(40, 100))
        thread = plain_material("thread", colour, 0.7)
        add_threads(shape, cells, thread, random)
    clear = draw_clear(pattern, opacity, across, down, random)
    set_attribute(made, "clear", clear.ravel())
    thin_alpha()
    points = points[::37]
    parameters = {"kind": kind, "pattern": pattern, "opacity": opacity, "cells": cells}
    parameters |= {"colour": colour.round(3).tolist(), "shine": shine}
    return Subject(
        parameters, points, points, np.pi * (0.3 if kind == "curtain" else 1)
    )
