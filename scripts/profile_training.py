"""Measures how fast training is, and how fast it could be on this machine.

    python scripts/profile_training.py scripts/data
    python scripts/profile_training.py scripts/data --output profile.csv
    python scripts/profile_training.py scripts/data --precision mixed_bfloat16 --reuse 6

Trains the presets `matting` and `fast`, and beside them the 2018 design the plain way
(`--preset paper2018` without the environment settings that train.py makes, no crop used
again), each by train.py's own loop in a process of its own, a few batches of the
generator's phase. Then it times what is in the same steps, and nothing else: the
convolutions of the networks, each alone, and a large matrix product, with those
settings. These and the plain training are of float32, whatever --precision is.

A Markdown table goes to stdout. Its rows:

samples/s                 of the loop with its input pipeline, as a long run has them;
                          saving and validating are not included
samples/s, step alone     one batch given again and again
waiting for input         share of the time of the loop
crop, pixels              its side
megapixels/s              samples/s by the area of a crop, and times the plain one's
GFLOP per sample          of the network's convolutions, forward and backward, as the
                          graph of the step has them: a multiplication and an addition
                          are two; layers that learn nothing have no gradient of their
                          weights, nor of their input where nothing before them learns
GFLOP/s                   of the loop, and of the step alone
ceilings, GFLOP/s         the matrix product; the convolutions of the step one after the
                          other, all of them or the 3x3 ones only (the fastest of some)

A long run's pool of crops is used `--reuse` times, and only the first time takes
making: both are measured by themselves and added up in that ratio, so the share of
waiting is that of a whole run (scripts/measure/clock.py). -v tells both, and each kind
of convolution. Nothing else should run meanwhile.
"""

import argparse
import csv
import io
import json
import os
import platform
import runpy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint, places, stock  # noqa: E402
from model import options as train_options  # noqa: E402
from scripts.help import DefaultsFormatter, add_verbosity  # noqa: E402
from scripts.measure import convolutions, loop, rates  # noqa: E402
from scripts.scenes import processes  # noqa: E402

ENDINGS = (".csv", ".json")


class Case(NamedTuple):
    """A training to measure.

    Attributes:
        name: On the screen.
        preset: Of train.py.
        is_plain: Whether without the settings of the environment, and the options that
            make it fast.
    """

    name: str
    preset: str
    is_plain: bool


class Task(NamedTuple):
    """What is asked of train.py for a training.

    Attributes:
        arguments: Its command line.
        crop: Side of a crop in pixels.
    """

    arguments: list[str]
    crop: int


CASES = (
    Case("matting", "matting", is_plain=False),
    Case("fast", "fast", is_plain=False),
    Case("paper2018, plain", "paper2018", is_plain=True),
)


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=DefaultsFormatter
    )
    add = parser.add_argument
    add("data", type=Path, help="directory made by scripts/combine.py")
    add("--batches", type=int, default=8, help="to measure, of fresh and of used crops")
    add("--warmup", type=int, default=3, help="batches before and after these")
    add(
        "--crop",
        type=int,
        help="side of a crop, pixels (default: 256; fast: 384)",
    )
    add("--batch_size", type=int, default=8, help="crops in a batch")
    add("--workers", type=int, default=2, help="crops made at a time")
    add(
        "--precision",
        default=train_options.PRECISIONS[0],
        choices=train_options.PRECISIONS,
        help="of all but the plain training, as of train.py",
    )
    add(
        "--reuse",
        type=int,
        default=4,
        help="how often each crop is used, but in the plain training",
    )
    add("--output", type=Path, help="the figures too, as FILE.csv or FILE.json")
    add_verbosity(parser, "tell the parts of each figure", "errors and the table only")
    return parser.parse_args(arguments)


