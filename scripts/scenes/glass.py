"""Builds things of glass and clear film: vessels, boxes, lenses, foil, bubbles."""

import numpy as np

from scripts.scenes import vessel
from scripts.scenes.materials import draw_colour, new_material, plain_material
from scripts.scenes.shapes import grid_quads, smooth_curve, superellipse
from scripts.scenes.solids import (
    add_box,
    add_tube,
    add_turned,
    frame,
    move,
    ring,
    soften,
)
from scripts.scenes.stage import Subject, add_mesh
from scripts.scenes.vectors import noise_field, normalise
from scripts.scenes.vessel import glass_material

OTHERS = ["box", "block", "prism", "lens", "spectacles", "foil", "bubbles", "balls"]


def film_material(tint, rough: float, mirror=0.04):
    """Makes a thin film: it mirrors most at a slant, and does not bend light.

    Args:
        tint: Linear RGB of what goes through.
        rough: Roughness of the mirror.
        mirror: Share that is mirrored when seen from the front.
    """
    material, nodes, link, output = new_material("film")
    clear, shine = (nodes.new(f"ShaderNodeBsdf{n}") for n in ("Transparent", "Glossy"))
    clear.inputs[0].default_value = (*tint, 1)
    shine.inputs["Roughness"].default_value = rough
    slant, mix = nodes.new("ShaderNodeLayerWeight"), nodes.new("ShaderNodeMixShader")
    power, share = nodes.new("ShaderNodeMath"), nodes.new("ShaderNodeMath")
    power.operation, share.operation = "POWER", "MULTIPLY_ADD"
    power.inputs[1].default_value = 5  # Schlick (1994), equation 15
    share.inputs[1].default_value, share.inputs[2].default_value = 1 - mirror, mirror
    slant.inputs["Blend"].default_value = 0.5
    link(slant.outputs["Facing"], power.inputs[0])
    link(power.outputs[0], share.inputs[0])
    link(share.outputs[0], mix.inputs[0])
    link(clear.outputs[0], mix.inputs[1])
    link(shine.outputs[0], mix.inputs[2])
    link(mix.outputs[0], output.inputs[0])
    return material


def build_boxes(kind: str, material, matrix, random) -> tuple:
    """Adds a solid block, an open box or a prism."""
    size = random.uniform(0.5, 1.5, 3)
    if kind == "block":
        points = add_box(size, material, matrix, bevel=random.uniform(0.01, 0.15))
        return [points], {"box": size.round(3).tolist()}
    corners = 4 if kind == "box" else int(random.choice([3, 5, 6, 8]))
    turn = (np.arange(corners) + 0.5) * 2 * np.pi / corners
    base = np.stack([np.cos(turn) * size[0], np.sin(turn) * size[1], 0 * turn], axis=1)
    row = np.arange(corners)
    after = (row + 1) % corners
    walls = np.stack([row, after, after + corners, row + corners], axis=1)
    high = [0, 0, size[2]]
    vertices = np.concatenate([base - high, base + high, [[0, 0, -size[2]]]])
    floor = np.stack([after, row, np.full(corners, 2 * corners)], axis=1)
    faces = [*walls.tolist(), *floor.tolist()]
    points = move(vertices, matrix)
    made = add_mesh("box", points, np.array(faces, dtype=object), [material])
    made.data.polygons.foreach_set("use_smooth", np.zeros(len(faces), bool))
    thick = made.modifiers.new("walls", "SOLIDIFY")
    thick.thickness, thick.use_even_offset = random.uniform(0.03, 0.08), True
    soften(made, 0.01)
    return [points], {"box": size.round(3).tolist(), "corners": corners}


def add_spectacles(rim, matrix, random) -> tuple:
    """Adds spectacles or sunglasses with a rim of the given material."""
    wide, high = random.uniform(0.55, 0.75), random.uniform(0.4, 0.6)
    thick, gap = random.uniform(0.015, 0.04), wide + random.uniform(0.08, 0.16)
    outline = np.insert(power_ring(wide, high, random.uniform(2, 5)), 2, 0, axis=1)
    tint = draw_colour(random, (0, 0.6), (0.1, 0.9))
    film, count = film_material(tint, 0.02), len(outline)
    shares = np.array([0, 0.5, 0.8, 1.0])[:, None, None]
    dish = outline * shares + [0, 0, 0.06] * (1 - shares**2)  # (4, count, 3)
    quads = grid_quads(4, count + 1)
    quads = quads // (count + 1) * count + quads % (count + 1) % count
    points = []
    for side in (-1, 1):
        across = np.array([side * gap, 0, 0])
        points.append(add_tube(move(outline + across, matrix), thick, rim, closed=True))
        add_mesh("lens", move(dish.reshape(-1, 3) + across, matrix), quads, [film])
        x = side * (gap + wide)
        arm = np.array([[x, 0.15, 0], [x * 1.05, 0.15, -0.3], [x, 0.15, -1.6],
                        [x * 0.97, -0.2, -2.0]])  # fmt: skip
        points.append(add_tube(move(smooth_curve(arm, 40), matrix), thick * 1.1, rim))
    bridge = np.array([[wide - gap, 0.1, 0], [0, 0.2, 0.06], [gap - wide, 0.1, 0]])
    points.append(add_tube(move(smooth_curve(bridge, 20), matrix), thick, rim))
    return points, {"wide": wide, "high": high, "lens": np.round(tint, 3).tolist()}


