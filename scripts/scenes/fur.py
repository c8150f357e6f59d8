"""Builds sitting plush animals: ellipsoids with a coat of fur, and a face."""

from typing import NamedTuple

import numpy as np

from scripts.scenes.materials import draw_colour, hair_material, plain_material
from scripts.scenes.stage import Subject, add_ball, add_strands
from scripts.scenes.strands import clump_strands, grow_strands
from scripts.scenes.vectors import UP, noise_field, normalise

EARS = {  # radii; then the place of the right one, x, y, z, and its tilt, radians
    "round": ((0.24, 0.1, 0.24), (0.52, -0.05, 0.98), 0.4),
    "pointed": ((0.2, 0.09, 0.42), (0.4, -0.05, 1.1), 0.3),
    "long": ((0.17, 0.09, 0.7), (0.3, 0.0, 1.5), 0.2),
}
DENSITY = 8500  # hairs for radii that sum to 1
PALE_PARTS = ("muzzle", "ear", "tail")  # of animals of two colours


class Part(NamedTuple):
    """One ellipsoid of an animal.

    Attributes:
        name: Such as "ear".
        centre: x, y, z.
        radii: Along its own x, y, z.
        rotation: Euler angles, radians.
        share: Of the fur's length.
    """

    name: str
    centre: tuple
    radii: tuple
    rotation: tuple
    share: float


class Coat(NamedTuple):
    """How fur grows.

    Attributes:
        length: Of the longest hairs, head units.
        droop: Pull downwards.
        clump: Strength of `clump_strands`.
    """

    length: float
    droop: float
    clump: float


def draw_animal(random) -> list:
    """Draws a sitting plush animal: its parts, body and head first."""
    radii, (x, y, z), tilt = EARS[str(random.choice(list(EARS)))]
    big, fat = random.uniform(0.85, 1.15), random.uniform(0.8, 1.15)
    body = (0.8 * fat, 0.7 * fat, 0.9)
    parts = [
        Part("body", (0, 0, -0.9), body, (0, 0, 0), 1.0),
        Part("head", (0, -0.15, 0.5), (0.66 * big, 0.6, 0.56), (0, 0, 0), 0.9),
        Part("muzzle", (0, -0.66, 0.36), (0.27, 0.24, 0.2), (0, 0, 0), 0.35),
    ]
    for side in (-1, 1):
        turn = (-0.5, -side * random.uniform(0.2, 0.6), 0)
        arm, foot = (side * 0.8, -0.35, -0.65), (side * 0.55, -0.75, -1.55)
        parts += [
            Part("ear", (side * x, y, z), radii, (0, side * tilt, 0), 0.4),
            Part("arm", arm, (0.24, 0.24, 0.52), turn, 0.7),
            Part("leg", foot, (0.3, 0.55, 0.28), (0, 0, side * 0.3), 0.7),
        ]
    if random.uniform() < 0.6:
        tail = (0.5, 0.7, -1.2), (0.25, 0.6, 0.25), (0.6, 0, -0.6)
        parts.append(Part("tail", *tail, 1.5))
    return parts


def ellipsoid_roots(matrices: list, index: int, count: int, random):
    """Draws points on one ellipsoid that lie outside all the others.

    Args:
        matrices: 4 x 4 matrices of unit balls.
        index: Which ball.
        count: Most points.
        random: Generator of the draws.

    Returns:
        (N, 3) points and (N, 3) unit normals.
    """
    unit = normalise(random.normal(size=(count * 3, 3)))
    matrix = matrices[index]
    slope = unit @ np.linalg.inv(matrix[:3, :3])  # normals go with inverse transpose
    stretch = np.linalg.norm(slope, axis=1)
    points = unit @ matrix[:3, :3].T + matrix[:3, 3]
    outside = np.ones(len(points), bool)
    for other, ball in enumerate(matrices):
        if other != index:
            local = (points - ball[:3, 3]) @ np.linalg.inv(ball[:3, :3]).T
            outside &= np.linalg.norm(local, axis=1) > 0.97
    # Evenly per area: the area of a patch is proportional to `stretch`.
    outside &= random.uniform(size=len(points)) < stretch / stretch.max()
    return points[outside][:count], normalise(slope[outside][:count])


def draw_fur_colours(random) -> list:
    """Draws two colours, both (melanin, redness) or both linear RGB."""
    if random.uniform() < 0.7:
        return [(random.uniform(0.03, 1.0), random.uniform(0.1, 1.0)) for _ in range(2)]
    return [draw_colour(random, (0.2, 0.8), (0.3, 0.9)) for _ in range(2)]


def grow_fur(part: Part, roots, normals, coat: Coat, field, random) -> np.ndarray:
    """Grows the fur of one part from (N, 3) roots: (N, 8, 3) strands."""
    comb = np.array([0, 0.2, -0.6]) * coat.droop / 3
    strands = grow_strands(
        roots,
        normalise(normals + comb + random.normal(0, 0.18, roots.shape)),
        coat.length * part.share * random.uniform(0.5, 1.15, len(roots)),
        8,
        lambda position, done: field(position) * 2.5 - UP * coat.droop * done,
    )
    strands, _ = clump_strands(strands, len(roots) // 25 + 1, coat.clump, random)
    return strands


def add_face(head: np.ndarray, length: float) -> None:
    """Adds eyes and nose to the head with this 4 x 4 matrix, out of its fur."""
    glossy = plain_material("button", (0.01, 0.008, 0.006), 0.08)
    for side in (-1, 1):
        place = head[:3, :3] @ [side * 0.42, -0.84, 0.2] + head[:3, 3]
        add_ball(place + [0, -length * 0.2, 0], [0.1] * 3, glossy)
    add_ball((0, -0.93 - length * 0.1, 0.42), (0.1, 0.08, 0.07), glossy)


def build_fur(random) -> Subject:
    """Adds a plush animal."""
    parts = draw_animal(random)
    colours = draw_fur_colours(random)
    coat = Coat(
        random.uniform(0.12, 0.5), random.uniform(0.5, 4), random.uniform(0.2, 0.8)
    )
    main, pale = [
        hair_material(f"coat{number}", colour, 0.4)
        for number, colour in enumerate(colours)
    ]
    felt = plain_material("felt", (0.12, 0.09, 0.07), 0.95)
    matrices = [
        add_ball(part.centre, part.radii, felt, part.rotation) for part in parts
    ]
    field, bicoloured = noise_field(random, 1.3), random.uniform() < 0.7
    groups = []
    for index, part in enumerate(parts):
        count = int(DENSITY * sum(part.radii) ** 2)
        roots, normals = ellipsoid_roots(matrices, index, count, random)
        strands = grow_fur(part, roots, normals, coat, field, random)
        material = pale if bicoloured and part.name in PALE_PARTS else main
        add_strands(part.name, strands, 0.0035, material, 0.15)
        groups.append(strands.reshape(-1, 3))
    add_face(matrices[1], coat.length)
    fur = np.concatenate(groups)
    parameters = coat._asdict() | {"colours": np.round(colours, 3).tolist()}
    parameters |= {"parts": [part.name for part in parts], "bicoloured": bicoloured}
    return Subject(parameters, fur[:: max(1, len(fur) // 6000)], fur, np.pi * 0.5)
