"""The scene in Blender: its settings, its objects, and the two passes of a view.

The builders of this package put objects on the stage and return a `Subject`; then come
lights and camera (`studio`) and `render_view`. Blender (bpy) is imported when the scene
is made, not with this module.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scripts.scenes.materials import glowing_material
from scripts.scenes.passes import blur_by_motion, merge_passes
from scripts.scenes.shapes import lathe

ALPHA_SAMPLES = 40  # per pixel: steps of 1/40 of opacity, before the pixel filter
GLASS_SAMPLES = 6  # times those of other objects: bent light is noisier
DEFOCUS_SAMPLES = (2, 6)  # times those of sharp frames: colour, alpha


class Subject(NamedTuple):
    """What a builder made.

    Attributes:
        parameters: Every choice that was drawn, for the manifest.
        points: (N, 3) points that a view of the whole must show.
        detail: (M, 3) points worth a close-up.
        azimuth: Largest turn of the camera from the front, radians.
        turned: Least turn.
    """

    parameters: dict
    points: np.ndarray
    detail: np.ndarray
    azimuth: float
    turned: float = 0.0


def reset_scene(size: int, threads: int, seed: int):
    """Empties Blender and sets what all frames share; returns the scene.

    Args:
        size: Width and height of the frames, pixels.
        threads: Processor threads.
        seed: Of the renderer's noise.
    """
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.seed = seed % 2**31
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.transparent_max_bounces = 32
    scene.cycles.sample_clamp_indirect = 8
    scene.cycles.use_light_tree = False  # there are few lights
    scene.cycles_curves.shape, scene.cycles_curves.subdivisions = "RIBBONS", 1
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.filter_size = 1.2  # pixels
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode = "OPEN_EXR", "RGBA"
    settings.color_depth = "32"
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)
    return scene


def blender_version() -> str:
    """Names the release of Blender, such as "4.5.1 LTS"."""
    import bpy

    return bpy.app.version_string


def add_mesh(name: str, vertices, faces, materials, material_of_face=None):
    """Adds a smooth mesh object to the scene and returns it.

    Args:
        name: Of the object.
        vertices: (V, 3) positions.
        faces: (F, 3 or 4) vertex numbers.
        materials: List of materials.
        material_of_face: (F,) numbers of a material, or None for the first.
    """
    import bpy

    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    for material in materials:
        mesh.materials.append(material)
    if material_of_face is not None:
        mesh.polygons.foreach_set("material_index", material_of_face.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def add_strands(name: str, strands, radius, material, tip=0.25) -> None:
    """Adds strands that taper to their tips.

    Args:
        name: Of the object.
        strands: (N, K, 3), or a list of (K, 3) of different K.
        radius: At the roots, a number or (N,).
        material: Of all of them.
        tip: Radius of the tips as a share of the roots'.
    """
    import bpy

    counts = np.array([len(strand) for strand in strands])
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves(counts.tolist())
    points = np.concatenate(list(strands)).astype(np.float32)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    along = (np.arange(len(points)) - first) / np.repeat(counts - 1, counts)
    widths = np.repeat(np.broadcast_to(radius, counts.shape), counts)
    widths = (widths * (1 - (1 - tip) * along)).astype(np.float32)
    curves.points.foreach_set("position", points.ravel())
    curves.points.foreach_set("radius", widths)
    curves.materials.append(material)
    made = bpy.data.objects.new(name, curves)
    bpy.context.scene.collection.objects.link(made)


def add_ball(centre, radii, material, rotation=(0, 0, 0)) -> np.ndarray:
    """Adds an ellipsoid and returns its 4 x 4 matrix, from the unit ball."""
    # Blender's own sphere differs from run to run in the order of its vertices.
    angle = np.linspace(-np.pi / 2, np.pi / 2, 25)
    profile = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    vertices, quads = lathe(profile, 48)
    ball = add_mesh("ball", vertices, quads, [material])
    ball.location, ball.scale, ball.rotation_euler = centre, radii, rotation
    return read_matrix(ball)


def read_matrix(made) -> np.ndarray:
    """Reads where an object is: (4, 4) from its own coordinates to the scene's."""
    import bpy

    bpy.context.view_layer.update()
    return np.array(made.matrix_world)


def render_view(
    scene, samples: int, bright: float, see_through: bool, motion: dict | None = None
) -> np.ndarray:
    """Renders one view by its two passes, which are blurred alike.

    Args:
        scene: Ready scene; its camera tells whether it is defocused.
        samples: Colour samples per pixel.
        bright: Linear level of the bright parts.
        see_through: True for glass, whose alpha is the colour pass' own.
        motion: From `draw_motion`, or None for a still view.

    Returns:
        (size, size, 4) uint8 straight RGBA.
    """
    more, finer = DEFOCUS_SAMPLES if scene.camera.data.dof.use_dof else (1, 1)
    if see_through:
        scene.cycles.film_transparent_glass = True
        scene.cycles.film_transparent_roughness = 0.2
        shadow = colour = render_pass(scene, samples * GLASS_SAMPLES * more, 12)
    else:
        colour = render_pass(scene, samples * more, 3)
        glow = glowing_material("alpha")
        shadow = render_pass(scene, ALPHA_SAMPLES * finer, 0, glow)
    if motion:
        colour, shadow = (blur_by_motion(light, motion) for light in (colour, shadow))
    alpha = np.clip(shadow[..., 3], 0, 1)
    return merge_passes(colour, alpha, bright, see_through)


def render_pass(scene, samples: int, bounces: int, override=None) -> np.ndarray:
    """Renders once.

    Args:
        scene: Ready scene.
        samples: Samples per pixel.
        bounces: Bounces of light; 0 for an alpha pass.
        override: Material of every surface for an alpha pass, else None.

    Returns:
        (size, size, 4) float32, linear, multiplied by alpha.
    """
    import bpy

    cycles = scene.cycles
    cycles.samples, cycles.use_adaptive_sampling = samples, False
    cycles.use_denoising = override is None
    cycles.max_bounces = cycles.transmission_bounces = bounces
    cycles.diffuse_bounces = cycles.glossy_bounces = min(bounces, 3)
    bpy.context.view_layer.material_override = override
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "pass.exr"
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        return read_pixels(path, scene.render.resolution_x)


def read_pixels(path: Path, size: int) -> np.ndarray:
    """Reads a rendered file: (size, size, 4) float32, linear, multiplied by alpha."""
    import bpy

    image = bpy.data.images.load(str(path))
    pixels = np.empty(size * size * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(size, size, 4)[::-1].copy()  # Blender's first row is lowest
