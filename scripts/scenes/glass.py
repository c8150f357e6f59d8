"""Builds glass vessels with walls of real thickness."""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import lathe, smooth_curve
from scripts.scenes.stage import Subject, add_mesh, read_matrix

KINDS = ["wine", "bottle", "tumbler", "vase", "flask"]
RING = 96  # corners


def draw_vessel(random):
    """Draws a vessel: its name and its (P, 2) outline of radius and height."""
    kind = str(random.choice(KINDS))
    wide, tall = random.uniform(0.4, 0.65), random.uniform(0.9, 1.3)
    neck = random.uniform(0.14, 0.2)
    outlines = {
        "wine": [(0, -1.2), (0.5, -1.2), (0.5, -1.17), (0.07, -1.08), (0.06, -0.3),
                 (0.2, -0.12), (wide, 0.3), (wide, 0.6), (wide * 0.8, tall)],
        "bottle": [(0, -1.2), (wide, -1.2), (wide, -1.1), (wide, 0.2),
                   (neck * 1.5, 0.55), (neck, 0.75), (neck, tall),
                   (neck * 1.2, tall + 0.03)],
        "tumbler": [(0, -0.8), (wide * 0.8, -0.8), (wide * 0.85, -0.7),
                    (wide, tall * 0.6)],
        "vase": [(0, -1.2), (wide * 0.6, -1.2), (wide * 0.75, -0.9), (wide, -0.2),
                 (neck * 1.6, 0.6), (neck * 1.7, 0.8), (wide * 0.8, tall)],
        "flask": [(0, -1.0), (wide * 1.4, -1.0), (wide * 1.45, -0.85), (neck, 0.3),
                  (neck, tall), (neck * 1.35, tall + 0.04)],
    }  # fmt: skip
    return kind, np.array(outlines[kind])


def hollow(outline: np.ndarray, wall: float, solid: int) -> np.ndarray:
    """Gives an outline an inside.

    Args:
        outline: (P, 2) radius and height, from the axis outside up.
        wall: Thickness.
        solid: Points of the smoothed outline (60) up to which the vessel is solid.

    Returns:
        (121 - solid, 2) closed profile, outside up and inside down to the axis.
    """
    outside = smooth_curve(outline, 60)
    inside = outside[solid:][::-1] - [wall, 0]
    inside = np.maximum(inside, [0, inside[:, 1].min() + wall])
    return np.concatenate([outside, inside, [[0, inside[-1, 1]]]])


def build_glass(random) -> Subject:
    """Adds a glass vessel."""
    kind, outline = draw_vessel(random)
    wall = random.uniform(0.02, 0.05)
    # The inside begins above the foot, that of a wine glass above the stem.
    profile = hollow(outline, wall, solid=25 if kind == "wine" else 8)
    vertices, quads = lathe(profile, RING)
    tint = np.ones(3)
    if random.uniform() < 0.5:
        tint = np.array(draw_colour(random, (0.1, 0.6), (0.7, 1)))
    rough = float(random.choice([0, 0, 0, 0.06, 0.15]))
    material = plain_material("glass", tint, rough, Transmission_Weight=1.0, IOR=1.45)
    made = add_mesh("vessel", vertices, quads, [material])
    made.modifiers.new("weld", "WELD").merge_threshold = 1e-4
    tilt = random.uniform(-0.5, 0.5) if random.uniform() < 0.3 else 0.0
    made.rotation_euler = (0, tilt, 0)
    turned = vertices @ read_matrix(made)[:3, :3].T
    parameters = {"kind": kind, "wall": wall, "tint": tint.round(3).tolist()}
    parameters |= {"rough": rough, "tilt": tilt}
    return Subject(parameters, turned, turned, np.pi)
