"""Turns the manifest of a collection into a list of addresses for img2dataset.

    python scripts/list_urls.py COLLECTION/manifest.csv urls.csv

In goes what scripts/download.py wrote, a manifest or the output of --dry-run; out comes
a CSV with one address a row and all that its page told, licence included, and on stdout
the command that fetches them. Left out is whatever has no licence or no address on the
web, and what must not come back: pictures rejected by hand, under a licence that was
not asked for, or forbidden by robots.txt. The list does as well for `download.py
--source urls`.
"""

import argparse
import csv
import io
import shlex
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import places, replacing
from scripts.help import add_verbosity

COLUMNS = (
    *("url", "kind", "licence", "licence_url", "creator", "title", "page"),
    *("name", "group", "split"),
)
UNWANTED = ("rejected by hand", "licence not asked for", "forbidden by robots.txt")


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("manifest", type=Path, help="CSV that scripts/download.py wrote")
    add("output", type=Path, help="CSV to write")
    add(
        "--status",
        default="",
        help="only rows whose status begins so, such as ok (default: all but those "
        f"with: {', '.join(UNWANTED)})",
    )
    add_verbosity(parser, "tell how many addresses there are of each kind")
    return parser.parse_args(arguments)


def list_addresses(manifest: Path, status: str) -> list[dict[str, str]]:
    """Reads the rows that may be fetched from the web.

    Args:
        manifest: A CSV with columns url, kind and licence at least.
        status: What the status must begin with; "" for all but the unwanted.

    Returns:
        Rows of COLUMNS, no address twice for one kind, in order.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such table, or has no such row.
    """
    addresses = {}
    for row in read_table(manifest):
        url = (row["url"] or "").partition("#")[0]  # a part needs the whole file
        on_the_web = url.startswith(("http://", "https://"))
        if on_the_web and row["licence"] and is_wanted(row, status):
            told = {name: row.get(name) or "" for name in COLUMNS}
            addresses.setdefault((row["kind"], url), told | {"url": url})
    if not addresses:
        wanted = f"whose status begins {status!r}" if status else "that is wanted"
        raise ValueError(
            f"{manifest}: no row {wanted} with a licence and an address on the web"
        )
    return list(addresses.values())


def read_table(manifest: Path) -> list[dict[str, str]]:
    """Reads a table and checks that it has the columns that are needed."""
    try:
        with open(manifest, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = {"url", "kind", "licence"} - set(table.fieldnames or ())
            rows = list(table)
    except csv.Error as error:
        raise ValueError(f"{manifest}: damaged, {error}; mend it") from error
    if missing:
        raise ValueError(
            f"{manifest}: no column {min(missing)}; give a manifest of "
            "scripts/download.py"
        )
    return rows


def is_wanted(row: dict[str, str], status: str) -> bool:
    """Tells whether a row may be listed.

    Args:
        row: Of a manifest, or of the output of --dry-run, which has `fault` instead
            of `status`.
        status: What its status must begin with, even one that is unwanted otherwise;
            "" for any that is wanted.

    Returns:
        True if it may.
    """
    told = row.get("status") or row.get("fault") or ""
    if status:
        return told.startswith(status)
    return not any(reason in told for reason in UNWANTED)


def write_addresses(path: Path, rows: list[dict[str, str]]) -> None:
    """Writes the list; it is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    replacing.replace_file(path, text.getvalue().encode())


def describe_command(urls: Path) -> str:
    """Writes the command of img2dataset that keeps bytes and columns as they are."""
    columns = '["' + '","'.join(name for name in COLUMNS if name != "url") + '"]'
    options = {
        "--url_list": str(urls),
        "--input_format": "csv",
        "--url_col": "url",
        "--output_format": "files",
        "--output_folder": str(urls.with_suffix("")),
        "--disable_all_reencoding": "True",
        "--save_additional_columns": columns,
    }
    return shlex.join(
        ["img2dataset", *(part for pair in options.items() for part in pair)]
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        places.check_kept(options.output, [options.manifest])
        rows = list_addresses(options.manifest, options.status)
        write_addresses(options.output, rows)
    except (OSError, ValueError) as error:
        print(f"list_urls.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("list_urls.py: interrupted", file=sys.stderr)
        return 130
    if options.verbose:
        for kind, count in sorted(Counter(row["kind"] for row in rows).items()):
            print(f"{kind}: {count}", file=sys.stderr)
    if not options.quiet:
        print(describe_command(options.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
