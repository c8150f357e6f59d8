"""Measures checkpoints next to closed-form and KNN matting.

    python scripts/benchmark.py DIR
    python scripts/benchmark.py DIR --logdir log/matting log/paper2018 --limit 5

In comes a folder in the layout of the low-resolution training set of
alphamatting.com (Rhemann et al., CVPR 2009): `input_training_lowres/*.png`,
`trimap_training_lowres/Trimap1` and `Trimap2`, `gt_training_lowres`. Or a data
directory of scripts/combine.py, recognised by its manifest, whose validation split
is measured: there the colours of the foreground too, and each group of foregrounds
by itself. Out come a table on the screen, `benchmark.json` with every number, and
`benchmark.html` with pictures, which needs no other file.

All methods get the same pixels in the same run. Alphas and foregrounds are rounded
to 8 bits before they are measured, as if they had been read back from a file.
Seconds are wall-clock after a warm-up, of alpha alone; those of the foreground, by
pymatting's multi-level method for its solvers and by the project's own for checkpoints,
stand by themselves. --plot draws error over time. With --speed only the time is
measured: of the first picture at growing sizes, and of whole commands on the example
beside a short script for pymatting's closed-form, with all that they import.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import checkpoint
from model import report as drawing
from scripts.help import add_verbosity
from scripts.measure import (
    commands,
    composites,
    ending,
    mattes,
    photographs,
    speed,
    table,
    tradeoff,
)
from scripts.measure.case import Case
from scripts.measure.methods import METHODS, load_methods

ROOT = Path(__file__).resolve().parents[1]


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    # data
    parser.add_argument(
        "directory",
        type=Path,
        metavar="DIR",
        help="photographs as of alphamatting.com, or a data directory of combine.py, "
        "of which the validation split is measured",
    )
    parser.add_argument(
        "--trimaps",
        nargs="+",
        metavar="NAME",
        help="folders of trimap_training_lowres to measure (default: Trimap1 Trimap2); "
        "composites have their own",
    )
    parser.add_argument(
        "--limit",
        type=int,
        help="measure the first LIMIT photographs, or LIMIT composites, spread over "
        "the foregrounds",
    )
    # methods
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=METHODS[:3],
        help="(default: all but fine, the first checkpoint as of eval.py --fine)",
    )
    parser.add_argument(
        "--logdir",
        type=Path,
        nargs="+",
        action="extend",
        help="run directories of the checkpoints (default: log/matting and, without "
        "--checkpoint, log/matting-fast)",
    )
    parser.add_argument(
        "--checkpoint",
        type=checkpoint.parse_step,
        default=-1,
        help="its step, or best (default: -1, the newest)",
    )
    # results
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "log" / "benchmark",
        help="folder for benchmark.json and benchmark.html (default: log/benchmark)",
    )
    parser.add_argument(
        "--sheets",
        action="store_true",
        help="draw a contact sheet of each picture, at full size, into OUTPUT/sheets",
    )
    parser.add_argument(
        "--plot",
        action="store_true",
        help="draw the error of each method over its time as OUTPUT/benchmark.png",
    )
    parser.add_argument(
        "--speed",
        action="store_true",
        help="measure no errors but the time at sizes from 0.1 to 24 megapixels, "
        "and of whole commands",
    )
    add_verbosity(
        parser, "print a row per picture too", "errors only, results in OUTPUT"
    )
    args = parser.parse_args(arguments)
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit is below 1, got {args.limit}")
    if not args.logdir:
        names = ("matting", "matting-fast") if args.checkpoint == -1 else ("matting",)
        args.logdir = [ROOT / "log" / name for name in names]
    return args


def open_cases(
    directory: Path, trimaps: list[str] | None, limit: int | None
) -> tuple[str, Iterator[Case]]:
    """Finds out what a folder holds and checks all that is to be measured.

    Args:
        directory: Of photographs, or a data directory.
        trimaps: Names of folders of trimaps of photographs; None for both.
        limit: How many pictures to take, or None for all.

    Returns:
        What there is, such as `14 photographs`, and the cases, read one by one.

    Raises:
        FileNotFoundError: If a folder or a file is missing.
        ValueError: If a file is damaged, or composites are to have other trimaps.
    """
    if not composites.is_data_directory(directory):
        trimaps = trimaps or ["Trimap1", "Trimap2"]
        names = photographs.find_photographs(directory, trimaps, limit)
        cases = photographs.read_cases(directory, names, trimaps)
        return f"{len(names)} photographs", cases
    if trimaps:
        raise ValueError(
            f"--trimaps: composites have one each, got {' '.join(trimaps)} for the "
            f"data directory {directory}; leave it out"
        )
    split, groups = composites.find_composites(directory, limit)
    return f"{len(groups)} composites", composites.read_cases(split, groups)


def versions() -> dict[str, str]:
    """Collects what the seconds depend on: packages, Python, number of cores."""
    found = {"python": sys.version.split()[0], "cores": str(os.cpu_count())}
    for package in ("numpy", "pymatting", "onnxruntime", "numba"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def benchmark(args: argparse.Namespace) -> None:
    """Checks the input, runs everything, writes the files and prints the table."""
    if args.plot and importlib.util.find_spec("matplotlib") is None:
        raise ValueError("--plot needs matplotlib; pip install -e '.[benchmark]' first")
    count, cases = open_cases(args.directory, args.trimaps, args.limit)
    args.output.mkdir(parents=True, exist_ok=True)
    methods = load_methods(args.methods, args.logdir, args.checkpoint, args.quiet)
    if args.speed:
        whole = commands.measure_commands(args.methods, args.quiet)
        rows = list(speed.measure_speed(next(cases), methods, args.quiet))
        results = {"versions": versions(), "rows": rows, "commands": whole}
        (args.output / "speed.json").write_text(json.dumps(results, indent=1) + "\n")
        if not args.quiet:
            table.print_table(speed.lay_out(rows))
            print()
            table.print_table(commands.lay_out(whole))
        return
    sheet_folder = args.output / "sheets" if args.sheets else None
    if sheet_folder:
        sheet_folder.mkdir(exist_ok=True)
    rows, figures = mattes.measure_mattes(cases, methods, sheet_folder, args.quiet)
    means, notes = table.summarise(rows), table.list_notes(rows)
    title = f"{args.directory.resolve().name}: {count}"
    results = {"title": title, "versions": versions(), "means": means, "rows": rows}
    (args.output / "benchmark.json").write_text(json.dumps(results, indent=1) + "\n")
    (args.output / "benchmark.html").write_text(
        drawing.page_html(title, table.lay_out(means), notes, figures),
        encoding="utf-8",
    )
    if args.plot:
        tradeoff.draw_tradeoff(means, args.output / "benchmark.png")
    if args.quiet:
        return
    if args.verbose:
        table.print_table(table.lay_out(rows))
        print()
    table.print_table(table.lay_out(means))
    for note in notes:
        print(note)


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    args = parse_args(arguments)
    return ending.end("benchmark", lambda: benchmark(args))


if __name__ == "__main__":
    sys.exit(main())
