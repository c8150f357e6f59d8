"""Builds people with hair: combed locks, fly-aways and brows on a person's head."""

from typing import NamedTuple

import numpy as np

from scripts.scenes.materials import draw_colour, hair_material
from scripts.scenes.person import build_person
from scripts.scenes.shapes import sample_surface
from scripts.scenes.stage import Subject, add_strands
from scripts.scenes.strands import (
    clump_strands,
    curl_strands,
    grow_strands,
    surface_pusher,
)
from scripts.scenes.vectors import UP, noise_field, normalise

# Where the hair begins, seen from the side: y (front to back) -> lowest z with hair.
HAIRLINE_Y = [-0.95, -0.70, -0.52, -0.34, -0.20, -0.12, 0.22, 0.32, 0.50]
HAIRLINE_Z = [0.80, 0.70, 0.48, 0.22, -0.08, 0.17, 0.17, -0.20, -0.62]
STYLES = ["long", "long", "wavy", "curly", "short", "bob", "windy", "afro"]
LENGTHS = {  # head units
    "long": (2.5, 4.5),
    "wavy": (2.2, 4.0),
    "curly": (1.6, 3.2),
    "short": (0.25, 0.7),
    "bob": (1.5, 2.2),
    "windy": (2.2, 4.0),
    "afro": (0.8, 1.5),
}
CURLS = {"curly": (0.05, 0.10), "afro": (0.04, 0.07), "wavy": (0.02, 0.06)}  # radii
GRAVITIES = {"short": 0.8, "afro": 0.1, "windy": 1.2}  # other styles draw theirs
LOCKS = 900


class Roots(NamedTuple):
    """Where hairs begin, and how.

    Attributes:
        points: (N, 3) roots on the scalp.
        directions: (N, 3) unit directions there.
        lengths: (N,) lengths of the hairs.
    """

    points: np.ndarray
    directions: np.ndarray
    lengths: np.ndarray


def draw_style(random) -> dict:
    """Draws the numbers of a hair style; lengths in head units (10 cm)."""
    style = str(random.choice(STYLES))
    drawn = {"length": random.uniform(*LENGTHS[style])}
    drawn["part"] = random.choice([-0.35, 0.0, 0.35])
    drawn["back"] = random.uniform(0.3, 1.2) * (1.6 if style == "windy" else 1)
    gravity = random.uniform(2, 4)
    drawn["gravity"] = GRAVITIES.get(style, gravity)
    drawn["wave"] = random.uniform(*((0.5, 0.9) if style == "wavy" else (0.1, 0.5)))
    drawn["curl"] = random.uniform(*CURLS.get(style, (0, 0)))
    drawn["turns"] = drawn["length"] * random.uniform(1.2, 2.6)
    drawn["clump"] = random.uniform(0.3, 0.75)
    drawn["flyaways"] = random.uniform(0.01, 0.05)
    if random.uniform() < 0.15:
        drawn["colour"] = draw_colour(random, (0.4, 0.9), (0.2, 0.7))
    else:
        melanin = random.choice([0.05, 0.15, 0.3, 0.55, 0.8, 1.0])
        drawn["colour"] = (melanin, random.uniform())
    rounded = {name: np.round(value, 4).tolist() for name, value in drawn.items()}
    return {"style": style} | rounded


def scalp_points(body, triangles, count: int, random):
    """Draws up to `count` points above the hairline.

    Args:
        body: (V, 3) vertices.
        triangles: (T, 3) of the body.
        count: Most points.
        random: Generator of the draws.

    Returns:
        (N, 3) points and (N, 3) unit normals.
    """
    head = triangles[body[triangles, 2].min(axis=1) > -1.2]
    points, normals = sample_surface(body, head, count * 5, random)
    edge = np.interp(points[:, 1], HAIRLINE_Y, HAIRLINE_Z)
    edge = edge + random.normal(0, 0.04, len(edge))
    scalp = points[:, 2] > edge
    scalp &= (normals * normalise(points - [0, 0, 0.2])).sum(axis=1) > 0.35
    return points[scalp][:count], normals[scalp][:count]


def side_of_parting(style: dict, points: np.ndarray) -> np.ndarray:
    """Gives (N,) 1 or -1: right or left of the parting."""
    return np.where(points[:, 0] > style["part"], 1.0, -1.0)


def lean(style: dict, points, normals) -> np.ndarray:
    """Gives (N, 3) unit directions of hair at its roots: out, sideways and back."""
    upright = 1.5 if style["style"] in ("afro", "short") else 0.7
    side = side_of_parting(style, points)
    way = np.stack([side, np.full(len(side), style["back"]), np.zeros(len(side))], 1)
    return normalise(normals * upright + way * 0.6)


