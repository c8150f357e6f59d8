"""Composites cut-outs with photographs into training data.

    python scripts/combine.py --foregrounds CUTOUTS --backgrounds PHOTOGRAPHS

In: a folder of RGBA cut-outs and one of photographs; file names listed in a
`rejects.txt` of either folder are left out. Out, all 8-bit PNG of one size:
OUTPUT/{train,val}/{image,trimap,alpha,foreground}/NAME.png, a manifest with one
row per composite, and layers.json, the list of usable layers. No foreground and
no background is on both sides of the split. A run that was stopped goes on where
it was; the result is the same for any number of workers and of shards.
"""

import argparse
import functools
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from model import images, layers, placement  # noqa: E402

FOLDERS = ("trimap", "alpha", "foreground", "image")  # in writing order: image ends it
SMALLEST_SIDE = 32  # pixels


class Sample(NamedTuple):
    """One composite to make: its layers, its place and its random seed."""

    name: str
    split: str
    foreground: Path
    background: Path
    seed: int

    def file(self, output: Path, folder: str) -> Path:
        """Names one of its four files."""
        return output / self.split / folder / f"{self.name}.png"


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description="Composite cut-outs with photographs.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    starter = HERE / "starter"
    # data
    add("--foregrounds", type=Path, default=starter / "foregrounds", help="cut-outs")
    add("--backgrounds", type=Path, default=starter / "backgrounds", help="photographs")
    add("--output", type=Path, default=HERE / "data", help="folder to fill")
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
    add("--val-fraction", type=float, default=0.1, help="share kept for validation")
    add("--seed", type=int, default=0, help="of every random choice")
    # work
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    add("--shard-index", type=int, default=0, help="part of the work to do, from 0")
    add("--num-shards", type=int, default=1, help="parts the work is divided into")
    return parser.parse_args()


def parse_size(size: str) -> tuple[int, int]:
    """Reads `WIDTHxHEIGHT` and returns height and width in pixels."""
    width, _, height = size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ValueError(f"--size: not WIDTHxHEIGHT, got {size!r}; give e.g. 960x720")
    if min(int(width), int(height)) < SMALLEST_SIDE:
        raise ValueError(
            f"--size: below {SMALLEST_SIDE} pixels, got {size}; enlarge it"
        )
    return int(height), int(width)


def check_options(options: argparse.Namespace) -> None:
    """Refuses numbers and folders that cannot work, before anything is done."""
    for name in ("per_foreground", "workers", "num_shards"):
        if vars(options)[name] < 1:
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag}: got {vars(options)[name]}; give 1 or more")
    if not 0 <= options.shard_index < options.num_shards:
        raise ValueError(
            f"--shard-index: got {options.shard_index}; "
            f"give 0 to {options.num_shards - 1} with --num-shards {options.num_shards}"
        )
    if not 0 <= options.val_fraction < 1:
        raise ValueError(
            f"--val-fraction: got {options.val_fraction}; give 0 to below 1"
        )
    if not 0 <= options.erosion[0] <= options.erosion[1] <= 0.25:
        raise ValueError(
            f"--erosion: got {options.erosion[0]} {options.erosion[1]}; "
            "give MIN <= MAX, both from 0 to 0.25"
        )
    if options.output.exists() and not options.output.is_dir():
        raise ValueError(f"--output: {options.output} is a file; name a folder")
    for folder in (options.foregrounds, options.backgrounds):
        if options.output.resolve().is_relative_to(folder.resolve()):
            raise ValueError(
                f"--output: {options.output} lies inside {folder}; choose another"
            )


def keep_usable(
    paths: dict[str, list[Path]], executor: Executor
) -> tuple[dict[str, list[Path]], int]:
    """Names every unusable layer on stderr; returns the others and the faults."""
    usable, faults = {}, 0
    for kind, listed in paths.items():
        check = functools.partial(layers.find_fault, is_cutout=kind == "foregrounds")
        results = run_all(executor, check, listed, f"checking {kind}")
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


