"""Builds feathers: single ones, small bundles and fans, with split vanes and down."""

import numpy as np

from scripts.scenes.materials import draw_colour, hair_material, plain_material
from scripts.scenes.shapes import smooth_curve
from scripts.scenes.solids import frame, move
from scripts.scenes.stage import Subject, add_strands
from scripts.scenes.strands import grow_strands
from scripts.scenes.vectors import noise_field, normalise

KINDS = ["quill", "quill", "down", "bundle", "fan", "ostrich"]
BARB = 9  # points of a barb


def draw_shape(kind: str, random) -> dict:
    """Draws what the feathers of one subject share."""
    soft = {"down": 1.0, "ostrich": 0.8}.get(kind, float(random.uniform(0.05, 0.3)))
    wide = {"down": 0.55, "ostrich": 0.5}.get(kind, float(random.uniform(0.14, 0.3)))
    return {
        "soft": soft,
        "wide": wide,
        "lean": float(random.uniform(0.4, 1.0) if soft < 0.5 else 0.9),
        "bend": float(random.uniform(0.05, 0.5)),
        "splits": int(random.integers(0, 9)),
        "barbs": int(random.integers(420, 700)) if soft < 0.5 else 420,
        "bands": int(random.choice([0, 0, 0, 6, 12])),
    }


def draw_splits(shape: dict, along: np.ndarray, random) -> np.ndarray:
    """Draws how far barbs at the shares `along` lean from their vane: (N,)."""
    turn = np.zeros(len(along))
    for start in random.uniform(0.2, 1, shape["splits"]):
        inside = np.abs(along - start) < random.uniform(0.01, 0.07)
        turn += inside * random.normal(0, 0.3)
    return turn + random.normal(0, 0.02 + 0.35 * shape["soft"], len(along))


def grow_vane(shape: dict, shaft, side: int, random) -> np.ndarray:
    """Grows the barbs of one side of a feather.

    Args:
        shape: From `draw_shape`.
        shaft: (K, 3) points from the quill to the tip; the vane lies near x-z.
        side: -1 or 1.
        random: Generator of the draws.

    Returns:
        (N, BARB, 3) barbs.
    """
    count = shape["barbs"]
    t = np.linspace(0.18, 0.995, count)
    roots = smooth_curve(shaft, 400)[(t * 399).astype(int)]
    ahead = normalise(np.gradient(smooth_curve(shaft, 400), axis=0))
    ahead = ahead[(t * 399).astype(int)]
    across = normalise(np.cross(ahead, [0, 1, 0])) * side
    part = (t - 0.18) / 0.82
    lengths = np.sin(np.pi * (0.06 + 0.9 * part**0.75)) ** 0.55 * shape["wide"] * 2
    lengths = lengths * (1 if side > 0 else 0.75) * random.uniform(0.94, 1.03, count)
    downy = np.clip(1 - part / 0.22, 0, 1)  # soft at the base
    loose = np.maximum(downy, shape["soft"])[:, None]
    turn = shape["lean"] + 0.25 * part + draw_splits(shape, t, random)
    ways = across * np.cos(turn)[:, None] + ahead * np.sin(turn)[:, None]
    ways = ways + random.normal(0, 0.45, (count, 3)) * loose
    ways[:, 1] += 0.25 * (1 - loose[:, 0])
    field = noise_field(random, 3)

    def force(position, done):
        return ahead * 1.2 * (1 - loose) + field(position) * (0.25 + 4.5 * loose)

    lengths = lengths * (1 + 0.3 * loose[:, 0])
    return grow_strands(roots, normalise(ways), lengths, BARB, force)


