"""Builds hard-edged things with holes: wheels, chairs, keys, chains, gears, tools."""

import numpy as np

from scripts.scenes.furniture import FURNITURE
from scripts.scenes.materials import draw_colour, new_material, plain_material
from scripts.scenes.solids import add_box, add_plate, add_tube, add_turned, frame, ring
from scripts.scenes.stage import Subject


def wood_material(colour):
    """Makes wood with bands of two shades of a linear RGB colour."""
    material, nodes, link, output = new_material("wood")
    shader, grain = (
        nodes.new(f"ShaderNode{n}") for n in ("BsdfPrincipled", "TexNoise")
    )
    place, stretch = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
    ramp = nodes.new("ShaderNodeValToRGB")
    stretch.inputs["Scale"].default_value = (14, 14, 1.2)
    grain.inputs["Scale"].default_value = 2
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = (
        0.3,
        0.7,
    )
    ramp.color_ramp.elements[0].color = (*[part * 0.45 for part in colour], 1)
    ramp.color_ramp.elements[1].color = (*colour, 1)
    shader.inputs["Roughness"].default_value = 0.5
    link(place.outputs["Object"], stretch.inputs[0])
    link(stretch.outputs[0], grain.inputs[0])
    link(grain.outputs[0], ramp.inputs[0])
    link(ramp.outputs[0], shader.inputs["Base Color"])
    link(shader.outputs[0], output.inputs[0])
    return material


def draw_material(random) -> tuple:
    """Draws metal, plastic, paint or wood; returns the material and its name."""
    kind = str(random.choice(["metal", "plastic", "paint", "wood", "rust"]))
    rough = float(random.uniform(0.15, 0.6))
    if kind == "wood":
        tone = random.uniform(0.15, 0.6)
        return wood_material(np.array([1, 0.6, 0.33]) * tone), kind
    if kind == "metal":
        colour = [
            (0.6, 0.6, 0.62),
            (0.75, 0.55, 0.25),
            (0.2, 0.2, 0.22),
            (0.7, 0.4, 0.3),
        ]
        tone = colour[random.integers(4)]
        return plain_material(kind, tone, rough, Metallic=1.0), kind
    if kind == "rust":
        return plain_material(kind, (0.22, 0.09, 0.04), 0.9), kind
    coat = {"Coat_Weight": 0.8} if kind == "paint" else {}
    return plain_material(kind, draw_colour(random), rough, **coat), kind


def add_wheel(random, first, second) -> list:
    """Adds a bicycle's wheel with thin crossing spokes."""
    count, upright = int(random.choice([20, 24, 32, 36])), frame(ahead=(0, 1, 0))
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    rim = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1)
    black = plain_material("tyre", (0.02, 0.02, 0.02), 0.8)
    points = [add_tube(rim, random.uniform(0.03, 0.08), black, closed=True)]
    add_tube(rim * 0.94, 0.03, first, closed=True)
    angle = np.arange(count) * 2 * np.pi / count
    hub = angle + np.where(np.arange(count) % 4 < 2, 1, -1) * random.uniform(0.2, 1.4)
    side = np.where(np.arange(count) % 2, 1, -1) * 0.12
    inner = np.stack([0.08 * np.cos(hub), side, 0.08 * np.sin(hub)], axis=1)
    outer = np.stack([0.94 * np.cos(angle), 0 * angle, 0.94 * np.sin(angle)], axis=1)
    spokes = np.stack([inner, outer], axis=1)
    steel = plain_material("spokes", (0.5, 0.5, 0.52), 0.3, Metallic=1.0)
    points.append(add_tube(list(spokes), random.uniform(0.004, 0.009), steel))
    profile = [(0, -0.2), (0.03, -0.2), (0.03, -0.14), (0.1, -0.13), (0.05, -0.1),
               (0.05, 0.1), (0.1, 0.13), (0.03, 0.14), (0.03, 0.2),
               (0, 0.2)]  # fmt: skip
    return [*points, add_turned(profile, first, upright)]


def add_gear(random, first, second) -> list:
    """Adds one to three gears with holes."""
    points = []
    for number in range(int(random.integers(1, 4))):
        teeth, size = int(random.integers(10, 36)), random.uniform(0.4, 0.9)
        turn = np.linspace(0, 2 * np.pi, teeth * 16, endpoint=False)
        tooth = np.clip(2.2 * np.sin(turn * teeth), -1, 1)
        rim = ring(1, teeth * 16) * (size * (1 + 1.3 / teeth * tooth))[:, None]
        holes = [ring(size * random.uniform(0.1, 0.2))]
        count = int(random.choice([0, 3, 4, 5, 6]))
        for angle in np.arange(count) * 2 * np.pi / max(count, 1):
            middle = 0.58 * size * np.array([np.cos(angle), np.sin(angle)])
            holes.append(ring(size * 0.9 / max(count, 4)) + middle)
        place = frame((number * 1.1, number * 0.2, number * random.uniform(-0.6, 0.6)),
                      (random.normal(0, 0.1), 1, random.normal(0, 0.1)))  # fmt: skip
        metal = (first, second)[number % 2]
        points.append(add_plate([rim, *holes], random.uniform(0.08, 0.3), metal, place))
    return points


