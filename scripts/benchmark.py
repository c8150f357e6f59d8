"""Measures checkpoints next to closed-form and KNN matting on real photographs.

    python scripts/benchmark.py DIR
    python scripts/benchmark.py DIR --logdir log/matting log/paper2018 --limit 5

In comes a folder in the layout of the low-resolution training set of
alphamatting.com (Rhemann et al., CVPR 2009): `input_training_lowres/*.png`,
`trimap_training_lowres/Trimap1` and `Trimap2`, `gt_training_lowres`. Out come a
table on the screen, `benchmark.json` with every number, and `benchmark.html`
with pictures, which needs no other file.

All methods get the same pixels in the same run. Alphas are rounded to 8 bits
before they are measured, as if they had been read back from a file. Seconds are
wall-clock after a warm-up: of alpha alone for closed-form and KNN matting (both
pymatting's), of alpha and foreground for a checkpoint.
"""

import argparse
import contextlib
import functools
import importlib
import importlib.metadata
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import engine, images, matting, metrics
from model import report as drawing

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("closed-form", "knn", "checkpoint")
MEASURES = {
    "sad": "SAD",
    "mse": "MSE x1000",
    "gradient": "Grad",
    "connectivity": "Conn",
}
REFERENCE = "closed-form"  # the method to which the others are compared
PLAIN_COLOUR = (0.12, 0.55, 0.42)  # RGB, behind the composites on the page


class Matte(NamedTuple):
    """What a method makes of a photograph and its trimap.

    Attributes:
        alpha: (H, W) float in [0, 1].
        foreground: (H, W, 3) float in [0, 1], or None if the method has none.
        note: What did not go as planned, or "".
    """

    alpha: np.ndarray
    foreground: np.ndarray | None
    note: str


Method = Callable[[np.ndarray, np.ndarray], Matte]  # of image and trimap


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    # data
    parser.add_argument("directory", type=Path, metavar="DIR", help="the photographs")
    parser.add_argument(
        "--trimaps",
        nargs="+",
        default=["Trimap1", "Trimap2"],
        metavar="NAME",
        help="folders of trimap_training_lowres to measure (default: both)",
    )
    parser.add_argument("--limit", type=int, help="measure the first LIMIT photographs")
    # methods
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=METHODS, help="(default: all)"
    )
    parser.add_argument(
        "--logdir",
        type=Path,
        nargs="+",
        action="extend",
        help="run directories of the checkpoints (default: log/matting)",
    )
    parser.add_argument(
        "--checkpoint", type=int, default=-1, help="its step; -1 is the newest"
    )
    # results
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "log" / "benchmark",
        help="folder for benchmark.json and benchmark.html (default: log/benchmark)",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print a row per photograph too"
    )
    args = parser.parse_args(arguments)
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit is below 1, got {args.limit}")
    args.logdir = args.logdir or [ROOT / "log" / "matting"]
    return args


def find_photographs(
    directory: Path, trimaps: list[str], limit: int | None
) -> list[str]:
    """Lists the photographs and reads each once, so that no late one can fail.

    Args:
        directory: Folder in the layout of alphamatting.com.
        trimaps: Names of folders of trimaps.
        limit: How many to take, or None for all.

    Returns:
        Names without ending, sorted.

    Raises:
        FileNotFoundError: If a folder or a file is missing.
        ValueError: If a file is no picture, or pictures do not fit together.
    """
    folder = directory / "input_training_lowres"
    names = sorted(path.stem for path in folder.glob("*.png"))[:limit]
    if not names:
        raise FileNotFoundError(
            f"{folder}: no *.png; give a folder in the layout of alphamatting.com"
        )
    for name in names:
        for trimap in trimaps:
            read_photograph(directory, name, trimap)
    return names


