"""Builds lace and crochet: doilies, borders, panels of flowers on a fine ground."""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import drape
from scripts.scenes.stage import Subject, add_strands
from scripts.scenes.strands import ply_strands
from scripts.scenes.vectors import noise_field

KINDS = ["doily", "doily", "panel", "border", "crochet"]
TURN = np.linspace(0, 2 * np.pi, 481)


def on_ring(radius, angle=TURN) -> np.ndarray:
    """Puts points at radii and angles: (K, 2)."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def draw_round(kind: str, low: float, high: float, fold: int, random) -> list:
    """Draws one round of a doily between two radii.

    Args:
        kind: "arches", "petals", "spokes", "zigzag", "loops" or "net".
        low: Inner radius.
        high: Outer radius.
        fold: Repeats around.
        random: Generator of the draws.

    Returns:
        List of (K, 2) threads.
    """
    size, step = high - low, 2 * np.pi / fold
    wave = np.abs(np.sin(TURN * fold / 2))
    if kind == "arches":
        return [on_ring(low + size * wave**p) for p in (0.5, 0.7)]
    if kind == "petals":
        rows = [on_ring(low + size * share * wave ** random.uniform(0.6, 1.2))
                for share in (1, 0.85, 0.7, 0.5)]  # fmt: skip
        return [*rows, on_ring(high - size * 0.3 * wave)]
    if kind == "zigzag":
        saw = np.abs(TURN / step % 1 * 2 - 1)
        return [on_ring(low + size * saw), on_ring(high - size * saw)]
    if kind == "spokes":
        t = np.linspace(low, high, 9)
        return [on_ring(t, np.full(9, turn)) for turn in np.arange(fold * 2) * step / 2]
    if kind == "loops":
        rim = on_ring(np.full(49, size * 0.48), np.linspace(0, 2 * np.pi, 49))
        middles = on_ring((low + high) / 2, np.arange(fold) * step)
        return [rim * share + middle for middle in middles for share in (1, 0.75)]
    cross = []
    for way in (-1, 1):
        for start in np.arange(fold * 2) * step / 2:
            t = np.linspace(0, 1, 12)
            cross.append(on_ring(low + size * t, start + way * step * t))
    return cross


def draw_doily(random) -> list:
    """Draws the threads of a doily of radius 1: a list of (K, 2)."""
    kinds = ["arches", "petals", "spokes", "zigzag", "loops", "net"]
    fold = int(random.integers(6, 13))
    radii = np.cumsum(random.uniform(0.5, 1.5, int(random.integers(5, 10))))
    radii = np.r_[0.03, radii / radii[-1]]
    threads = []
    for low, high in zip(radii[:-1], radii[1:], strict=True):
        kind = str(random.choice(kinds))
        repeats = fold * (1 if high < 0.3 else 2 if high < 0.7 else 4)
        threads += draw_round(kind, low, high, repeats, random)
        threads += [on_ring(np.full(481, high)), on_ring(np.full(481, high * 0.985))]
    return threads + draw_round("arches", 1.0, 1.08, fold * 4, random)


def draw_flower(middle, size: float, petals: int) -> list:
    """Draws a filled flower: a list of (K, 2) threads."""
    wave = np.abs(np.cos(TURN[::4] * petals / 2))
    shares = np.linspace(0.25, 1, 7)
    return [
        on_ring(size * share * (0.45 + 0.55 * wave**0.7), TURN[::4]) + middle
        for share in shares
    ]


def draw_panel(border: bool, random) -> tuple:
    """Draws lace with a ground of fine net, flowers, scrolls and a scalloped edge.

    Returns:
        List of (K, 2) threads, and how many of the first are of the ground.
    """
    low = -0.35 if border else -1.0
    along, cells = np.linspace(-1, 1, 241), int(random.integers(30, 80))
    threads = []
    for offset in np.arange(-2, 2, 2 / cells):
        for way in (-1, 1):
            line = np.stack([along, offset + way * along], axis=1)
            threads.append(
                line[
                    (line[:, 1] > low)
                    & (line[:, 1] < 0.35 if border else np.abs(line[:, 1]) < 1)
                ]
            )
    threads = [thread for thread in threads if len(thread) > 3]
    ground = len(threads)
    scallops = int(random.integers(4, 10))
    arch = np.abs(np.sin(along * np.pi * scallops / 2))
    for lift in (0, 0.02, 0.04, 0.09, 0.11):
        threads.append(np.stack([along, low - lift - 0.1 * arch], axis=1))
    petals, gap = int(random.integers(4, 9)), 2 / scallops
    rows = [0.0] if border else np.arange(-0.8, 0.9, gap * 1.2)
    for row, height in enumerate(rows):
        for x in np.arange(-1 + gap / 2, 1, gap) + (row % 2) * gap / 2:
            if x < 1 - gap / 3:
                threads += draw_flower(np.array([x, height]), gap * 0.36, petals)
        curl = height + gap * 0.45 * np.sin(along * np.pi * scallops)
        threads += [
            np.stack([along, curl + lift], axis=1) for lift in (0, 0.012, 0.024)
        ]
    top = 0.35 if border else 1.0
    edges = [np.stack([along, np.full(241, top - lift)], axis=1) for lift in (0, 0.02)]
    return threads + edges, ground


def draw_crochet(random) -> list:
    """Draws coarse crochet: filled and open squares with a picture of squares."""
    count = int(random.integers(12, 26))
    step, along = 2 / count, np.linspace(-1, 1, count * 8 + 1)
    middle = (np.arange(count) - count / 2 + 0.5) / count * 2
    across, up = np.meshgrid(middle, middle, indexing="ij")
    turn = np.arctan2(up, across) * int(random.integers(2, 6)) * 2
    filled = np.sin(np.hypot(across, up) * random.uniform(4, 12) + turn) > 0.2
    threads = []
    for row in np.arange(-1, 1 + step / 2, step):
        wave = 0.06 * step * np.sin(along * count * np.pi * 2)
        threads.append(np.stack([along, row + wave], axis=1))
        threads.append(np.stack([row - wave, along], axis=1))
    for x, y in np.argwhere(filled):
        left, low = x * step - 1, y * step - 1
        for share in (0.2, 0.4, 0.6, 0.8):
            bar = np.linspace(0, step, 5)
            threads.append(
                np.stack([np.full(5, left + share * step), low + bar], axis=1)
            )
    return threads


def lay(flat: list, stiff: bool, thick: float, random) -> list:
    """Lays flat (K, 2) threads in space, over and under each other: (K, 3) each."""
    field, hang = noise_field(random, 0.5), drape(random)
    threads = []
    for thread in flat:
        if stiff:
            curve = np.insert(thread, 1, 0, axis=1)
            curve = curve + 0.05 * field(curve)
        else:
            curve = hang(thread)
        loose = np.sin(thread[:, :1] * 290 + thread[:, 1:] * 170)
        threads.append(curve + loose * thick * 0.6)
    return threads


def build_lace(random) -> Subject:
    """Adds a piece of lace, hung or stretched."""
    kind = str(random.choice(KINDS))
    ground = 0
    if kind == "doily":
        flat = draw_doily(random)
    elif kind == "crochet":
        flat = draw_crochet(random)
    else:
        flat, ground = draw_panel(kind == "border", random)
    thick = float(random.uniform(0.0025, 0.006)) * (1.5 if kind == "crochet" else 1)
    colour = np.array(draw_colour(random, (0, 0.7), (0.3, 0.9)))
    if random.uniform() < 0.55:
        colour = np.array([0.85, 0.82, 0.74]) * random.choice([1.0, 1.0, 0.04])
    stiff = kind == "doily" and bool(random.uniform() < 0.5)
    threads = lay(flat, stiff, thick, random)
    plies = 2 if kind == "crochet" or random.uniform() < 0.3 else 1
    away = thick * 0.6 * (plies - 1)
    strands = [ply_strands(curve, plies, away, len(curve) / 6) for curve in threads]
    widths = np.repeat(np.where(np.arange(len(threads)) < ground, 0.5, 1.0), plies)
    cotton = plain_material("cotton", colour, 0.85, Sheen_Weight=0.4)
    add_strands("lace", sum(strands, []), thick * widths, cotton, 1.0)
    points = np.concatenate(threads)
    parameters = {"kind": kind, "thick": thick, "stiff": stiff, "threads": len(threads)}
    parameters |= {"plies": plies, "colour": colour.round(3).tolist()}
    return Subject(parameters, points, points, np.pi * 0.3)