def add_key(random, first, second) -> list:
    """Adds keys on a ring."""
    points = []
    for lean in random.uniform(-0.8, 0.8, int(random.integers(1, 5))):
        bow, long = random.uniform(0.22, 0.34), random.uniform(0.9, 1.3)
        side = np.linspace(-long, -0.25, int(random.integers(8, 16)))
        bits = 0.07 + 0.06 * random.uniform(-1, 1, len(side))
        left = np.stack([-np.repeat(bits, 2)[:-1], np.repeat(side, 2)[1:]], axis=1)
        turn = np.linspace(-1.25, np.pi + 1.25, 40)
        head = np.stack([np.cos(turn), np.sin(turn)], axis=1)[::-1] * bow
        outline = np.concatenate([left, head, [[0.09, -0.3], [0.09, -long]]])
        hole = ring(bow * random.uniform(0.3, 0.65)) + [0, bow * 0.25]
        ahead = (random.normal(0, 0.3), -1, random.normal(0, 0.3))
        place = frame((0, 0, 0), ahead, (np.cos(lean), 0, np.sin(lean)))
        place[:3, 3] = place[:3, :3] @ [0, -bow * 0.8, 0]
        points.append(add_plate([outline, hole], 0.04, first, place))
    loop = np.insert(ring(0.3), 1, 0, axis=1) + [0, 0, 0.25]
    return [*points, add_tube(loop, 0.025, second, closed=True)]


def add_chain(random, first, second) -> list:
    """Adds a hanging chain."""
    count, wide = int(random.integers(8, 20)), random.uniform(0.5, 0.7)
    t = np.linspace(-1, 1, count)
    way = np.stack([t, 0 * t, t**2 * random.uniform(0, 1.5) - 0.5], axis=1)
    size = 2.6 / count
    points = []
    for number, middle in enumerate(way):
        along = np.gradient(way, axis=0)[number]
        flip = (0, 1, 0) if number % 2 else (along[2], 0, -along[0])
        place = frame(middle, flip, along)
        loop = np.insert(ring(size * wide * 0.55, 32, 1.6), 2, 0, axis=1)
        loop = loop @ place[:3, :3].T + middle
        points.append(add_tube(loop, size * 0.14, first, closed=True))
    return points


def add_scissors(random, first, second) -> list:
    """Adds open scissors."""
    points, gape = [], random.uniform(0.1, 0.45)
    for sign in (-1, 1):
        blade = np.array(
            [[-0.07, 0], [0.05, -0.2], [0.09, 0], [0.02, 1.2], [-0.03, 1.0]]
        )
        turn = gape * sign
        across = (np.cos(turn) * sign, 0, np.sin(turn) * sign)
        place = frame((0, 0.03 * sign, 0), (0, -1.0 * sign, 0), across)
        points.append(add_plate([blade], 0.02, first, place, 0.005))
        stem = np.array([[0.0, 0.05, 0], [-0.02, -0.4, 0], [-0.14, -0.6, 0]])
        loop = np.insert(ring(0.22, 48, 0.7), 2, 0, axis=1) + [-0.16, -0.8, 0]
        rotate = place[:3, :3].T
        points.append(add_tube(stem @ rotate + place[:3, 3], 0.05, second))
        points.append(add_tube(loop @ rotate + place[:3, 3], 0.05, second, closed=True))
    return points


def add_tool(random, first, second) -> list:
    """Adds a spanner, a hammer or a fork."""
    kind, upright = int(random.integers(3)), frame(ahead=(0, -1, 0))
    if kind == 0:
        turn = np.linspace(-np.pi / 2 + 0.5, 1.5 * np.pi - 0.5, 40)
        top = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 0.3
        top = top[:, ::-1] * [1, -1] * [1, -1] + [0, 1]
        gap = [[-0.14, 1.02], [0.14, 1.02]]
        jaw = np.concatenate([[[0.08, 0.75], [0.3, 1.0], [0.24, 1.25], [0.13, 1.3]],
                              [gap[1], gap[0]], [[-0.13, 1.3], [-0.24, 1.25]],
                              [[-0.3, 1.0], [-0.08, 0.75]]])  # fmt: skip
        end = ring(0.22)[::-1] * [1, 1] - [0, 1]
        end = end[(np.abs(end[:, 0]) > 0.08) | (end[:, 1] < -1)]
        order = np.argsort(np.arctan2(end[:, 0], -(end[:, 1] + 1)))
        outline = np.concatenate([jaw, end[order]])
        plates = [outline, ring(0.11, 6) - [0, 1]]
        return [add_plate(plates, 0.08, first, upright, 0.02)]
    if kind == 1:
        stick = np.array([[0, 0, -1.3], [0, 0, 0.9]])
        head = add_box((0.9, 0.26, 0.26), first, frame((0.05, 0, 0.9)), 0.04)
        return [add_tube(stick, 0.08, second), head]
    tines, points = int(random.integers(3, 6)), []
    for x in np.linspace(-0.3, 0.3, tines):
        tine = np.array([[x, 0, 0.1], [x, -0.06, 0.5], [x, 0, 1.0]])
        points.append(add_tube(tine, 0.025, first))
    bar = np.array([[-0.33, 0, 0.1], [0.33, 0, 0.1]])
    stick = np.array([[0, 0, 0.1], [0, 0, -1.4]])
    return [*points, add_tube(bar, 0.035, first), add_tube(stick, 0.05, second)]


HARD = {
    "wheel": add_wheel,
    "gear": add_gear,
    "key": add_key,
    "chain": add_chain,
    "scissors": add_scissors,
    "tool": add_tool,
    **FURNITURE,
}


def build_hard(random) -> Subject:
    """Adds one hard-edged thing of two materials."""
    kind = str(random.choice(list(HARD)))
    first, name = draw_material(random)
    second, other = draw_material(random)
    points = np.concatenate(HARD[kind](random, first, second))
    points = (
        points[random.integers(len(points), size=3000)]
        if len(points) > 6000
        else points
    )
    parameters = {"kind": kind, "material": name, "second": other}
    return Subject(parameters, points, points, np.pi * (0.3 if kind == "key" else 1))
