"""What a command is to make: its options, checked, and the tasks they amount to."""

import argparse
import functools
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from tqdm import tqdm

from model import layers, matting
from scripts.composites import groups, manifest, storage, workers
from scripts.composites.sample import Canvas, Sample, list_samples
from scripts.help import add_verbosity

SCRIPTS = Path(__file__).resolve().parents[1]
SMALLEST_SIDE = 32  # pixels


class Plan(NamedTuple):
    """What a command is to make.

    Attributes:
        canvas: What all composites have in common.
        tasks: All tasks, as `storage.list_tasks` gives them.
        choices: The content of options.json.
        listed: The content of layers.json.
        rejected: Foregrounds of an earlier run rejected since.
        faults: How many layers cannot be used.
    """

    canvas: Canvas
    tasks: list[list[Sample]]
    choices: dict
    listed: dict
    rejected: list[str]
    faults: int


def add_options(parser: argparse.ArgumentParser, storage_default: str) -> None:
    """Adds the options that all commands share."""
    add = parser.add_argument
    starter = SCRIPTS / "starter"
    # data
    add("--foregrounds", type=Path, default=starter / "foregrounds", help="cut-outs")
    add("--backgrounds", type=Path, default=starter / "backgrounds", help="photographs")
    add("--output", type=Path, default=SCRIPTS / "data", help="folder to fill")
    add(
        "--format",
        choices=storage.FORMATS,
        default=storage_default,
        help="four PNG files per composite, or a TFRecord file per foreground",
    )
    # composites
    add("--per-foreground", type=int, default=20, help="composites of each cut-out")
    add("--size", default="960x720", help="WIDTHxHEIGHT in pixels")
    add(
        "--erosion",
        type=float,
        nargs=2,
        default=[0.002, 0.03],
        help="range of both trimap radii, as fractions of the longer side",
        metavar=("MIN", "MAX"),
    )
    add(
        "--gamma",
        type=float,
        default=matting.CAMERA_GAMMA,
        help="of the light that is added up as in a camera; 1 adds the values of the "
        "files as a picture editor does",
    )
    add(
        "--val-fraction",
        type=float,
        default=0.1,
        help="share kept for validation, 1 to test only",
    )
    add("--seed", type=int, default=0, help="of every random choice")
    # training
    add(
        "--weights",
        nargs="*",
        default=[],
        metavar="CLASS=N",
        help="train on cut-outs of a class N times as often; composites stay",
    )
    add_verbosity(parser, "tell the name of each composite made")


def parse_size(size: str) -> tuple[int, int]:
    """Reads `WIDTHxHEIGHT` and returns height and width in pixels."""
    width, _, height = size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ValueError(f"--size: not WIDTHxHEIGHT, got {size!r}; give e.g. 960x720")
    if min(int(width), int(height)) < SMALLEST_SIDE:
        raise ValueError(
            f"--size: below {SMALLEST_SIDE} pixels, got {size}; enlarge it"
        )
    if int(width) * int(height) > Image.MAX_IMAGE_PIXELS:
        raise ValueError(
            f"--size: more than {Image.MAX_IMAGE_PIXELS} pixels, got {size}; reduce it"
        )
    return int(height), int(width)


def check_options(options: argparse.Namespace) -> None:
    """Refuses numbers and folders that cannot work, before anything is done."""
    for name in ("per_foreground", "workers"):
        if vars(options)[name] < 1:
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag}: got {vars(options)[name]}; give 1 or more")
    if not 0 <= options.val_fraction <= 1:
        raise ValueError(f"--val-fraction: got {options.val_fraction}; give 0 to 1")
    if not 0 <= options.erosion[0] <= options.erosion[1] <= 0.25:
        raise ValueError(
            f"--erosion: got {options.erosion[0]} {options.erosion[1]}; "
            "give MIN <= MAX, both from 0 to 0.25"
        )
    if not 1 <= options.gamma <= 4:
        raise ValueError(f"--gamma: got {options.gamma}; give 1 to 4")
    if options.output.exists() and not options.output.is_dir():
        raise ValueError(f"--output: {options.output} is a file; name a folder")
    groups.parse_weights(options.weights)
    for folder in (options.foregrounds, options.backgrounds):
        if options.output.resolve().is_relative_to(folder.resolve()):
            raise ValueError(
                f"--output: {options.output} lies inside {folder}; choose another"
            )


