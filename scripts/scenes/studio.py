"""Lights and camera in Blender, drawn anew for every view.

Blender (bpy) is imported when they are set, not with this module.
"""

from pathlib import Path

import numpy as np

from scripts.scenes.stage import Subject, read_matrix
from scripts.scenes.vectors import UP, normalise


def aim(thing, location, target) -> None:
    """Moves a camera or light and turns it to `target`."""
    from mathutils import Vector

    thing.location = location
    look = Vector(np.asarray(target) - np.asarray(location))
    thing.rotation_euler = look.to_track_quat("-Z", "Y").to_euler()


def set_lights(scene, random, radius: float) -> dict:
    """Lights the scene by a studio picture, a key and often a rim light.

    Args:
        scene: Scene that is lit; its lights are replaced.
        random: Generator of the draws.
        radius: Half the extent of the subject.

    Returns:
        What was drawn, for the manifest.
    """
    import bpy

    for light in [thing for thing in scene.objects if thing.type == "LIGHT"]:
        bpy.data.objects.remove(light)
    drawn = set_sky(scene, random)
    for name, chance, depth in (("key", 0.85, -2.0), ("rim", 0.5, 2.0)):
        if random.uniform() > chance:
            continue
        light = bpy.data.lights.new(name, "AREA")
        light.energy = random.uniform(40, 160) * radius**2
        light.size = random.uniform(0.2, 1.2) * radius
        light.color = np.clip(random.normal(0.93, 0.05, 3), 0.7, 1)
        lamp = bpy.data.objects.new(name, light)
        scene.collection.objects.link(lamp)
        place = [random.uniform(-2.5, 2.5), depth, random.uniform(0.3, 2.5)]
        aim(lamp, np.array(place) * radius, (0, 0, 0))
        drawn[name] = round(light.energy, 1)
    return drawn


def set_sky(scene, random) -> dict:
    """Surrounds the scene by one of Blender's CC0 studio pictures, turned anyhow."""
    import bpy

    tree = scene.world.node_tree
    tree.nodes.clear()
    new, link = tree.nodes.new, tree.links.new
    lights = Path(bpy.utils.resource_path("LOCAL")) / "datafiles/studiolights/world"
    picture = str(random.choice(sorted(path.name for path in lights.glob("*.exr"))))
    where, turn = new("ShaderNodeTexCoord"), new("ShaderNodeMapping")
    sky, shader = new("ShaderNodeTexEnvironment"), new("ShaderNodeBackground")
    sky.image = bpy.data.images.load(str(lights / picture), check_existing=True)
    turn.inputs["Rotation"].default_value[2] = random.uniform(0, 2 * np.pi)
    shader.inputs[1].default_value = strength = random.uniform(0.7, 1.4)
    link(where.outputs["Generated"], turn.inputs[0])
    link(turn.outputs[0], sky.inputs[0])
    link(sky.outputs[0], shader.inputs[0])
    link(shader.outputs[0], new("ShaderNodeOutputWorld").inputs[0])
    return {"picture": picture, "strength": strength}


def set_camera(scene, subject: Subject, close: bool, random) -> dict:
    """Aims the camera at the whole subject, or close at a part of its outline.

    Returns:
        What was drawn, for the manifest.
    """
    azimuth = random.uniform(subject.turned, subject.azimuth) * random.choice([-1, 1])
    height = random.uniform(-0.15, 0.35)
    back = normalise(np.array([np.sin(azimuth), -np.cos(azimuth), np.tan(height)]))
    right = normalise(np.cross(UP, back))
    top = np.cross(back, right)
    spread = subject.points @ np.stack([right, top], axis=1)  # (N, 2)
    low, high = spread.min(axis=0), spread.max(axis=0)
    middle, radius = (low + high) / 2, (high - low).max() / 2
    distance = random.uniform(5, 9) * radius
    margin = random.uniform(1.08, 1.3)
    centre = right * middle[0] + top * middle[1]
    centre = centre + back * (subject.points @ back).mean()
    if close:
        target = draw_rim_point(subject.detail, centre, back, random)
        margin = random.uniform(0.35, 0.6)
        centre = target * 0.85 + centre * 0.15
    camera = scene.camera
    camera.data.angle = 2 * np.arctan(radius * margin / distance)
    camera.data.clip_end = 1000
    aim(camera, centre + back * distance, centre)
    drawn = {"azimuth": azimuth, "height": height, "distance": distance}
    return drawn | {"margin": margin, "close": close}


def set_defocus(scene, subject: Subject, random) -> dict:
    """Focuses the camera near the subject's front and opens its aperture.

    Args:
        scene: Its camera is aimed.
        subject: What it sees.
        random: Generator of the draws.

    Returns:
        `focus`, distance of what is sharp, and `blur`, diameter of the disc that a
        point at the back becomes, a share of the picture's width.
    """
    camera = scene.camera
    matrix = read_matrix(camera)
    depth = (matrix[:3, 3] - subject.points) @ matrix[:3, 2]  # cameras look along -z
    low, high = np.percentile(depth, [2, 98])
    middle = np.median(depth)
    width = 2 * middle * np.tan(camera.data.angle / 2)
    deep = max(high - low, 0.3 * width)
    focus = low + deep * random.uniform(-0.15, 0.35)
    blur = random.uniform(0.01, 0.04)
    far = low + deep
    aperture = blur * width * focus * far / (2 * middle * (far - focus))  # radius
    lens = camera.data.dof
    lens.use_dof, lens.focus_distance = True, focus
    lens.aperture_fstop = camera.data.lens * 1e-3 / (2 * aperture)  # lens is in mm
    return {"focus": round(float(focus), 4), "blur": round(blur, 4)}


def draw_rim_point(points, centre, back, random) -> np.ndarray:
    """Draws a point near the outline of what the camera sees.

    Args:
        points: (N, 3) points to choose from.
        centre: (3,) middle of the view.
        back: (3,) unit direction from there to the camera.
        random: Generator of the draws.

    Returns:
        (3,) point.
    """
    way = random.uniform(-1, 1, 3) + UP * 0.3
    some = points[random.choice(len(points), 400)]
    reach = (some - centre) @ normalise(way - back * (way @ back))
    return some[np.argsort(reach)[int(len(some) * random.uniform(0.85, 0.97))]]
