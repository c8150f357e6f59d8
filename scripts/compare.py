"""Draws the learning curves of runs over the hours that they took.

    python scripts/compare.py log/matting log/run --output curves.png

In come run directories, each with its history.csv; out go one picture (validation SAD,
validation MSE and loss of alpha, a line for each run) and, on the screen, a table of
where each of them ended. Hours are those of the batches, without saving and
validating; on another machine they would be others.
"""

import argparse
import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402

CURVES = {
    "val_sad": "validation SAD (thousands)",
    "val_mse": "validation MSE",
    "alpha_loss": "training: mean error of alpha",
}


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run directories")
    parser.add_argument(
        "--output", type=Path, default=Path("curves.png"), help="picture to write"
    )
    add_verbosity(parser, "a row for each validation", "errors only, and the picture")
    return parser.parse_args(arguments)


def read_history(run: Path) -> list[dict[str, float]]:
    """Reads what a run told of itself, with the hours that it had taken by then.

    Args:
        run: A run directory.

    Returns:
        One dict a row: the columns that have a number, and `hours`.

    Raises:
        FileNotFoundError: If there is no history.
        ValueError: If it is damaged.
    """
    path = run / "history.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give a folder of train.py")
    batch_size = checkpoint.read_config(run).get("batch_size", 1)
    rows, hours, before = [], 0.0, 0
    try:
        with path.open(newline="") as file:
            for line in csv.DictReader(file):
                row = {
                    name: float(text)
                    for name, text in line.items()
                    if text and name != "phase"
                }
                samples = (row["step"] - before) * batch_size
                hours += samples / row["samples_per_second"] / 3600
                before = row["step"]
                rows.append(row | {"hours": hours})
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{path}: not a history ({error!r})") from error
    if not rows:
        raise ValueError(f"{path}: no row yet; let the run go on for a while")
    return rows


def draw(histories: dict[str, list[dict[str, float]]], output: Path) -> None:
    """Draws the curves side by side.

    Args:
        histories: As `read_history` gives them, by the names of the runs.
        output: The picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(CURVES), figsize=(13, 3.6))
    for panel, (column, title) in zip(panels, CURVES.items(), strict=True):
        for name, rows in histories.items():
            points = [(row["hours"], row[column]) for row in rows if column in row]
            if points:
                panel.plot(*zip(*points, strict=True), label=name, marker=".")
        panel.set(xlabel="hours", title=title)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    panels[0].legend()
    figure.tight_layout()
    figure.savefig(output, dpi=100)
    pyplot.close(figure)


def print_table(histories: dict[str, list[dict[str, float]]], is_verbose: bool) -> None:
    """Prints where each run ended and its best row, or all that were validated.

    Args:
        histories: As `read_history` gives them, by the names of the runs.
        is_verbose: Whether all are printed.
    """
    print(f"{'run':24}{'batch':>8}{'hours':>8}{'SAD':>9}{'MSE x1000':>11}")
    for name, rows in histories.items():
        measured = [row for row in rows if "val_sad" in row] or rows[-1:]
        titled = [(name, measured[-1])]
        titled += [("  before", row) for row in measured[:-1] if is_verbose]
        best = min(measured, key=lambda row: row.get("val_sad", 0))
        for title, row in [*titled, ("  its best", best)]:
            sad, mse = (
                row.get("val_sad", float("nan")),
                row.get("val_mse", float("nan")),
            )
            print(
                f"{title:24}{row['step']:8.0f}{row['hours']:8.2f}{sad:9.3f}"
                f"{1000 * mse:11.2f}"
            )


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        histories = {run.resolve().name: read_history(run) for run in options.runs}
        if len(histories) < len(options.runs):
            raise ValueError("two runs of one name; rename one")
        draw(histories, options.output)
    except ImportError as error:
        print(f"compare.py: {error}; pip install '.[benchmark]' first", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    if not options.quiet:
        print_table(histories, options.verbose)
    return 0


if __name__ == "__main__":
    sys.exit(main())