def check_options(options: argparse.Namespace) -> list[Task]:
    """Refuses what cannot work before anything slow begins.

    Args:
        options: As `parse_args` gives them.

    Returns:
        What is asked of train.py for each of `CASES`.

    Raises:
        OSError: If the data directory is not complete, or the output not writable.
        ValueError: If an option or the data is wrong.
    """
    for name in ("batches", "warmup"):
        if vars(options)[name] < 1:
            raise ValueError(f"--{name}: got {vars(options)[name]}; give 1 or more")
    if options.output:
        if options.output.suffix.lower() not in ENDINGS:
            raise ValueError(f"{options.output}: no {' or '.join(ENDINGS)}; end it so")
        places.check_writable(options.output, [])
    passed = [str(options.data)]
    for name in ("crop", "batch_size", "workers"):
        if vars(options)[name] is not None:
            passed += [f"--{name}", str(vars(options)[name])]
    passed += ["--strategy", "none"]
    quick = ["--precision", options.precision, "--reuse", str(options.reuse)]
    train = runpy.run_path(str(ROOT / "train.py"))
    tasks = []
    with tempfile.TemporaryDirectory() as folder:  # no run is in it, nor will be
        for case in CASES:
            arguments = [*passed, "--preset", case.preset]
            arguments += [] if case.is_plain else quick
            asked = train["parse_args"]([*arguments, "--logdir", folder])
            train["check_options"](asked)
            tasks.append(Task(arguments, asked.crop))
    stock.Layers(options.data, "train")
    return tasks


def call_apart(work: Callable, *arguments):
    """Gives the one result of some work, done in a process of its own.

    Raises:
        RuntimeError: If it failed.
    """
    (_, result, fault), *_ = processes.run_all(work, [arguments], 1)
    if fault:
        raise RuntimeError(fault)
    return result


def measure(
    options: argparse.Namespace, tasks: list[Task], tell: Callable[[str], None]
) -> list[dict]:
    """Measures everything.

    Args:
        options: As `parse_args` gives them.
        tasks: What is asked of train.py for each of `CASES`.
        tell: Called with what comes next.

    Returns:
        A dictionary for each case: `training`, all of `rates.ROWS`, and what -v tells.

    Raises:
        RuntimeError: If a measurement failed.
    """
    trainings = []
    for case, task in zip(CASES, tasks, strict=True):
        tell(f"{case.name}: training")
        wanted = task.arguments, options.batches, options.warmup, case.is_plain
        try:
            trainings.append(call_apart(loop.measure_training, *wanted))
        except RuntimeError as error:
            raise RuntimeError(f"{case.name}: {error}") from error
    tell("the convolutions alone")
    counts = [training["convolutions"] for training in trainings]
    alone = sorted(set().union(*counts))
    seconds, product = call_apart(convolutions.time_alone, alone)
    results = [
        {"training": case.name}
        | rates.rate_training(training, options.batch_size, task.crop)
        | rates.rate_ceilings(training["convolutions"], seconds, product)
        for case, task, training in zip(CASES, tasks, trainings, strict=True)
    ]
    return [rates.relate(result, results[-1]) for result in results]


def write_output(path: Path, results: list[dict]) -> None:
    """Writes the figures: a line for each training, or all that -v tells too."""
    if path.suffix.lower() == ".json":
        text = json.dumps(results, indent=1) + "\n"
    else:
        file = io.StringIO()
        table = csv.DictWriter(
            file, ["training", *rates.ROWS], extrasaction="ignore", lineterminator="\n"
        )
        table.writeheader()
        table.writerows(results)
        text = file.getvalue()
    checkpoint.replace_text(path, text)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)

    def tell(text: str) -> None:
        if not options.quiet:
            print(text, file=sys.stderr, flush=True)

    try:
        tasks = check_options(options)
    except (OSError, ValueError) as error:
        print(f"profile_training.py: {error}", file=sys.stderr)
        return 2
    try:
        results = measure(options, tasks, tell)
        if options.output:
            write_output(options.output, results)
    except (OSError, RuntimeError) as error:
        print(f"profile_training.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("profile_training.py: interrupted", file=sys.stderr)
        return 130
    if options.verbose:
        tell("\n".join(line for result in results for line in rates.list_parts(result)))
    told = f"{options.batch_size} crops a batch, {options.workers} made at a time"
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"{told}, {system}\n\n{rates.draw_table(results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
