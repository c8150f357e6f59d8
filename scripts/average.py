"""Averages the weights of snapshots: one network that is often better than each.

    python scripts/average.py log/matting log/run:1500 log/run --output log/mean

In come two or more snapshots of one architecture, each a run directory and after a
colon the batch number, the newest without it. Out goes a run directory with one
snapshot, for `eval.py --logdir` and `train.py --init`: it has the number and the
config.json of the last one given, and there, as `averaged`, all that it is the mean of.
That is good where runs began from the same weights (Wortsman et al., "Model soups",
ICML 2022); of networks that were trained apart it is worth nothing. A snapshot that is
given twice counts twice.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint, engine, saving  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402

ARCHITECTURE = ("preset", "widths", "use_prior")  # options that have to be the same

Snapshot = tuple[Path, int]  # run directory, batch number


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "snapshots", nargs="+", metavar="RUN[:N]", help="two or more to average"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="run directory to make"
    )
    add_verbosity(parser, "each snapshot as it is read", "errors only")
    return parser.parse_args(arguments)


def find(text: str) -> Snapshot:
    """Resolves a snapshot as it is given on the command line.

    Args:
        text: A run directory, or one with `:N`, the batch number or `best`.

    Returns:
        The run directory and the number.

    Raises:
        FileNotFoundError: If there is no such snapshot.
        ValueError: If the number is none.
    """
    run, colon, number = text.rpartition(":")
    if not colon or Path(text).is_dir():
        return Path(text), checkpoint.find_snapshot(text)
    try:
        step = checkpoint.parse_step(number)
    except ValueError:
        raise ValueError(
            f"{text}: {number!r} is no batch number; give RUN:N or RUN"
        ) from None
    return Path(run), checkpoint.find_snapshot(run, step)


def average(
    snapshots: list[Snapshot], output: Path, tell: Callable[[str], None]
) -> Path:
    """Writes the mean of snapshots as a run directory of its own.

    Args:
        snapshots: Two or more of one architecture.
        output: The folder to make; it may be there without a run in it.
        tell: Called with each snapshot that was read.

    Returns:
        The file of weights.

    Raises:
        FileExistsError: If the output is a run already.
        FileNotFoundError: If a run has no config.json.
        OSError: If something cannot be written.
        ValueError: If the networks are not alike, or a file is damaged.
    """
    if len(snapshots) < 2:
        raise ValueError(f"{snapshots[0][0]}: one snapshot has no mean; give two")
    if checkpoint.snapshots(output) or (output / "config.json").exists():
        raise FileExistsError(f"{output}: a run is there already; give another folder")
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"{output}: a file; give a folder")
    configs = [checkpoint.read_config(run) for run, _ in snapshots]
    for (run, _), config in zip(snapshots, configs, strict=True):
        for option in ARCHITECTURE:
            if config[option] != configs[-1][option]:
                raise ValueError(
                    f"{run}: another network, {option} is {config[option]} and not "
                    f"{configs[-1][option]} as in {snapshots[-1][0]}; leave it out"
                )
    engine.load_tensorflow()
    total = None
    for run, step in snapshots:
        generator = checkpoint.load_generator(run, step)
        share = [weight / len(snapshots) for weight in generator.get_weights()]
        total = (
            share
            if total is None
            else [a + b for a, b in zip(total, share, strict=True)]
        )
        tell(f"{run}: batch {step}, {generator.count_params()} parameters")
    generator.set_weights(total)
    content = saving.Memory()
    generator.save_weights(content)
    output.mkdir(parents=True, exist_ok=True)
    path = output / checkpoint.WEIGHTS.format(step=snapshots[-1][1])
    unfinished = path.with_name(f".part-{path.name}")
    try:
        unfinished.write_bytes(content.getbuffer())
        averaged = {"averaged": [f"{run}:{step}" for run, step in snapshots]}
        checkpoint.write_config(output, configs[-1] | averaged)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)

    def tell(text: str) -> None:
        if options.verbose:
            print(text, file=sys.stderr)

    try:
        snapshots = [find(text) for text in options.snapshots]
        path = average(snapshots, options.output, tell)
    except (OSError, ValueError) as error:
        print(f"average.py: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(
            f"average.py: {error}; pip install -r requirements.txt, see eval.py "
            "--doctor",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("average.py: interrupted", file=sys.stderr)
        return 130
    if not options.quiet:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