def grow_barbules(barbs, loose: bool, random) -> np.ndarray:
    """Grows the fine hairs of (B, BARB, 3) barbs: (N, 4, 3)."""
    per = 16 if loose else 7
    at = random.uniform(0.1, BARB - 1.05, (len(barbs), per))
    low = at.astype(int)
    rows = np.arange(len(barbs))[:, None]
    share = (at - low)[..., None]
    roots = barbs[rows, low] * (1 - share) + barbs[rows, low + 1] * share
    ahead = normalise(barbs[rows, low + 1] - barbs[rows, low])
    ways = normalise(ahead * 0.8 + random.normal(0, 0.8, ahead.shape))
    lengths = random.uniform(0.03, 0.1, len(barbs) * per) * (1.2 if loose else 0.35)
    field = noise_field(random, 5)
    return grow_strands(
        roots.reshape(-1, 3), ways.reshape(-1, 3), lengths, 4,
        lambda position, _: field(position) * 6,
    )  # fmt: skip


def add_feather(shape: dict, place, materials, random) -> np.ndarray:
    """Adds one feather of length 2 from the origin of `place` along its z."""
    vane, dark, horn = materials
    curve = np.array([[0, 0, 0], [0.02, 0, 0.7], [shape["bend"] * 0.35, 0.05, 1.4],
                      [shape["bend"], 0.15, 2.0]])  # fmt: skip
    shaft = smooth_curve(curve + random.normal(0, 0.02, curve.shape), 60)
    barbs = np.concatenate([grow_vane(shape, shaft, side, random) for side in (-1, 1)])
    loose = shape["soft"] > 0.5
    fluff = grow_barbules(barbs[:: 1 if loose else 2], loose, random)
    count = shape["barbs"]
    soft = np.concatenate([barbs[: count // 5], barbs[count : count + count // 5]])
    fluff = np.concatenate([fluff, grow_barbules(soft, True, random)])
    thick = 0.0028 if loose else 1.25 * shape["wide"] / 100 + 0.0016
    number = np.tile(np.arange(count), 2)
    banded = np.zeros(len(barbs), bool)
    if shape["bands"]:
        banded = (number * shape["bands"] / count) % 1 < 0.4
    placed = move(barbs.reshape(-1, 3), place).reshape(barbs.shape)
    for material, chosen in ((vane, ~banded), (dark, banded)):
        if chosen.any():
            add_strands("vane", placed[chosen], thick, material, 0.35)
    fluff = move(fluff.reshape(-1, 3), place).reshape(fluff.shape)
    add_strands("fluff", fluff, 0.0011, vane, 0.5)
    add_strands("shaft", [move(shaft, place)], 0.012 if loose else 0.02, horn, 0.12)
    return np.concatenate([placed[:, [0, -1]].reshape(-1, 3), move(shaft, place)])


def build_feather(random) -> Subject:
    """Adds a feather, or several from one place."""
    kind = str(random.choice(KINDS))
    shape = draw_shape(kind, random)
    colour = np.array(draw_colour(random, (0, 0.8), (0.15, 0.9)))
    if random.uniform() < 0.5:  # white, grey, brown or black
        colour = np.array([0.85, 0.8, 0.74]) * random.choice([1, 0.9, 0.4, 0.1, 0.03])
    shade = colour * random.uniform(0.1, 0.5)
    materials = [
        hair_material("vane", colour, 0.15),
        hair_material("dark", shade, 0.15),
    ]
    materials.append(plain_material("horn", colour * 0.4 + 0.3, 0.35))
    count = {"bundle": (3, 7), "fan": (5, 12)}.get(kind, (1, 2))
    count = int(random.integers(*count))
    points = []
    for number in range(count):
        turn = random.normal(0, 0.25)
        if kind == "fan":
            turn = (number / (count - 1) - 0.5) * 2.0
        elif kind == "bundle":
            turn = random.normal(0, 0.5)
        away = (random.normal(0, 0.04), 0.05 * number, random.normal(0, 0.05))
        ahead = (np.sin(turn), random.normal(0, 0.12), np.cos(turn))
        place = frame(away, ahead, (np.cos(turn), random.normal(0, 0.3), -np.sin(turn)))
        points.append(add_feather(shape, place, materials, random))
    points = np.concatenate(points)
    parameters = {"kind": kind, "count": count, "colour": colour.round(3).tolist()}
    return Subject(parameters | shape, points, points, 0.8)
