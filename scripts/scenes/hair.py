"""Builds people with hair: combed locks, fly-aways and brows on a person's head."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from scripts.scenes.hairstyles import TIED, draw_style
from scripts.scenes.materials import hair_material
from scripts.scenes.person import build_person
from scripts.scenes.shapes import sample_surface
from scripts.scenes.stage import Subject, add_strands
from scripts.scenes.strands import (
    clump_strands,
    curl_strands,
    grow_strands,
    stray_strands,
    surface_pusher,
)
from scripts.scenes.tied import tie_hair
from scripts.scenes.vectors import UP, noise_field, normalise

# Where the hair begins, seen from the side: y (front to back) -> lowest z with hair.
HAIRLINE_Y = [-0.95, -0.70, -0.52, -0.34, -0.20, -0.12, 0.22, 0.32, 0.50]
HAIRLINE_Z = [0.80, 0.70, 0.48, 0.22, -0.08, 0.17, 0.17, -0.20, -0.62]
LOCKS = 900
STRAY_STEPS = 26  # points of a stray hair
CROWN = 0.9  # height to which a drawn length refers


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
    """Gives (N,) sideways directions, -1 ... 1, away from the parting.

    The parting runs from the forehead over the crown; hair farther back has none and
    falls outwards.
    """
    offset = points[:, 0] - style["part"]
    parted = np.where(offset > 0, 1.0, -1.0)
    behind = np.clip((points[:, 1] - 0.1) / 0.4, 0, 1)
    return parted * (1 - behind) + np.clip(points[:, 0] * 1.2, -1, 1) * behind


def lean(style: dict, points, normals) -> np.ndarray:
    """Gives (N, 3) unit directions of hair at its roots: out, sideways and back."""
    upright = 1.5 if style["style"] in ("afro", "short") else 0.7
    side = side_of_parting(style, points)
    way = np.stack([side, np.full(len(side), style["back"]), np.zeros(len(side))], 1)
    return normalise(normals * upright + way * 0.6)


def hair_lengths(style: dict, points, random) -> np.ndarray:
    """Draws (N,) lengths of hairs with these (N, 3) roots, alike within a lock.

    Hair that hangs is cut more or less at one height, so what grows on the crown is
    longer than what grows at the nape.
    """
    lengths = np.full(len(points), style["length"])
    if style["style"] not in ("short", "afro", "curly"):
        level = random.uniform(0.4, 1)
        reach = (points[:, 2] - CROWN + style["length"]) * 1.15
        lengths = lengths * (1 - level) + np.maximum(reach, 0.4) * level
    guides = points[random.integers(len(points), size=LOCKS // 3)]
    _, lock = cKDTree(guides).query(points)
    lengths *= 1 - style["layers"] * random.uniform(0, 1.5, len(guides))[lock]
    return lengths * random.uniform(0.8, 1.05, len(points))


def hair_force(style: dict, roots, field):
    """Builds the pull on hair: comb at the root, gravity and waves towards the tip.

    Args:
        style: From `draw_style`.
        roots: (N, 3) roots; a strand stays on its root's side of the parting.
        field: From `noise_field`.

    Returns:
        Function for `grow_strands`.
    """
    side = side_of_parting(style, roots)
    ones = np.ones(len(side))
    comb = np.stack([side, ones * style["back"], ones * -0.2], axis=1)
    outward = np.where(roots[:, 0] > style["part"], 5.0, -5.0)
    away = np.stack([outward, ones * 4, ones * 0], axis=1)  # out of the face
    wind = np.array(style["wind"]) if style["style"] == "windy" else np.zeros(3)

    def force(position, done):
        bend = field(position)
        pull = comb * 4 * max(0, 1 - done * 3)
        pull = pull - UP * style["gravity"] * (0.4 + done)
        pull = pull + bend * style["wave"] * 2
        pull = pull + wind * done * (1.2 + 0.7 * bend[:, :1])
        face = (position[:, 1] < -0.3) & (np.abs(position[:, 0]) < 1.0)
        face &= (position[:, 2] < 0.9) & (position[:, 2] > -1.6)
        return pull + away * face[:, None]

    return force


def grow_hair(style: dict, roots: Roots, surface, random) -> np.ndarray:
    """Grows combed hair.

    Args:
        style: From `draw_style`.
        roots: Of the hairs.
        surface: (M, 3) points of the body and their (M, 3) normals.
        random: Generator of the draws.

    Returns:
        (N, K, 3) strands.
    """
    curled = style["curl"] > 0
    steps = (22 if style["turns"] < 3.5 else 36) if curled else 15
    margin = random.uniform(0.02, 0.12, len(roots.points))
    force = hair_force(style, roots.points, noise_field(random, 0.5))
    strands = grow_strands(*roots, steps, force, surface_pusher(*surface, margin))
    strands, lock = clump_strands(strands, LOCKS, style["clump"], random)
    if curled:
        strands = curl_strands(strands, lock, style["curl"], style["turns"], random)
    frizz = random.normal(0, 0.006, strands.shape)
    return strands + frizz * np.linspace(0, 1, steps)[:, None]


def add_strays(style: dict, strands, count: int, material, random) -> None:
    """Adds thin hairs that leave these (N, K, 3) strands."""
    strays = stray_strands(strands, count, style["reach"], STRAY_STEPS, random)
    radii = random.uniform(0.0009, 0.002, count)
    add_strands("strays", strays, radii, material, 0.5)


def add_hair(style: dict, body, triangles, material, random) -> np.ndarray:
    """Adds all hair of the head; returns the longest group of (N, K, 3) strands."""
    count = 14000 if style["style"] in ("curly", "afro", *TIED) else 20000
    points, normals = scalp_points(body, triangles, count, random)
    surface = sample_surface(body, triangles, 30000, random)
    directions = lean(style, points, normals)
    if style["style"] in TIED:
        push = surface_pusher(*surface, 0.05)
        groups = tie_hair(style, points, push, random)
        loose = np.abs(points[:, 0]) > 0.5
        loose &= (points[:, 1] < 0) & (random.uniform(size=len(points)) < 0.06)
        if random.uniform() < 0.6 and loose.any():
            style = style | {"length": 1.9, "part": 0.0}
            roots = Roots(points, directions, hair_lengths(style, points, random))
            roots = Roots(*[part[loose] for part in roots])
            groups = [*groups, grow_hair(style, roots, surface, random)]
    else:
        lengths = hair_lengths(style, points, random)
        roots = Roots(points, directions, lengths)
        groups = [grow_hair(style, roots, surface, random)]
    for strands in groups:
        radii = 0.003 * random.uniform(0.6, 1.2, len(strands))
        add_strands("hair", strands, radii, material)
        add_strays(
            style, strands, int(len(strands) * style["strays"]), material, random
        )
    return groups


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
    groups = add_hair(style, body, triangles, material, random)
    add_eyebrows(body, triangles, material, random)
    hair = np.concatenate([strands[:, ::3].reshape(-1, 3) for strands in groups])
    bust = body[(body[:, 2] > -1.9) & (np.abs(body[:, 0]) < 1.4)]
    shown = hair[hair[:, 2] > -3.0]
    points = np.concatenate([bust, shown[random.choice(len(shown), 4000)]])
    # Lower down the body fills a close-up.
    detail = hair[hair[:, 2] > -1.5]
    return Subject(parameters | style, points, detail, np.pi, 0.3)
