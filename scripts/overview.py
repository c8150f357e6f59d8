"""Draws a contact sheet of each class of a collection, with the credits of what shows.

    python scripts/overview.py scripts/dataset

In comes a folder that scripts/download.py filled. Out go OUTPUT/CLASS.jpg, pictures
spread over the sources of the class, cut-outs on a checkerboard, those kept out of
training included; and OUTPUT/ATTRIBUTION.md, which names author, licence and origin of
every picture shown.
"""

import argparse
import re
import sys
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model.places import is_same_file  # noqa: E402
from scripts.collect import credits, sheets  # noqa: E402
from scripts.collect.manifest import write_text  # noqa: E402
from scripts.collect.rows import OK, read_rows  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("collection", type=Path, help="folder made by scripts/download.py")
    add("--limit", type=int, default=48, help="pictures on a sheet (default: 48)")
    add(
        "--output",
        type=Path,
        default=ROOT / "images/dataset",
        help="folder to fill (default: images/dataset)",
    )
    add_verbosity(parser, "tell how many pictures each class has")
    options = parser.parse_args(arguments)
    if options.limit < 1:
        parser.error(f"--limit: got {options.limit}; give 1 or more")
    return options


def choose_rows(rows: list[dict[str, str]], limit: int) -> list[dict[str, str]]:
    """Takes rows at equal distances out of all, sorted by source and path.

    >>> rows = [{"source": "", "path": path} for path in "cadb"]
    >>> [row["path"] for row in choose_rows(rows, 2)]
    ['a', 'c']
    """
    rows = sorted(rows, key=lambda row: (row["source"], row["path"]))
    count = min(limit, len(rows))
    return [rows[index * len(rows) // count] for index in range(count)]


def draw_classes(
    collection: Path, output: Path, limit: int, is_verbose: bool = False
) -> list[Path]:
    """Draws the sheets and writes the credits.

    Args:
        collection: Folder with a manifest.csv.
        output: Folder to fill.
        limit: The most pictures on a sheet.
        is_verbose: Whether to tell how many there are.

    Returns:
        The sheets.

    Raises:
        FileNotFoundError: If there is no manifest, or a picture is gone.
        ValueError: If it has no usable pictures, or is the folder to fill.
    """
    manifest = collection / "manifest.csv"
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest}: no such file; run scripts/download.py")
    if is_same_file(output, collection):
        raise ValueError(
            f"--output: {output} is the collection, whose credits would be lost; give "
            "another folder"
        )
    rows = [row for row in read_rows(manifest) if row["status"] == OK]
    if not rows:
        raise ValueError(f"{manifest}: no usable pictures; run scripts/download.py")
    drawn, shown = [], []
    rows.sort(key=name_class)
    for name, members in groupby(rows, name_class):
        members = list(members)
        chosen = choose_rows(members, limit)
        if is_verbose:
            print(f"{name}: {len(chosen)} of {len(members)}", file=sys.stderr)
        numbered = [(len(shown) + i, row["path"]) for i, row in enumerate(chosen, 1)]
        drawn.append(output / f"{name}.jpg")
        sheets.draw_sheet(drawn[-1], collection, numbered)
        shown += chosen
    write_text(output / "ATTRIBUTION.md", credits.credit(shown))
    return drawn


def name_class(row: dict[str, str]) -> str:
    """Names the class of a picture, of one without its kind; fit for a file's name."""
    return re.sub(r"[^\w-]+", "-", row["group"]).strip("-") or row["kind"]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        drawn = draw_classes(
            options.collection, options.output, options.limit, options.verbose
        )
    except (OSError, ValueError) as error:
        print(f"overview.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("overview.py: interrupted", file=sys.stderr)
        return 130
    if not options.quiet:
        print(*drawn, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