def hair_force(style: dict, roots, field, scale: float):
    """Builds the pull on hair: comb at the root, gravity and waves towards the tip.

    Args:
        style: From `draw_style`.
        roots: (N, 3) roots; a strand stays on its root's side of the parting.
        field: From `noise_field`.
        scale: Strength of the waves; fly-aways take more.

    Returns:
        Function for `grow_strands`.
    """
    side = side_of_parting(style, roots)
    ones = np.ones(len(side))
    comb = np.stack([side, ones * style["back"], ones * -0.2], axis=1)
    away = np.stack([side * 5, ones * 4, ones * 0], axis=1)  # out of the face
    wind = np.array([2.2, 0.8, 0.3]) if style["style"] == "windy" else np.zeros(3)

    def force(position, done):
        pull = comb * 4 * max(0, 1 - done * 3)
        pull = pull - UP * style["gravity"] * (0.4 + done)
        pull = pull + field(position) * style["wave"] * scale * 2 + wind * done
        face = (position[:, 1] < -0.3) & (np.abs(position[:, 0]) < 1.0)
        face &= (position[:, 2] < 0.9) & (position[:, 2] > -1.6)
        return pull + away * face[:, None]

    return force


def grow_hair(style: dict, roots: Roots, surface, field, loose: bool, random):
    """Grows the combed hair or the fly-aways.

    Args:
        style: From `draw_style`.
        roots: Of these hairs only.
        surface: (M, 3) points of the body and their (M, 3) normals.
        field: From `noise_field`.
        loose: True for fly-aways: wavier, lighter, farther from the head, no locks.
        random: Generator of the draws.

    Returns:
        (N, K, 3) strands.
    """
    curled = style["curl"] > 0
    steps = 36 if curled else 15
    margin = random.uniform(0.02, 0.25 if loose else 0.10, len(roots.points))
    pulled = style | {"gravity": style["gravity"] * (0.7 if loose else 1.0)}
    force = hair_force(pulled, roots.points, field, 2.5 if loose else 1.0)
    strands = grow_strands(*roots, steps, force, surface_pusher(*surface, margin))
    if loose:
        lock = np.arange(len(strands))
    else:
        strands, lock = clump_strands(strands, LOCKS, style["clump"], random)
    if curled:
        strands = curl_strands(strands, lock, style["curl"], style["turns"], random)
    frizz = random.normal(0, 0.006, strands.shape)
    return strands + frizz * np.linspace(0, 1, steps)[:, None]


def add_hair(style: dict, body, triangles, material, random) -> np.ndarray:
    """Adds all hair of the head; returns the combed (N, K, 3) strands."""
    count = 14000 if style["curl"] > 0 else 22000
    points, normals = scalp_points(body, triangles, count, random)
    surface = sample_surface(body, triangles, 30000, random)
    field = noise_field(random, 0.5)
    wild = random.uniform(size=len(points)) < style["flyaways"]
    lengths = style["length"] * random.uniform(0.7, 1.05, len(points))
    lengths[wild] *= random.uniform(0.3, 0.9, wild.sum())
    roots = Roots(points, lean(style, points, normals), lengths)
    combed = Roots(*[part[~wild] for part in roots])
    flyaway = Roots(*[part[wild] for part in roots])
    hair = grow_hair(style, combed, surface, field, False, random)
    add_strands("hair", hair, 0.0031, material)
    loose = grow_hair(style, flyaway, surface, field, True, random)
    add_strands("hair", loose, 0.002, material)
    return hair


def add_eyebrows(body, triangles, material, random) -> None:
    """Adds short hairs above the eyes."""
    head = triangles[body[triangles, 2].min(axis=1) > -0.2]
    points, normals = sample_surface(body, head, 60000, random)
    across = np.abs(points[:, 0])
    arch = 0.20 + 0.06 * np.sin((across - 0.12) / 0.4 * np.pi * 0.8)
    brow = (across > 0.12) & (across < 0.5) & (points[:, 1] < -0.35)
    brow &= np.abs(points[:, 2] - arch) < 0.045 * (1.1 - across * 1.6)
    points, normals = points[brow][:350], normals[brow][:350]
    outward = np.sign(points) * [1, 0, 0] + [0, 0.3, 0]
    strands = grow_strands(
        points,
        normalise(normals * 0.4 + outward + random.normal(0, 0.15, points.shape)),
        random.uniform(0.05, 0.1, len(points)),
        5,
        lambda position, done: -UP * 2,
    )
    add_strands("brows", strands, 0.0025, material)


def build_hair(random) -> Subject:
    """Adds a person with hair."""
    body, triangles, parameters = build_person(random)
    style = draw_style(random)
    material = hair_material("hair", style["colour"])
    strands = add_hair(style, body, triangles, material, random)
    add_eyebrows(body, triangles, material, random)
    hair = strands[:, ::3].reshape(-1, 3)
    bust = body[(body[:, 2] > -1.9) & (np.abs(body[:, 0]) < 1.4)]
    shown = hair[hair[:, 2] > -3.0]
    points = np.concatenate([bust, shown[random.choice(len(shown), 4000)]])
    # Lower down the body fills a close-up.
    return Subject(parameters | style, points, hair[hair[:, 2] > -1.2], np.pi * 0.75)
