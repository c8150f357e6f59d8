"""Measures how many composites a second are made, and what that should cost at least.

    python scripts/benchmark_combine.py --per-foreground 4

Runs scripts/combine.py, and scripts/combine_beam.py where Beam is installed, on the
same layers with different numbers of workers and both formats. In the same run, before
and after, one process does nothing but encode the same arrays as PNG and as JPEG: the
two figures of each tell how even the machine was. A Markdown table goes to stdout.
"""

import argparse
import importlib.util
import io
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from model import composites, images, layers  # noqa: E402
from scripts.help import DefaultsFormatter, add_verbosity  # noqa: E402

JPEG_QUALITY = 95


class Speed(NamedTuple):
    """One row of the report.

    Attributes:
        task: What was done.
        workers: By how many processes.
        start: Seconds before the first composite, as far as they could be told apart.
        seconds: All others.
        samples: Composites made.
    """

    task: str
    workers: int
    start: float
    seconds: float
    samples: int


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=DefaultsFormatter
    )
    add = parser.add_argument
    starter = HERE / "starter"
    add("--foregrounds", type=Path, default=starter / "foregrounds", help="cut-outs")
    add("--backgrounds", type=Path, default=starter / "backgrounds", help="photographs")
    add("--per-foreground", type=int, default=4, help="composites of each cut-out")
    add("--size", default="960x720", help="WIDTHxHEIGHT in pixels")
    add("--workers", type=int, nargs="+", default=[1, 2], help="numbers to compare")
    add("--encoded", type=int, default=24, help="composites that are encoded again")
    add_verbosity(parser, "tell each figure at once", "errors and the table only")
    return parser.parse_args(arguments)


def run_command(script: str, options: argparse.Namespace, *added: str) -> float:
    """Runs a command of ours and returns the seconds it took.

    Raises:
        ValueError: If it failed.
    """
    command = [sys.executable, str(HERE / script), *added]
    command += ["--foregrounds", str(options.foregrounds)]
    command += ["--backgrounds", str(options.backgrounds)]
    command += ["--per-foreground", str(options.per_foreground)]
    command += ["--size", options.size]
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no message"]
        raise ValueError(f"{script} failed: {lines[-1]}")
    return seconds


def measure_commands(options: argparse.Namespace, folder: Path) -> Iterator[Speed]:
    """Measures each command with each number of workers and each format.

    A second run finds all made; what it takes is the time to start and to check the
    layers. Beam's own start is not in it and so counts as work.

    Args:
        options: As `parse_args` gives them.
        folder: An empty one.

    Yields:
        The rows, that of plain PNG and one worker first.
    """
    commands = [("combine.py", "png"), ("combine.py", "tfrecord")]
    if importlib.util.find_spec("apache_beam"):
        commands.append(("combine_beam.py", "tfrecord"))
    for script, storage in commands:
        for workers in options.workers:
            output = folder / f"{script}-{storage}-{workers}"
            added = ("--output", str(output), "--format", storage)
            added += ("--workers", str(workers))
            seconds = run_command(script, options, *added)
            start = run_command(script, options, *added)
            lines = (output / "manifest.jsonl").read_text("utf-8").splitlines()
            yield Speed(
                f"{script} --format {storage}",
                workers,
                start,
                seconds - start,
                len(lines),
            )


def read_arrays(folder: Path, limit: int) -> list[list[np.ndarray]]:
    """Reads the stored arrays of some composites, spread over the foregrounds."""
    stored = composites.Composites(folder, "train")
    chosen = stored.names[:: max(1, len(stored.names) // limit)][:limit]
    return [list(stored.read_levels(name).values()) for name in chosen]


def measure_encoding(arrays: list[list[np.ndarray]], when: str) -> Iterator[Speed]:
    """Measures the encoding of composites' four arrays, into memory, by one process.

    Args:
        arrays: uint8 arrays of each composite.
        when: Distinguishes the rows from others.

    Yields:
        A row for PNG and one for JPEG.
    """
    kinds: dict[str, Callable[[Image.Image], None]] = {
        "PNG": lambda picture: picture.save(
            io.BytesIO(), "PNG", compress_level=images.PNG_LEVEL
        ),
        f"JPEG {JPEG_QUALITY}": lambda picture: picture.save(
            io.BytesIO(), "JPEG", quality=JPEG_QUALITY
        ),
    }
    for kind, encode in kinds.items():
        start = time.perf_counter()
        for sample in arrays:
            for array in sample:
                encode(Image.fromarray(array))
        seconds = time.perf_counter() - start
        yield Speed(f"encoding as {kind} alone, {when}", 1, 0, seconds, len(arrays))


def draw_table(speeds: list[Speed]) -> str:
    """Lays the figures out as a Markdown table.

    Args:
        speeds: The rows; the encoding as PNG is what the others are compared to.

    Returns:
        The table, the compared figure being the mean of all encodings as PNG.
    """
    encodings = [s for s in speeds if s.task.startswith("encoding as PNG")]
    least = np.mean([row.seconds / row.samples for row in encodings])
    lines = [
        "| task | workers | start, s | samples | samples/s | per sample and worker "
        "over PNG encoding |",
        "|---|---|---|---|---|---|",
    ]
    for row in speeds:
        each = row.seconds / row.samples
        lines.append(
            f"| {row.task} | {row.workers} | {row.start:.1f} | {row.samples} "
            f"| {1 / each:.2f} | {each * row.workers / least:.2f} |"
        )
    return "\n".join(lines)


def measure(options: argparse.Namespace) -> list[Speed]:
    """Measures everything, in an own temporary folder."""
    with tempfile.TemporaryDirectory(prefix="benchmark-combine-") as name:
        folder = Path(name)
        speeds: list[Speed] = []
        rows = measure_commands(options, folder)
        for row in tqdm(rows, "measuring", disable=options.quiet or None):
            speeds.append(row)
            if options.verbose:
                told = f"{row.samples} samples in {row.seconds:.1f} s"
                tqdm.write(f"{row.task}, {row.workers}: {told}", file=sys.stderr)
            if len(speeds) == 1:  # the first has made what is encoded
                made = folder / f"combine.py-png-{options.workers[0]}"
                arrays = read_arrays(made, options.encoded)
                speeds += measure_encoding(arrays, "before")
        speeds += measure_encoding(arrays, "after")
    return speeds


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        for name in ("per_foreground", "encoded"):
            if vars(options)[name] < 1:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag}: got {vars(options)[name]}; give 1 or more")
        count = len(layers.list_layers(options.foregrounds))
        table = draw_table(measure(options))
    except (OSError, ValueError) as error:
        print(f"benchmark_combine.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("benchmark_combine.py: interrupted", file=sys.stderr)
        return 130
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"{count} cut-outs, {options.size} pixels, {system}\n\n{table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