def run_all(
    executor: Executor, function: Callable, arguments: list, title: str
) -> Iterator:
    """Yields `function(argument)` in order, with a progress bar on a terminal."""
    # Workers are born deaf to Ctrl-C: it is for this process to tell them to stop.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    results = executor.map(function, arguments)
    signal.signal(signal.SIGINT, handler)
    yield from tqdm(results, title, len(arguments), disable=None)


def start_worker() -> None:
    """Makes a worker single-threaded, deaf to Ctrl-C, and unable to be orphaned."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)

    def leave_with_parent() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()


def list_samples(
    splits: dict[str, dict[str, list[Path]]], per_foreground: int, seed: int
) -> list[Sample]:
    """Pairs each foreground with backgrounds of its split, none twice if avoidable."""
    samples = []
    for split, kinds in splits.items():
        backgrounds = kinds["backgrounds"]
        for path in kinds["foregrounds"]:
            rng = np.random.default_rng(layers.stable_hash(seed, path.name))
            order = rng.permutation(len(backgrounds))
            for index in range(per_foreground):
                name = f"{path.stem}--{index:03}"
                background = backgrounds[order[index % len(order)]]
                sample_seed = layers.stable_hash(seed, path.name, index)
                samples.append(Sample(name, split, path, background, sample_seed))
    return samples


def check_previous(output: Path, choices: dict, listed: dict) -> None:
    """Refuses a folder of composites that this run would contradict.

    Args:
        output: The folder to fill.
        choices: What options.json would say.
        listed: What layers.json would say. Foregrounds may have come since.

    Raises:
        ValueError: If the folder was made with other options or from other layers.
    """
    advice = "choose another --output or delete this one"
    if not (output / "options.json").exists() or not (output / "layers.json").exists():
        return
    previous = json.loads((output / "options.json").read_text("utf-8"))
    changed = [key for key in choices if previous.get(key) != choices[key]]
    if changed:
        raise ValueError(f"{output}: made with another {', '.join(changed)}; {advice}")
    previous = json.loads((output / "layers.json").read_text("utf-8"))
    for split in ("train", "val"):
        if previous[split]["backgrounds"] != listed[split]["backgrounds"]:
            raise ValueError(f"{output}: made from other backgrounds; {advice}")
        gone = set(previous[split]["foregrounds"]) - set(listed[split]["foregrounds"])
        if gone:
            raise ValueError(
                f"{output}: {min(gone)} is no longer there, or in the other split; "
                + advice
            )


def make_samples(
    samples: list[Sample],
    output: Path,
    manifest: Path,
    make: Callable,
    executor: Executor,
) -> int:
    """Makes the samples not made yet and keeps the manifest; returns the faults."""
    remove_leftovers(samples, output)
    known = {}
    for path in output.glob("manifest*.jsonl"):
        known.update((row["name"], row) for row in read_rows(path))
    rows = {
        sample.name: known[sample.name]
        for sample in samples
        if sample.name in known
        and all(sample.file(output, folder).exists() for folder in FOLDERS)
    }
    write_rows(manifest, rows.values())
    missing = [sample for sample in samples if sample.name not in rows]
    faults = 0
    try:
        with open(manifest, "a", encoding="utf-8") as journal:
            for row, fault in run_all(executor, make, missing, "combining"):
                if fault:
                    faults += 1
                    complain(fault)
                else:
                    rows[row["name"]] = row
                    journal.write(json.dumps(row) + "\n")
                    journal.flush()
    finally:
        write_rows(manifest, rows.values())
    return faults


def remove_leftovers(samples: list[Sample], output: Path) -> None:
    """Deletes what a killed run left half-written of these samples."""
    names = {(sample.split, sample.name) for sample in samples}
    for path in output.glob("*/*/.*.part"):
        name = path.name[1:].rpartition(".png.")[0]
        if (path.parent.parent.name, name) in names:
            path.unlink(missing_ok=True)


def read_rows(manifest: Path) -> Iterator[dict]:
    """Yields the rows of a manifest, leaving out a line cut short by a kill."""
    for line in manifest.read_text("utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def write_rows(manifest: Path, rows: Iterable[dict]) -> None:
    """Writes a manifest, sorted."""
    rows = sorted(rows, key=lambda row: (row["split"], row["name"]))
    write_text(manifest, "".join(json.dumps(row) + "\n" for row in rows))


def write_text(path: Path, text: str) -> None:
    """Writes a text file that is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)


