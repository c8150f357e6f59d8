"""Solid parts of things in Blender: tubes, plates with holes, boxes, turned shapes.

Each `add_` function puts one object on the stage and returns the (N, 3) points that
the camera must show. Lengths are in head units of 10 cm. Blender (bpy) is imported
when the first part is made.
"""

import numpy as np

from scripts.scenes.shapes import lathe
from scripts.scenes.stage import add_mesh, read_matrix
from scripts.scenes.vectors import normalise


def frame(origin=(0, 0, 0), ahead=(0, 0, 1), side=(1, 0, 0)) -> np.ndarray:
    """Makes the 4 x 4 matrix that brings z to `ahead`, and x near to `side`.

    >>> frame((1, 2, 3), (0, 0, 2))[:3, 3]
    array([1., 2., 3.])
    """
    z = normalise(np.asarray(ahead, float))
    x = np.asarray(side, float)
    x = normalise(x - z * (x @ z))
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    matrix[:3, 3] = origin
    return matrix


def move(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Moves (N, 3) points by a 4 x 4 matrix.

    >>> move(np.zeros((1, 3)), frame((1, 2, 3)))
    array([[1., 2., 3.]])
    """
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def ring(radius: float, count: int = 48, wide: float = 1.0) -> np.ndarray:
    """Makes a circle, or an ellipse `wide` times as wide as high: (count, 2)."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return radius * np.stack([wide * np.cos(turn), np.sin(turn)], axis=1)


def add_curve(name: str, loops, closed: bool, flat: bool):
    """Adds a curve of straight pieces through each (K, 2 or 3) loop."""
    import bpy

    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions = "2D" if flat else "3D"
    for loop in loops:
        spline = curve.splines.new("POLY")
        spline.points.add(len(loop) - 1)
        points = np.zeros((len(loop), 4))
        points[:, 3] = 1
        points[:, : loop.shape[1]] = loop
        spline.points.foreach_set("co", points.astype(np.float32).ravel())
        spline.use_cyclic_u, spline.use_smooth = closed, not flat
    made = bpy.data.objects.new(name, curve)
    bpy.context.scene.collection.objects.link(made)
    return made


def add_tube(curves, radius: float, material, closed=False, round_=4) -> np.ndarray:
    """Adds round tubes along curves.

    Args:
        curves: A (K, 3) array or a list of them.
        radius: Of the tubes.
        material: Of the tubes.
        closed: Whether the ends of each curve meet.
        round_: Corners of a quarter of the section, about.
    """
    curves = [curves] if np.ndim(curves[0]) == 1 else list(curves)
    made = add_curve("tube", curves, closed, flat=False)
    made.data.bevel_depth, made.data.bevel_resolution = radius, round_
    made.data.use_fill_caps = not closed
    made.data.materials.append(material)
    return np.concatenate(curves)


def add_plate(loops, thick: float, material, matrix=None, bevel=0.01) -> np.ndarray:
    """Adds a plate in its own x-y plane, thick along its z.

    Args:
        loops: List of (K, 2) outlines; those inside another are holes.
        thick: Thickness without the bevel.
        material: Of the plate.
        matrix: 4 x 4 place, or None.
        bevel: Radius of its edges.
    """
    from mathutils import Matrix

    matrix = np.eye(4) if matrix is None else matrix
    made = add_curve("plate", loops, closed=True, flat=True)
    made.data.fill_mode, made.data.extrude = "BOTH", thick / 2
    made.data.bevel_depth, made.data.bevel_resolution = bevel, 2
    made.data.materials.append(material)
    made.matrix_world = Matrix(matrix.tolist())
    return move(np.insert(np.concatenate(loops), 2, 0, axis=1), matrix)


def add_box(size, material, matrix=None, bevel=0.02) -> np.ndarray:
    """Adds a box of (3,) side lengths about its own origin."""
    corners = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij")).reshape(3, -1).T
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1],
                      [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])  # fmt: skip
    matrix = np.eye(4) if matrix is None else matrix
    points = move(corners * size, matrix)
    made = add_mesh("box", points, quads, [material])
    soften(made, bevel)
    return points


def soften(made, bevel: float) -> None:
    """Rounds the sharp edges of a mesh object and keeps its flat parts flat."""
    edges = made.modifiers.new("edges", "BEVEL")
    edges.width, edges.segments, edges.limit_method = bevel, 3, "ANGLE"
    edges.harden_normals = False
    made.modifiers.new("weights", "WEIGHTED_NORMAL")


def add_turned(profile, material, matrix=None, steps=64) -> np.ndarray:
    """Adds a (P, 2) profile of radius and height, turned about its own z."""
    vertices, quads = lathe(np.asarray(profile, float), steps)
    matrix = np.eye(4) if matrix is None else matrix
    points = move(vertices, matrix)
    made = add_mesh("turned", points, quads, [material])
    made.modifiers.new("weld", "WELD").merge_threshold = 1e-4
    made.modifiers.new("edges", "EDGE_SPLIT").split_angle = 0.7
    read_matrix(made)
    return points[:: max(1, len(points) // 2000)]