def read_photograph(
    directory: Path, name: str, trimap_name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads image, trimap and true alpha, and checks that they fit.

    Args:
        directory: Folder in the layout of alphamatting.com.
        name: Of the photograph, without ending.
        trimap_name: Of the folder of trimaps.

    Returns:
        Image (H, W, 3) float32 RGB in [0, 1], trimap (H, W) uint8 and alpha
        (H, W) float32 in [0, 1].

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is no picture, or they do not fit together.
    """
    file = f"{name}.png"
    trimap_path = directory / "trimap_training_lowres" / trimap_name / file
    alpha_path = directory / "gt_training_lowres" / file
    image = images.read_image(directory / "input_training_lowres" / file)
    trimap = images.read_trimap(trimap_path)
    alpha = images.read_grey(alpha_path)
    for path, picture in ((trimap_path, trimap), (alpha_path, alpha)):
        if picture.shape != image.shape[:2]:
            raise ValueError(
                f"{path}: not the size of its photograph, got (H, W) {picture.shape} "
                f"for {image.shape[:2]}; give both in one size"
            )
    for code in (matting.BACKGROUND, matting.UNKNOWN, matting.FOREGROUND):
        if code not in trimap:
            raise ValueError(
                f"{trimap_path}: no pixel of code {code}, got only "
                f"{np.unique(trimap).tolist()}; mark all three regions"
            )
    return image, trimap, alpha


def load_methods(names: list[str], logdirs: list[Path], step: int) -> dict[str, Method]:
    """Loads what is to be compared and runs each once on a small picture.

    So neither the compiler of pymatting nor the tracing of TensorFlow is timed.

    Args:
        names: Some of `METHODS`.
        logdirs: Run directories, one method each, called by its last name.
        step: Of the checkpoints, -1 for the newest.

    Returns:
        Methods by their names on the screen, in the order of `METHODS`.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If pymatting is missing or two run directories share a name.
    """
    methods: dict[str, Method] = {}
    if "closed-form" in names:
        load_pymatting()
        methods["closed-form"] = run_closed_form
    if "knn" in names:
        load_pymatting()
        methods["knn"] = run_knn
    if "checkpoint" in names:
        for logdir in logdirs:
            label = logdir.resolve().name
            if label in methods:
                raise ValueError(
                    f"--logdir: two methods of one name, got {label} twice; rename one"
                )
            methods[label] = load_checkpoint(logdir, step)
    image = np.random.RandomState(0).rand(48, 64, 3).astype(np.float32)
    trimap = np.repeat(np.uint8([0, 128, 128, 255]), 16)[None].repeat(48, axis=0)
    for name, method in methods.items():
        print(f"warming up {name}", file=sys.stderr)
        method(image, trimap)
    return methods


def load_pymatting() -> ModuleType:
    """Imports pymatting, which is an extra, or says how to install it."""
    try:
        return importlib.import_module("pymatting")
    except ImportError as error:
        raise ValueError(
            f"--methods: closed-form and knn need pymatting, got {error}; "
            "pip install '.[benchmark]' or give --methods checkpoint"
        ) from error


def load_checkpoint(logdir: Path, step: int) -> Method:
    """Loads a generator and wraps it as a method."""
    engine.load_tensorflow()
    from model.checkpoint import load_generator
    from model.predict import predict

    generator = load_generator(logdir, step)

    def run_checkpoint(image: np.ndarray, trimap: np.ndarray) -> Matte:
        prediction = predict(generator, image, trimap)
        return Matte(prediction.alpha, prediction.foreground, "")

    return run_checkpoint


def run_closed_form(image: np.ndarray, trimap: np.ndarray) -> Matte:
    """Runs closed-form matting (Levin et al., CVPR 2006), helped if it fails.

    Its incomplete Cholesky factors do not exist for every photograph.

    Args:
        image: (H, W, 3) float32 RGB in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        The matte, without foreground.
    """
    pymatting = load_pymatting()
    shifted = functools.partial(pymatting.ichol, shifts=(0.1, 1.0, 10.0))
    attempts = {
        "": {},
        "Cholesky shifted by 0.1 or more": {"preconditioner": shifted},
        "Jacobi preconditioner": {"preconditioner": pymatting.jacobi},
    }
    return solve(pymatting.estimate_alpha_cf, attempts, image, trimap)


def run_knn(image: np.ndarray, trimap: np.ndarray) -> Matte:
    """Runs KNN matting (Chen et al., CVPR 2012), with patience if it fails.

    Args:
        image: (H, W, 3) float32 RGB in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        The matte, without foreground.
    """
    attempts = {"": {}, "100,000 iterations": {"cg_kwargs": {"maxiter": 100_000}}}
    return solve(load_pymatting().estimate_alpha_knn, attempts, image, trimap)


def solve(
    estimate: Callable[..., np.ndarray],
    attempts: dict[str, dict],
    image: np.ndarray,
    trimap: np.ndarray,
) -> Matte:
    """Calls a function of pymatting with one set of options after the other.

    Args:
        estimate: Of image and trimap in float64, the latter 0, 0.5 or 1.
        attempts: Options by what the note is to say of them.
        image: (H, W, 3) float32 RGB in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        The matte of the first attempt that does not fail, without foreground.

    Raises:
        ValueError: If all fail.
    """
    levels = 0.5 * (trimap == matting.UNKNOWN) + (trimap == matting.FOREGROUND)
    failure = None
    for note, options in attempts.items():
        printed = io.StringIO()  # pymatting warns on stdout of its own retries
        try:
            with contextlib.redirect_stdout(printed):
                alpha = estimate(image.astype(np.float64), levels, **options)
        except ValueError as error:
            failure = error
            continue
        if not note and "insufficient positive-definiteness" in printed.getvalue():
            note = "Cholesky shifted by pymatting itself"
        return Matte(alpha, None, note)
    raise ValueError(f"pymatting: no attempt succeeded, got: {failure}") from failure


def run_benchmark(
    directory: Path, names: list[str], trimaps: list[str], methods: dict[str, Method]
) -> tuple[list[dict], list[str]]:
    """Runs and measures every method on every photograph and trimap.

    Args:
        directory: Folder in the layout of alphamatting.com.
        names: Of photographs.
        trimaps: Names of folders of trimaps.
        methods: By their names on the screen.

    Returns:
        Rows of numbers (`trimap`, `photograph`, `method`, the measures,
        `seconds`, `note`), and a piece of HTML per photograph and trimap.
    """
    rows, figures = [], []
    for trimap_name in trimaps:
        for name in names:
            image, trimap, alpha_true = read_photograph(directory, name, trimap_name)
            columns = {f"{name}, {trimap_name}": (alpha_true, image, trimap)}
            for method_name, method in methods.items():
                start = time.perf_counter()
                matte = method(image, trimap)
                seconds = time.perf_counter() - start
                alpha = images.to_uint8(matte.alpha).astype(np.float32) / 255
                row = {"trimap": trimap_name, "photograph": name, "method": method_name}
                row |= metrics.measure(alpha_true, alpha, trimap)
                rows.append(row | {"seconds": seconds, "note": matte.note})
                print(
                    f"{trimap_name} {name} {method_name}: SAD {row['sad']:.3f}, "
                    f"{seconds:.2f} s",
                    file=sys.stderr,
                )
                columns[f"{method_name}, SAD {row['sad']:.2f}"] = (
                    alpha,
                    draw_composite(image, alpha, matte.foreground),
                    drawing.draw_error(alpha_true, alpha, trimap),
                )
            figures.append(drawing.figure_html(columns))
    return rows, figures


def summarise(rows: list[dict]) -> list[dict]:
    """Averages the rows of each trimap and method and compares to closed-form.

    Args:
        rows: From `run_benchmark`.

    Returns:
        One dict per trimap and method: means over photographs of the measures,
        median `seconds`; `ratio` to the mean of closed-form and `better`, the
        number of photographs below it, by measure, or None without closed-form.
    """
    groups: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        groups.setdefault((row["trimap"], row["method"]), []).append(row)
    summary = []
    for (trimap, method), group in groups.items():
        reference = groups.get((trimap, REFERENCE))
        mean = {"trimap": trimap, "method": method, "photographs": len(group)}
        mean |= {key: statistics.fmean(row[key] for row in group) for key in MEASURES}
        mean["seconds"] = statistics.median(row["seconds"] for row in group)
        mean["ratio"] = mean["better"] = None
        if reference:
            pairs = list(zip(group, reference, strict=True))
            sums = {key: sum(row[key] for row in reference) for key in MEASURES}
            mean["ratio"] = {
                key: sum(row[key] for row in group) / sums[key] if sums[key] else None
                for key in MEASURES
            }
            mean["better"] = {
                key: sum(row[key] < other[key] for row, other in pairs)
                for key in MEASURES
            }
        summary.append(mean)
    return summary


def table(rows: list[dict]) -> list[list[str]]:
    """Lays rows or means out as cells, a heading first.

    Args:
        rows: From `run_benchmark` or `summarise`.

    Returns:
        Lines of cells. MSE is shown times 1000; the last columns are the ratios
        of SAD and MSE to closed-form and the photographs with a lower SAD.
    """
    heading = ["trimap", "photograph", "method", *MEASURES.values(), "seconds"]
    if rows and "ratio" in rows[0]:
        heading[1] = "photographs"
        heading += ["SAD ratio", "MSE ratio", "lower SAD"]
    lines = [heading]
    for row in rows:
        name = str(row.get("photograph") or row["photographs"])
        line = [row["trimap"], name, row["method"], f"{row['sad']:.3f}"]
        line += [f"{1000 * row['mse']:.2f}", f"{row['gradient']:.3f}"]
        line += [f"{row['connectivity']:.3f}", f"{row['seconds']:.2f}"]
        if "ratio" in row:
            ratio, better = row["ratio"] or {}, row["better"] or {}
            line += [
                "-" if ratio.get(key) is None else f"{ratio[key]:.3f}"
                for key in ("sad", "mse")
            ]
            line.append(f"{better['sad']} of {row['photographs']}" if better else "-")
        lines.append(line)
    return lines


def notes(rows: list[dict]) -> list[str]:
    """Says in a line each what did not go as planned."""
    return [
        f"{row['trimap']} {row['photograph']} {row['method']}: {row['note']}"
        for row in rows
        if row["note"]
    ]


def print_table(lines: list[list[str]]) -> None:
    """Prints cells under each other, names to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def draw_composite(
    image: np.ndarray, alpha: np.ndarray, foreground: np.ndarray | None
) -> np.ndarray:
    """Puts what was cut out on a plain colour.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].
        foreground: (H, W, 3) float in [0, 1]; None to let pymatting estimate it
            by its multi-level method (Germer et al., 2020).

    Returns:
        (H, W, 3) float in [0, 1].
    """
    if foreground is None:
        foreground = load_pymatting().estimate_foreground_ml(
            image.astype(np.float64), alpha.astype(np.float64)
        )
    plain = np.broadcast_to(np.float32(PLAIN_COLOUR), image.shape)
    return matting.composite(foreground, plain, alpha)


def versions() -> dict[str, str]:
    """Collects what the seconds depend on: packages, Python, number of cores."""
    found = {"python": sys.version.split()[0], "cores": str(os.cpu_count())}
    for package in ("numpy", "pymatting", "tensorflow"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def benchmark(args: argparse.Namespace) -> None:
    """Checks the input, runs everything, writes the files and prints the table."""
    names = find_photographs(args.directory, args.trimaps, args.limit)
    args.output.mkdir(parents=True, exist_ok=True)
    methods = load_methods(args.methods, args.logdir, args.checkpoint)
    rows, figures = run_benchmark(args.directory, names, args.trimaps, methods)
    summary, remarks = summarise(rows), notes(rows)
    title = f"{args.directory.resolve().name}: {len(names)} photographs"
    results = {"title": title, "versions": versions(), "means": summary, "rows": rows}
    (args.output / "benchmark.json").write_text(json.dumps(results, indent=1) + "\n")
    (args.output / "benchmark.html").write_text(
        drawing.page_html(title, table(summary), remarks, figures), encoding="utf-8"
    )
    if args.verbose:
        print_table(table(rows))
        print()
    print_table(table(summary))
    for remark in remarks:
        print(remark)


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    args = parse_args(arguments)
    try:
        benchmark(args)
    except (OSError, ValueError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