def make_sample(
    sample: Sample,
    output: Path,
    height: int,
    width: int,
    erosion: tuple[float, float],
) -> tuple[dict, str]:
    """Makes one composite from files to files.

    Returns:
        Its row of the manifest and "", or an empty row and what is wrong.
    """
    try:
        foreground, alpha = read_foreground(sample.foreground)
        background = images.read_image(sample.background)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(sample.seed)))
        arrays, placed = placement.compose_sample(
            foreground, alpha, background, rng, height, width, erosion
        )
    except ValueError as error:
        return {}, f"{sample.name}: {error}"
    for folder in FOLDERS:
        images.write_image(sample.file(output, folder), arrays[folder])
    row = sample._asdict()
    for kind in ("foreground", "background"):
        row[kind] = layers.relative(row[kind], output)
    return {**row, "height": height, "width": width, **placed}, ""


@functools.lru_cache(maxsize=1)
def read_foreground(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a cut-out and takes off its empty margins but for one pixel."""
    foreground, alpha = images.read_cutout(path)
    box = []
    for axis in (1, 0):
        visible = np.flatnonzero(alpha.any(axis))
        box.append(slice(max(visible[0] - 1, 0), visible[-1] + 2))
    return foreground[tuple(box)], alpha[tuple(box)]


def name_manifest(shard_index: int, num_shards: int) -> str:
    """Names the manifest of one shard."""
    if num_shards == 1:
        return "manifest.jsonl"
    return f"manifest-{shard_index:05}-of-{num_shards:05}.jsonl"


def complain(message: str) -> None:
    """Prints one line on stderr, above the progress bar if there is one."""
    tqdm.write(f"combine.py: {message}", file=sys.stderr)


def main() -> int:
    """Checks everything, then makes the composites of this shard."""
    options = parse_args()
    started = False
    executor = None
    try:
        check_options(options)
        height, width = parse_size(options.size)
        output = options.output.resolve()
        paths = {
            "foregrounds": layers.list_layers(options.foregrounds),
            "backgrounds": layers.list_layers(options.backgrounds),
        }
        executor = ProcessPoolExecutor(
            options.workers, multiprocessing.get_context("spawn"), start_worker
        )
        usable, faults = keep_usable(paths, executor)
        splits = layers.split_layers(usable, options.seed, options.val_fraction)
        samples = list_samples(splits, options.per_foreground, options.seed)
        samples = samples[options.shard_index :: options.num_shards]
        listed = layers.list_relative(splits, output)
        choices = {"version": 1, "height": height, "width": width}
        for name in ("erosion", "val_fraction", "seed"):
            choices[name] = vars(options)[name]
        check_previous(output, choices, listed)
        started = True
        write_text(output / "layers.json", json.dumps(listed, indent=1) + "\n")
        write_text(output / "options.json", json.dumps(choices, indent=1) + "\n")
        make = functools.partial(
            make_sample,
            output=output,
            height=height,
            width=width,
            erosion=options.erosion,
        )
        manifest = output / name_manifest(options.shard_index, options.num_shards)
        faults += make_samples(samples, output, manifest, make, executor)
    except KeyboardInterrupt:
        complain("interrupted; run the same command again to go on")
        return 130
    except (OSError, ValueError, BrokenProcessPool) as error:
        complain(str(error))
        return 1 if started else 2
    finally:
        if executor:
            executor.shutdown(cancel_futures=True)
    print(manifest)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
