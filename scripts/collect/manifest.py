"""The book of a collection: one row for every candidate, whatever became of it.

A folder with foregrounds, backgrounds and a manifest.csv goes in and comes out with
more in it. While candidates arrive, each row is added to a journal before its file
gets its name, so that a run killed at any moment leaves neither a picture without
its origin nor a half-written manifest; the next run takes both up.
"""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from model import replacing
from scripts.collect.candidate import Candidate
from scripts.collect.credits import credit
from scripts.collect.rows import (
    AGAIN,
    COLUMNS,
    OK,
    REJECTED,
    describe,
    fragment,
    hash_file,
    key_of,
    read_rows,
)

FOLDERS = ("foregrounds", "backgrounds", "heldout/foregrounds", "heldout/backgrounds")
CORRECTED = ("group", "page", "title", "creator", "licence", "licence_url")
LONGEST_STEM = 80  # characters of a file name without its ending


class Manifest:
    """The rows of a collection and the files that they stand for.

    Args:
        output: The folder to fill.
        near: Bits in which the perceptual hashes of near duplicates may differ; -1
            for no such check.

    Raises:
        ValueError: If there is a manifest.csv of something else.
    """

    def __init__(self, output: Path, near: int = 4):
        self.output, self.near = output, near
        self.rows: dict[tuple[str, str], dict[str, str]] = {}
        self._seen: set[tuple[str, str]] = set()  # keys met in this run
        self._journal = output / "manifest.journal"
        for row in (*read_rows(output / "manifest.csv"), *self._read_journal()):
            self.rows[row["kind"], row["url"]] = row
        self._finish_files()
        self._names = {row["path"].lower(): key for key, row in self.rows.items()}
        self.write()

    def is_settled(self, candidate: Candidate) -> bool:
        """Tells whether nothing is left to do for a candidate, and remembers it.

        What was fetched from the web is settled by any answer but a temporary one;
        a file at hand only if its picture was made from these very bytes. What the
        source tells of a picture is taken up anew; if it has changed sides between
        training and held out, the picture is made again.
        """
        key = key_of(candidate)
        if key in self._seen:
            return True
        self._seen.add(key)
        row = self.rows.get(key)
        if row is None or candidate.fault or row["status"].startswith(AGAIN):
            return False
        if row["status"] not in (OK, REJECTED):
            return candidate.path is None
        if candidate.path and row["source_sha256"] != hash_file(candidate.path):
            return False
        told = describe(candidate)
        row.update({name: told[name] for name in CORRECTED if told[name]})
        return row["status"] == REJECTED or row["split"] == told["split"]

    def count(self, kind: str, source: str, queries: list[str]) -> int:
        """Counts the usable pictures that a source gave for these queries."""
        return sum(
            row["status"] == OK
            and (row["kind"], row["source"]) == (kind, source)
            and row["query"] in ("", *queries)
            for row in self.rows.values()
        )

    def tally(self, kind: str, source: str) -> tuple[int, int]:
        """Counts the pictures that a source offered in this run: those there, and all.

        What was rejected by hand or is a duplicate is dealt with and not counted.
        """
        rows = [self.rows[key] for key in self._seen if key in self.rows]
        wanted = [
            row["status"]
            for row in rows
            if (row["kind"], row["source"]) == (kind, source)
            and not row["status"].startswith((REJECTED, "duplicate", "near duplicate"))
        ]
        return wanted.count(OK), len(wanted)

    def find_twin(self, row: dict[str, str]) -> str:
        """Names the picture whose file had the same bytes, and says so, or nothing."""
        for other in self._others(row):
            if other["source_sha256"] == row["source_sha256"]:
                if fragment(other["url"]) == fragment(row["url"]):
                    return f"duplicate: the same bytes as {other['path']}"
        return ""

    def find_near(self, row: dict[str, str]) -> str:
        """Names a picture that looks the same, and says so, or nothing."""
        phash = int(row["phash"], 16)
        for other in self._others(row):
            distance = (int(other["phash"], 16) ^ phash).bit_count()
            if distance <= self.near:
                return f"near duplicate: {distance} bits from {other['path']}"
        return ""

    def name_file(self, candidate: Candidate, suffix: str) -> str:
        """Chooses the path of a candidate's picture, as seen from the output."""
        key = key_of(candidate)
        digest = hashlib.sha256(key[1].encode()).hexdigest()[:8]
        stem = candidate.name or last_part(candidate.url)
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", stem).strip("-")[:LONGEST_STEM]
        folder = f"{candidate.split}/{candidate.kind}s".strip("/")
        names = [f"{stem}-{digest}".strip("-")]
        if candidate.name and stem:
            names.insert(0, stem)
        paths = [f"{folder}/{name}{suffix}" for name in names]
        free = [path for path in paths if self._names.get(path.lower(), key) == key]
        return (free or paths)[0]

    def add(self, row: dict[str, str], data: bytes | None) -> None:
        """Takes a row down and then, if there is one, its file.

        After a failure that may not last, a picture that is there stays, with its row.
        """
        path = self.output / row["path"] if data is not None else None
        key = row["kind"], row["url"]
        is_passing = path is None and row["status"].startswith(AGAIN)
        if is_passing and self.rows.get(key, row)["path"]:
            return
        if path:
            if self.rows.get(key, row)["path"] != row["path"]:
                self._remove_file(key)  # first: a kill must not leave it on both sides
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.part")
            temporary.write_bytes(data)
            self._names[row["path"].lower()] = key
        with open(self._journal, "a", encoding="utf-8") as journal:
            journal.write(json.dumps(row) + "\n")
        if path:
            os.replace(temporary, path)
        elif not is_passing:
            self._remove_file(key)
        self.rows[key] = row

    def _remove_file(self, key: tuple[str, str]) -> None:
        """Removes the picture that was made of what is refused now."""
        path = self.rows.get(key, {"path": ""})["path"]
        if path and self._names.get(path.lower()) == key:
            (self.output / path).unlink(missing_ok=True)

    def write(self) -> None:
        """Writes manifest.csv and ATTRIBUTION.md, sorted, and ends the journal."""
        self._mark_rejects()
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(self.sorted_rows())
        write_text(self.output / "manifest.csv", text.getvalue())
        write_text(self.output / "ATTRIBUTION.md", credit(self.sorted_rows()))
        self._journal.unlink(missing_ok=True)

    def sorted_rows(self) -> list[dict[str, str]]:
        """Lists the rows: by kind, pictures before failures, then by path and url."""
        order = ("kind", "split", "path", "url")
        return sorted(
            self.rows.values(),
            key=lambda row: (row["path"] == "", *(row[name] for name in order)),
        )

    def _read_journal(self) -> Iterator[dict[str, str]]:
        """Yields the journal's rows, leaving out a line cut short by a kill."""
        if self._journal.is_file():
            for line in self._journal.read_text("utf-8").split("\n")[:-1]:
                yield json.loads(line)

    def _finish_files(self) -> None:
        """Renames files that a kill left under a temporary name; notes what is gone."""
        rejects = self._rejects()
        for row in self.rows.values():
            if row["status"] != OK or row["path"] in rejects:
                continue
            path = self.output / row["path"]
            temporary = path.with_name(f".{path.name}.part")
            if temporary.is_file() and hash_file(temporary) == row["sha256"]:
                os.replace(temporary, path)
            if not path.is_file() or hash_file(path) != row["sha256"]:
                row["status"] = f"{AGAIN}: its file is gone or was changed"
        for pattern in FOLDERS:
            for path in self.output.glob(f"{pattern}/.*.part"):
                path.unlink()

    def _mark_rejects(self) -> None:
        """Gives the rows of rejected files their status, and takes it back."""
        rejects = self._rejects()
        for row in self.rows.values():
            if row["status"] in (OK, REJECTED):
                row["status"] = REJECTED if row["path"] in rejects else OK

    def _rejects(self) -> set[str]:
        """Lists the paths that the rejects.txt of each folder names."""
        return {
            f"{folder}/{name.strip()}"
            for folder in FOLDERS
            for name in read_lines(self.output / folder / "rejects.txt")
        }

    def _others(self, row: dict[str, str]) -> Iterator[dict[str, str]]:
        """Yields the other pictures of a row's kind, rejected ones too."""
        for other in self.rows.values():
            if other["status"] in (OK, REJECTED) and other["kind"] == row["kind"]:
                if other["url"] != row["url"]:
                    yield other


def last_part(url: str) -> str:
    """Gives the file name at the end of an address, without its ending.

    >>> last_part("https://h/a%20b.png?w=9"), last_part("http://[bad/x.png")
    ('a b', '')
    """
    try:
        return unquote(Path(urlsplit(url).path).stem)
    except ValueError:
        return ""


def read_lines(path: Path) -> list[str]:
    """Reads the lines of a text file; one that does not exist has none."""
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def write_text(path: Path, text: str) -> None:
    """Writes a text file that is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replacing.replace_file(path, text.encode())