def make_plan(
    options: argparse.Namespace,
    executor: Executor,
    complain: Callable[[str], None],
) -> Plan:
    """Checks layers and what an earlier run left, and lists the tasks.

    Args:
        options: As `add_options` defines them, checked.
        executor: Decodes the layers to check them.
        complain: Is told of every layer that cannot be used.

    Returns:
        The plan; nothing is written yet.

    Raises:
        OSError: If a folder cannot be read.
        ValueError: If the size, the layers or the earlier run do not allow it.
    """
    height, width = parse_size(options.size)
    output = options.output.resolve()
    paths = {
        "foregrounds": layers.list_layers(options.foregrounds),
        "backgrounds": layers.list_layers(options.backgrounds),
    }
    weights = groups.parse_weights(options.weights)
    known = groups.list_groups(paths["foregrounds"], output)
    groups.check_weights(weights, known.get("groups", {}))
    usable, faults = keep_usable(paths, executor, complain, options.quiet)
    splits = layers.split_layers(usable, options.seed, options.val_fraction)
    samples = list_samples(splits, options.per_foreground, options.seed)
    listed = layers.list_relative(splits, output)
    listed |= groups.list_groups(usable["foregrounds"], output)
    groups.weigh(listed, weights)
    choices = {"version": manifest.VERSION, "height": height, "width": width}
    for name in ("erosion", "gamma", "val_fraction", "seed", "format"):
        choices[name] = vars(options)[name]
    rejected = manifest.check_previous(output, choices, listed)
    return Plan(
        canvas=Canvas(output, height, width, tuple(options.erosion), options.gamma),
        tasks=storage.list_tasks(samples, options.format),
        choices=choices,
        listed=listed,
        rejected=rejected,
        faults=faults,
    )


def begin(work: Plan, complain: Callable[[str], None]) -> None:
    """Deletes composites that are not wanted now, writes layers and options."""
    output = work.canvas.output
    if work.rejected:
        complain(
            f"cut-outs rejected since: {len(work.rejected)}, such as "
            f"{min(work.rejected)}; their composites are deleted"
        )
        for name in work.rejected:
            storage.remove_composites(output, Path(name).name)
        gone = set(work.rejected)
        manifest.drop_rows(output, lambda row: row["foreground"] in gone)
    surplus = storage.remove_surplus(work.tasks, output)
    if surplus:
        complain(f"composites beyond --per-foreground: {surplus}; they are deleted")
    names = {sample.name for task in work.tasks for sample in task}
    manifest.drop_rows(output, lambda row: row["name"] not in names)
    manifest.write_choices(output, work.choices, work.listed)


def keep_usable(
    paths: dict[str, list[Path]],
    executor: Executor,
    complain: Callable[[str], None],
    is_quiet: bool = False,
) -> tuple[dict[str, list[Path]], int]:
    """Complains of every unusable layer; returns the others and the faults."""
    usable, faults = {}, 0
    for kind, listed in paths.items():
        check = functools.partial(layers.find_fault, is_cutout=kind == "foregrounds")
        title = f"checking {kind}"
        results = workers.run_all(executor, check, listed, title, is_quiet)
        good = {}
        for path, fault in zip(listed, results, strict=True):
            if not fault and kind == "foregrounds" and path.stem in good:
                fault = f"{path}: named like {good[path.stem].name}; rename one"
            if fault:
                faults += 1
                complain(fault)
            else:
                good[path.stem if kind == "foregrounds" else path.name] = path
        if not good:
            raise ValueError(f"{listed[0].parent}: no usable picture; see above")
        usable[kind] = list(good.values())
    return usable, faults


def keep_rows(
    tasks: list[list[Sample]], canvas: Canvas
) -> tuple[dict[str, dict], list[list[Sample]]]:
    """Tells what an earlier run has done already.

    Args:
        tasks: The tasks of this run.
        canvas: What all samples have in common.

    Returns:
        The manifest's rows of finished tasks by name, and the unfinished tasks.
    """
    storage.remove_leftovers(tasks, canvas.output)
    known = manifest.read_all(canvas.output)
    rows, missing = {}, []
    for task in tasks:
        if storage.is_done(task, known, canvas):
            rows.update((sample.name, known[sample.name]) for sample in task)
        else:
            missing.append(task)
    return rows, missing


def complain_as(program: str) -> Callable[[str], None]:
    """Gives a function that prints a line on stderr, above a progress bar."""

    def complain(message: str) -> None:
        tqdm.write(f"{program}: {message}", file=sys.stderr)

    return complain
