"""Builds vessels of glass: drinking glasses, bottles, jars, bowls, bulbs."""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import smooth_curve
from scripts.scenes.solids import add_tube, add_turned, move

STEMS = ["wine", "flute", "coupe", "goblet"]  # drinking glasses with a foot
CUPS = ["tumbler", "bowl", "mug", "tube"]
NECKS = ["bottle", "vase", "flask", "jar", "decanter", "bulb"]
KINDS = [*STEMS, *CUPS, *NECKS]
RING = 96  # corners


def draw_outline(kind: str, random) -> np.ndarray:
    """Draws the (P, 2) outline, radius and height, of one of `KINDS`."""
    w, tall = random.uniform(0.4, 0.65), random.uniform(0.9, 1.3)
    neck = random.uniform(0.14, 0.2)
    foot = [(0, -1.2), (0.5, -1.2), (0.5, -1.17), (0.07, -1.08), (0.06, -0.3)]
    outlines = {
        "wine": [*foot, (0.2, -0.12), (w, 0.3), (w, 0.6), (w * 0.8, tall)],
        "flute": [*foot, (0.16, -0.1), (w * 0.55, 0.4), (w * 0.6, 0.9), (w / 2, 1.5)],
        "coupe": [*foot, (0.25, -0.2), (w * 1.2, 0.1), (w * 1.4, 0.3), (w * 1.4, 0.45)],
        "goblet": [(0, -1), (w, -1), (w, -0.95), (0.12, -0.8), (0.1, -0.7),
                   (0.14, -0.6), (w, -0.2), (w * 1.1, 0.3), (w, tall * 0.7)],
        "tumbler": [(0, -0.8), (w * 0.8, -0.8), (w * 0.85, -0.7), (w, tall * 0.6)],
        "bowl": [(0, -0.5), (w * 0.7, -0.5), (w * 0.8, -0.45), (w * 1.7, -0.1),
                 (w * 2, 0.3), (w * 2.1, 0.35)],
        "mug": [(0, -0.8), (w, -0.8), (w * 1.05, -0.7), (w, 0.1), (w * 1.05, tall / 2)],
        "tube": [(0, -1.3), (0.2, -1.24), (0.28, -1), (0.28, 0.2), (0.28, tall),
                 (0.33, tall + 0.03)],
        "bottle": [(0, -1.2), (w, -1.2), (w, -1.1), (w, 0.2), (neck * 1.5, 0.55),
                   (neck, 0.75), (neck, tall), (neck * 1.2, tall + 0.03)],
        "vase": [(0, -1.2), (w * 0.6, -1.2), (w * 0.75, -0.9), (w, -0.2),
                 (neck * 1.6, 0.6), (neck * 1.7, 0.8), (w * 0.8, tall)],
        "flask": [(0, -1.0), (w * 1.4, -1.0), (w * 1.45, -0.85), (neck, 0.3),
                  (neck, tall), (neck * 1.35, tall + 0.04)],
        "jar": [(0, -0.9), (w, -0.9), (w * 1.06, -0.8), (w * 1.06, 0.3),
                (w * 0.85, 0.55), (w * 0.85, 0.75), (w * 0.88, 0.78)],
        "decanter": [(0, -0.9), (w * 1.3, -0.9), (w * 1.5, -0.7), (w * 1.2, -0.3),
                     (neck, 0.3), (neck, tall), (neck * 2, tall + 0.2)],
        "bulb": [(0, -0.9), (0.3, -0.86), (w, -0.5), (w * 1.1, -0.1), (w * 0.9, 0.3),
                 (0.3, 0.7), (0.26, 0.9)],
    }  # fmt: skip
    return np.array(outlines[kind])


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


def fill(profile: np.ndarray, share: float) -> np.ndarray:
    """Gives the (P, 2) profile of a liquid in a hollow profile, full up to a share."""
    inside = profile[60:][::-1]
    low, high = inside[0, 1], inside[:, 1].max()
    level = low + (high - low) * share
    wet = inside[inside[:, 1] <= level]
    wet = np.maximum(wet - [0.006, -0.004], [0, -np.inf])
    return np.concatenate([wet, [[wet[-1, 0], level], [0, level]]])


def glass_material(tint, rough: float, cloudy=0.0):
    """Makes solid glass.

    Args:
        tint: Linear RGB. What shines through takes its colour from what is behind;
            a tint is seen in the glass itself only as far as that is cloudy.
        rough: Roughness.
        cloudy: Share of the light that the glass scatters itself.
    """
    clear = 1.0 - cloudy
    return plain_material("glass", tint, rough, Transmission_Weight=clear, IOR=1.45)


def add_stopper(kind: str, profile, matrix, random) -> tuple:
    """Adds a lid to a neck, or a straw to a cup; often nothing.

    Returns:
        List of its points, none or one (N, 3), and what it is.
    """
    mouth, rim = profile[59]
    if kind == "bulb" or kind in NECKS and random.uniform() < 0.6:
        metal = float(kind == "bulb" or random.uniform() < 0.5)
        lid = plain_material("lid", draw_colour(random, (0, 0.8)), 0.4, Metallic=metal)
        wide, low, high = mouth + 0.03, rim - 0.2, rim + 0.1
        cap = [(0, low), (mouth, low), (wide, low + 0.02), (wide, high - 0.02)]
        cap += [(mouth, high), (0, high)]
        return [add_turned(cap, lid, matrix, RING)], "metal" if metal else "plastic"
    if kind not in NECKS and kind != "bowl" and random.uniform() < 0.25:
        lean = np.array([[mouth * 0.5, 0, rim - 0.5], [-mouth * 0.7, 0, rim + 0.8]])
        straw = plain_material("straw", draw_colour(random), 0.5)
        return [add_tube(move(lean, matrix), 0.035, straw)], "straw"
    return [], ""


def build_vessel(kind: str, material, matrix, random) -> tuple:
    """Adds a vessel, and often what is in, on or around it.

    Args:
        kind: One of `KINDS`.
        material: Of the vessel.
        matrix: 4 x 4 place.
        random: Generator of the draws.

    Returns:
        List of (N, 3) points, and what was drawn.
    """
    wall = random.uniform(0.02, 0.05)
    # The inside begins above the foot, that of a wine glass above the stem.
    profile = hollow(draw_outline(kind, random), wall, 25 if kind in STEMS else 8)
    points = [add_turned(profile, material, matrix, RING)]
    filled = 0.0
    if kind not in ("bulb", "vase") and random.uniform() < 0.4:
        filled = float(random.uniform(0.25, 0.85))
        drink = glass_material(draw_colour(random, (0.2, 0.9), (0.5, 1)), 0, 0.25)
        add_turned(fill(profile, filled), drink, matrix, RING)
    added, top = add_stopper(kind, profile, matrix, random)
    if kind == "mug":
        turn = np.linspace(-1.45, 1.45, 24)
        handle = [profile[20, 0] + 0.3 * np.cos(turn), 0 * turn, 0.35 * np.sin(turn)]
        handle = np.stack(handle, axis=1) - [0.05, 0, 0.2]
        points.append(add_tube(move(handle, matrix), 0.06, material))
    return points + added, {"wall": wall, "filled": filled, "top": top}