def build_lenses(kind: str, material, matrix, random) -> tuple:
    """Adds a magnifying glass, or spectacles."""
    metal = float(random.uniform() < 0.5)
    colour = draw_colour(random, (0, 0.8), (0.03, 0.8))
    rim = plain_material("rim", colour, 0.3, Metallic=metal)
    if kind == "spectacles":
        return add_spectacles(rim, matrix, random)
    bulge = [(0, -0.06), (0.5, -0.045), (0.99, -0.01), (0.99, 0.01), (0.5, 0.045),
             (0, 0.06)]  # fmt: skip
    power = random.uniform(1, 3)
    add_turned(smooth_curve(bulge * np.array([0.9, power]), 40), material, matrix)
    loop = np.insert(ring(0.9), 2, 0, axis=1)
    points = [add_tube(move(loop, matrix), 0.03, rim, closed=True)]
    stick = np.array([[0, -0.9, 0], [0, -2.2, 0]])
    points.append(add_tube(move(stick, matrix), 0.09, rim))
    return points, {"power": power}


def power_ring(wide: float, high: float, power: float) -> np.ndarray:
    """Makes a (64, 2) ring between an ellipse (power 2) and a rectangle (more)."""
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return superellipse(turn, power) * [wide, high]


def build_films(kind: str, tint, matrix, random) -> tuple:
    """Adds crumpled plastic foil, soap bubbles, or solid balls."""
    if kind == "foil":
        film = film_material(tint, random.uniform(0.02, 0.2), random.uniform(0.05, 0.2))
        x, y = np.meshgrid(*[np.linspace(-1, 1, 240)] * 2)
        points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1)
        points[:, 2] += random.uniform(0.3, 0.8) * (points[:, 0] ** 2 - 0.5)
        for frequency in (0.5, 1, 2, 4):  # sharp folds, as paper has
            lift = np.abs(noise_field(random, frequency)(points)) - 0.8
            points = points + lift * random.uniform(0.08, 0.16) / frequency
        points = move(points, matrix)
        add_mesh("foil", points, grid_quads(240, 240), [film])
        return [points[::29]], {}
    count = int(random.integers(3, 14) if kind == "bubbles" else random.integers(1, 6))
    material = glass_material(tint, 0)
    if kind == "bubbles":
        material = film_material(np.minimum(1, tint * 0.2 + 0.8), 0.02, 0.06)
    points, spread = [], 0.9 if kind == "bubbles" else 0.6
    turn = np.linspace(-np.pi / 2, np.pi / 2, 33)
    half = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for _ in range(count):
        place = frame(random.normal(0, spread, 3) * [1, 0.4, 0.8])
        points.append(add_turned(half * random.uniform(0.15, 0.6), material, place))
    return points, {"count": count}


def build_glass(random) -> Subject:
    """Adds something of glass or of clear film."""
    group = [vessel.STEMS, vessel.CUPS, vessel.NECKS, OTHERS, OTHERS][
        random.integers(5)
    ]
    kind = str(random.choice(group))
    tint, cloudy = np.ones(3), 0.0
    if random.uniform() < 0.6:
        tint = np.array(draw_colour(random, (0.2, 0.9), (0.5, 1)))
        cloudy = float(random.uniform(0.03, 0.25))
    rough = float(random.choice([0, 0, 0, 0.06, 0.15]))
    tilt = random.uniform(-0.5, 0.5) if random.uniform() < 0.3 else 0.0
    material = glass_material(tint, rough, cloudy)
    matrix = frame((0, 0, 0), (np.sin(tilt), 0, np.cos(tilt)))
    flat = kind in ("lens", "spectacles", "foil")
    if flat:  # drawn flat; stood up
        ahead = normalise(np.array([random.normal(0, 0.4), -1, random.normal(0, 0.3)]))
        matrix = frame((0, 0, 0), ahead)
    if kind in vessel.KINDS:
        points, drawn = vessel.build_vessel(kind, material, matrix, random)
    elif kind in ("box", "block", "prism"):
        points, drawn = build_boxes(kind, material, matrix, random)
    elif kind in ("lens", "spectacles"):
        points, drawn = build_lenses(kind, material, matrix, random)
    else:
        points, drawn = build_films(kind, tint, matrix, random)
    points = np.concatenate(points)
    parameters = {"kind": kind, "tint": tint.round(3).tolist(), "rough": rough}
    parameters |= {"cloudy": cloudy}
    parameters |= {"tilt": tilt} | drawn
    return Subject(parameters, points, points, 0.7 if flat else np.pi)
