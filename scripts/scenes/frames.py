"""The frames of a built scene: lights, camera and blur drawn anew for every view.

The draws of a view depend on its seed alone, so a view that is made again, alone or
after others, is the same. Blender (bpy) is needed when a view is drawn.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.scenes.passes import draw_motion
from scripts.scenes.stage import Subject, render_view
from scripts.scenes.studio import set_camera, set_defocus, set_lights

TRIES = 4  # cameras a view may have, until one shows neither nothing nor only object
COVERS = 0.02, 0.9  # least and most mean alpha of a good frame
BLURRED = 1 / 6  # share of the views that move, and of those out of focus
CAMERAS, BLURS = 1, 2  # what else is drawn, after the seed of the view


def name_frame(kind: str, index: int, view: int) -> str:
    """Names the file of a frame in the folder of a run.

    >>> name_frame("hair", 7, 0)
    'foregrounds/hair-007-0.webp'
    """
    return f"foregrounds/{kind}-{index:03d}-{view}.webp"


def draw_view(
    scene, subject: Subject, seed: list[int], samples: int, see_through: bool
) -> tuple[np.ndarray, dict]:
    """Lights, aims and renders one view of the scene.

    Args:
        scene: Scene with the subject.
        subject: What the builder made.
        seed: Of the scene, and number of the view: each third is a close-up.
        samples: Colour samples per pixel.
        see_through: True for glass.

    Returns:
        (size, size, 4) uint8 straight RGBA, and all that was drawn: `lights`,
        `camera`, `bright`, `motion` and `defocus` (None for a still and for a sharp
        view), `tries`, how many cameras there were, `cover` and `soft`.
    """
    random = np.random.default_rng(seed)
    close = seed[-1] % 3 == 2
    radius = float(np.ptp(subject.points, axis=0).max()) / 2
    drawn = {"lights": set_lights(scene, random, radius)}
    for attempt in range(1, TRIES + 1):
        if attempt > 1:
            close = close and attempt < TRIES  # at last the whole object
            cameras = np.random.default_rng([*seed, CAMERAS, attempt])
            drawn["camera"] = set_camera(scene, subject, close, cameras)
        else:
            drawn["camera"] = set_camera(scene, subject, close, random)
            drawn["bright"] = random.uniform(0.4, 0.8)
        drawn |= draw_blur(scene, subject, np.random.default_rng([*seed, BLURS]))
        rgba = render_view(
            scene, samples, drawn["bright"], see_through, drawn["motion"]
        )
        measured = measure_alpha(rgba[..., 3])
        if COVERS[0] <= measured["cover"] <= COVERS[1]:
            break
    return rgba, drawn | {"tries": attempt} | measured


def draw_blur(scene, subject: Subject, random) -> dict:
    """Draws whether the view moves, and whether it is out of focus: two entries."""
    scene.camera.data.dof.use_dof = False
    moves, defocused = random.uniform(size=2) < BLURRED
    motion = draw_motion(random) if moves else None
    defocus = set_defocus(scene, subject, random) if defocused else None
    return {"motion": motion, "defocus": defocus}


def measure_alpha(alpha: np.ndarray) -> dict:
    """Measures an (H, W) uint8 alpha: its mean, and its share of soft pixels.

    >>> measure_alpha(np.uint8([[0, 0, 51, 255]]))
    {'cover': 0.3, 'soft': 0.25}
    """
    alpha = alpha / 255
    soft = np.mean((alpha > 0.02) & (alpha < 0.98))
    return {"cover": round(float(alpha.mean()), 4), "soft": round(float(soft), 4)}


def write_webp(path: Path, rgba: np.ndarray) -> None:
    """Writes (H, W, 4) uint8 with an exact alpha, whole or not at all."""
    temporary = path.with_suffix(".part")
    Image.fromarray(rgba).save(
        temporary, "WEBP", quality=92, alpha_quality=100, exact=True, method=4
    )
    os.replace(temporary, path)
