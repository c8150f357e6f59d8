"""The source `urls`: a table of addresses whose licences somebody has looked up.

A CSV file goes in, with the columns url and kind (`foreground` or `background`) and,
each of them optional, licence, licence_url, creator, title, page, name, group and
split; other columns are not read.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from scripts.collect.candidate import KINDS, SPLITS, Candidate, SourceError

TOLD = ("page", "title", "creator", "licence", "licence_url", "name", "group", "split")


class UrlsSource:
    """Offers the addresses of a table, in its order.

    Args:
        path: The CSV file, UTF-8.

    Raises:
        SourceError: If it cannot be read or is no such table.
    """

    name = "urls"

    def __init__(self, path: Path):
        self.rows = read_table(path)

    def search(self, kind: str, queries: list[str], limit: int) -> Iterator[Candidate]:
        """Offers all addresses of a kind; there is nothing to query."""
        for row in self.rows:
            if row["kind"] == kind:
                told = {name: (row.get(name) or "").strip() for name in TOLD}
                fault = "" if told["split"] in SPLITS else "unknown split"
                told["split"] = "" if fault else told["split"]
                yield Candidate(kind, self.name, "", row["url"], fault=fault, **told)


def read_table(path: Path) -> list[dict[str, str]]:
    """Reads the rows of a table and checks each kind."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            f"--urls: cannot read {path} ({error}); give a CSV"
        ) from error
    for number, row in enumerate(rows, start=1):
        row["kind"] = (row.get("kind") or "").strip().lower().removesuffix("s")
        row["url"] = (row.get("url") or "").strip()
        if row["kind"] not in KINDS or not row["url"]:
            raise SourceError(
                f"--urls: {path}, row {number}: got url {row['url']!r} and kind "
                f"{row['kind']!r}; give an address and foreground or background"
            )
    if not rows:
        raise SourceError(f"--urls: no rows in {path}; give columns url and kind")
    return rows
