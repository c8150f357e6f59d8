"""Draws the learning curves of runs, and tests whether they differ.

    python scripts/compare.py log/matting log/run --output curves.png

In come run directories, each with its history.csv; out go one picture (validation SAD,
validation MSE and loss of alpha, a line for each run) and, on the screen, a table of
where each of them ended. Hours are those of the batches, without saving and
validating; on another machine they would be others.

Where runs have a validation.csv, each is then compared with the first one picture by
picture: the mean difference with its 95 % interval by Student's t, and the p of
Wilcoxon's signed-rank test, which asks whether one is better on most pictures. A run
whose best validation is picked (--at best) looks better than it is; the last one, which
is taken otherwise, does not.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint  # noqa: E402
from model.rows import read_rows  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402

CURVES = {
    "val_sad": "validation SAD (thousands)",
    "val_mse": "validation MSE",
    "alpha_loss": "training: mean error of alpha",
}
COLOURS = 10  # that matplotlib draws lines in by default
LINES = ("-", "--", ":", "-.")


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run directories")
    parser.add_argument(
        "--output", type=Path, default=Path("curves.png"), help="picture to write"
    )
    parser.add_argument(
        "--at",
        choices=["last", "best"],
        default="last",
        help="validation of each run that is tested (default: last)",
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
    lines = read_rows(path)
    try:
        for line in lines:
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


def read_pictures(run: Path, step: int) -> dict[str, dict[str, float]]:
    """Reads what one validation measured of each picture, with the shipped weights.

    Args:
        run: A run directory.
        step: The batch number of the validation.

    Returns:
        `sad` and `mse` by the names of the pictures; none where nothing was kept.

    Raises:
        ValueError: If the file is damaged.
    """
    path = run / "validation.csv"
    if not path.is_file():
        return {}
    found: dict[str, dict[str, dict[str, float]]] = {}
    rows = read_rows(path)
    try:
        for row in rows:
            if int(row["step"]) == step:
                figures = {name: float(row[name]) for name in ("sad", "mse")}
                found.setdefault(row["weights"], {})[row["name"]] = figures
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: damaged ({error!r})") from error
    return found.get("averaged") or found.get("raw", {})


def compare_pairs(before: list[float], after: list[float]) -> dict[str, float] | None:
    """Tests whether two measurements of the same pictures differ.

    Args:
        before: Of the first run.
        after: Of the other one, in the same order.

    Returns:
        `difference`, the mean of after - before, `low` and `high`, its 95 % interval,
        and `p` of Wilcoxon's signed-rank test, two-sided; None if there are fewer than
        two pictures or all are equal.
    """
    from scipy import stats

    differences = [b - a for a, b in zip(before, after, strict=True)]
    if len(differences) < 2 or not any(differences):
        return None
    mean = sum(differences) / len(differences)
    low = high = mean  # where all differ alike
    if any(value != differences[0] for value in differences):
        interval = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
        low, high = interval.low, interval.high
    p = stats.wilcoxon(differences).pvalue
    return {"difference": mean, "low": low, "high": high, "p": float(p)}


def print_tests(runs: list[Path], steps: list[int]) -> None:
    """Prints the paired tests of each run against the first.

    Args:
        runs: Run directories.
        steps: The validation of each to take.

    Raises:
        ValueError: If a file is damaged.
    """
    first, *others = [
        read_pictures(run, step) for run, step in zip(runs, steps, strict=True)
    ]
    print()
    for run, step, pictures in zip(runs[1:], steps[1:], others, strict=True):
        title = (
            f"{run.resolve().name} at {step} - {runs[0].resolve().name} at {steps[0]}"
        )
        names = sorted(first.keys() & pictures.keys())
        print(f"{title}: {len(names)} pictures in both validation.csv")
        for name, scale, label in (("sad", 1, "SAD"), ("mse", 1000, "MSE x1000")):
            before = [scale * first[each][name] for each in names]
            after = [scale * pictures[each][name] for each in names]
            result = compare_pairs(before, after)
            if result:
                better = sum(b < a for a, b in zip(before, after, strict=True))
                print(
                    "  {label:10}{difference:+9.3f}  95 % [{low:+.3f}, {high:+.3f}]  "
                    "Wilcoxon p {p:.3g}  better on {better}".format(
                        label=label, better=better, **result
                    )
                )
            elif names:
                few = before != after
                print(f"  {label:10} {'too few to test' if few else 'no difference'}")


def draw(histories: dict[str, list[dict[str, float]]], output: Path) -> None:
    """Draws the curves side by side.

    Args:
        histories: As `read_history` gives them, by the names of the runs.
        output: The picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(CURVES), figsize=(14, 3.6))
    named = {}  # by hand: matplotlib leaves out of a legend what begins with "_"
    for panel, (column, title) in zip(panels, CURVES.items(), strict=True):
        for number, (name, rows) in enumerate(histories.items()):
            points = [(row["hours"], row[column]) for row in rows if column in row]
            if points:
                named[name], *_ = panel.plot(
                    *zip(*points, strict=True), **style(number)
                )
        panel.set(xlabel="hours", title=title)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    if named:  # beside the panels, where it hides no curve
        panels[-1].legend(
            named.values(), named, loc="center left", bbox_to_anchor=(1.02, 0.5)
        )
    figure.tight_layout()
    figure.savefig(output, dpi=100)
    pyplot.close(figure)


def style(number: int) -> dict[str, str]:
    """Gives the look of the curves of a run by its number, from 0 on."""
    turn, colour = divmod(number, COLOURS)
    line = LINES[turn % len(LINES)]
    return {"color": f"C{colour}", "linestyle": line, "marker": "."}


def print_table(histories: dict[str, list[dict[str, float]]], is_verbose: bool) -> None:
    """Prints where each run ended and its best row, or all that were validated.

    Args:
        histories: As `read_history` gives them, by the names of the runs.
        is_verbose: Whether all are printed.
    """
    print(f"{'run':24}{'batch':>8}{'hours':>8}{'SAD':>9}{'MSE x1000':>11}")
    for name, rows in histories.items():
        titled = [(name, pick(rows, "last"))]
        titled += [("  before", row) for row in validated(rows)[:-1] if is_verbose]
        for title, row in [*titled, ("  its best", pick(rows, "best"))]:
            nothing = float("nan")
            sad, mse = row.get("val_sad", nothing), row.get("val_mse", nothing)
            print(
                f"{title:24}{row['step']:8.0f}{row['hours']:8.2f}{sad:9.3f}"
                f"{1000 * mse:11.2f}"
            )


def validated(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """Gives the rows that have a validation; the last row if there is none."""
    return [row for row in rows if "val_sad" in row] or rows[-1:]


def pick(rows: list[dict[str, float]], which: str) -> dict[str, float]:
    """Picks the row of the last or the best validation; the last row without any."""
    if which == "last":
        return validated(rows)[-1]
    return min(validated(rows), key=lambda row: row.get("val_sad", 0))


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        histories = {run.resolve().name: read_history(run) for run in options.runs}
        if len(histories) < len(options.runs):
            raise ValueError("two runs of one name; rename one")
        draw(histories, options.output)
        if not options.quiet:
            print_table(histories, options.verbose)
        if not options.quiet and len(options.runs) > 1:
            steps = [int(pick(rows, options.at)["step"]) for rows in histories.values()]
            print_tests(options.runs, steps)
    except ImportError as error:
        advice = "pip install -e '.[benchmark]' first"
        print(f"compare.py: {error}; {advice}", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("compare.py: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
