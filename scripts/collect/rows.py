"""One row of a manifest: what is known of one candidate, as text."""

import csv
import hashlib
from pathlib import Path

from scripts.collect.candidate import Candidate

COLUMNS = (
    *("path", "kind", "group", "split", "status", "source", "query", "url", "page"),
    *("title", "creator", "licence", "licence_url", "sha256", "source_sha256"),
    *("phash", "width", "height", "bytes", "fetched"),
)
OK, REJECTED = "ok", "rejected by hand"  # statuses of rows that have a picture
AGAIN = "try again"  # begins the status of a failure that may not last
LONGEST_FIELD = 2000  # characters of what a source tells


def describe(candidate: Candidate) -> dict[str, str]:
    """Begins the row of a candidate with all that its source tells."""
    row = dict.fromkeys(COLUMNS, "")
    for name, value in candidate._asdict().items():
        if name in row and name != "path":  # a row's path is that of our own file
            row[name] = clean(str(value))[:LONGEST_FIELD]
    row["url"] = key_of(candidate)[1]
    return row


def key_of(candidate: Candidate) -> tuple[str, str]:
    """Gives kind and url, the latter with the part of the picture that is meant.

    >>> key_of(Candidate("foreground", "urls", "", "http://h/a.png", crop=(8, 0, 9, 4)))
    ('foreground', 'http://h/a.png#xywh=8,0,1,4')
    """
    url = clean(candidate.url)
    if candidate.crop is not None:
        left, top, right, bottom = candidate.crop
        url += f"#xywh={left},{top},{right - left},{bottom - top}"
    if not url:  # a failure before there was an address
        url = f"#{candidate.source}: {candidate.query or candidate.name}".strip()
    return candidate.kind, url


def clean(text: str) -> str:
    r"""Makes one line of a text that any file can hold.

    A name that is not UTF-8, or half of a character that is cut in two, is no text.

    >>> clean("caf\udce9  au lait")
    'caf? au lait'
    """
    return " ".join(text.encode("utf-8", "replace").decode().split())


def fragment(url: str) -> str:
    """Gives the part of the picture that an url in a manifest means, or ""."""
    return url.rpartition("#xywh=")[2] if "#xywh=" in url else ""


def hash_file(path: Path) -> str:
    """Gives the SHA-256 of a file in hex, "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def read_table(path: Path) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Reads a CSV file in UTF-8; returns the names of its columns, and its rows.

    Raises:
        ValueError: If it is no such file, or a quote in it is never closed.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        try:
            return tuple(table.fieldnames or ()), list(table)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"{path}: no CSV in UTF-8 ({error}); look for a stray quote"
            ) from error


def is_foreign(path: Path) -> bool:
    """Tells whether there is a manifest of another program, such as render.py."""
    return path.exists() and read_table(path)[0] != COLUMNS


def read_rows(path: Path) -> list[dict[str, str]]:
    """Reads a manifest.csv; one that does not exist yet has no rows."""
    if not path.exists():
        return []
    names, rows = read_table(path)
    if names != COLUMNS:
        raise ValueError(f"{path}: not of download.py; choose another --output")
    if any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path}: damaged; mend the rows of too few or many columns")
    return rows
