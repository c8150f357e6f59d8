"""The source `local`: pictures that are in a folder already.

A folder with `foregrounds` or `backgrounds` in it is taken at its word; in any other
one, pictures with transparency are foregrounds. A `manifest.csv` in the folder, of
download.py or with a column `path` at least, tells titles, creators and licences.
Names in a `rejects.txt` beside the pictures are left out.
"""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from model import layers
from scripts.collect.candidate import KINDS, Candidate, SourceError
from scripts.collect.rows import read_table

OTHER = {".txt", ".md", ".csv", ".json", ".jsonl", ".html", ".license"}  # no pictures
FIELDS = ("group", "split", "page", "title", "creator", "licence", "licence_url")


class LocalSource:
    """Offers the pictures of a folder, those of its sub-folders too.

    Args:
        folder: Where they are.
        licence: Of the pictures whose licence no manifest tells, as SPDX writes it.
        licence_url: The licence, or the statement that grants it.
        creator: Whom to credit.

    Raises:
        SourceError: If there is no such folder.
    """

    name = "local"

    def __init__(
        self, folder: Path, licence: str = "", licence_url: str = "", creator: str = ""
    ):
        if not folder.is_dir():
            raise SourceError(f"--folder: no folder {folder}; name one with pictures")
        self.folder = folder.resolve()
        self.same = {"licence": licence, "licence_url": licence_url, "creator": creator}
        self.known = read_manifest(self.folder / "manifest.csv")

    def search(self, kind: str, queries: list[str], limit: int) -> Iterator[Candidate]:
        """Offers all pictures of a kind, sorted by path; there is nothing to query."""
        has_kinds = any((self.folder / f"{name}s").is_dir() for name in KINDS)
        top = self.folder / f"{kind}s" if has_kinds else self.folder
        for path in sorted(top.rglob("*")):
            parts = path.relative_to(top).parts
            if path.suffix.lower() in OTHER or any(part[0] == "." for part in parts):
                continue
            if not path.is_file() or path.name in layers.read_rejects(path.parent):
                continue
            if has_kinds or kind == guess_kind(path):
                yield self.describe(kind, path, parts[:-1])

    def describe(self, kind: str, path: Path, folders: tuple[str, ...]) -> Candidate:
        """Says what is known of a file; a folder that it is in names its group."""
        inside = path.relative_to(self.folder).as_posix()
        known = self.known.get(inside, {})
        same = {} if "licence" in known else self.same  # never half of each
        told = {"group": folders[0] if folders else "", **same, **known}
        return Candidate(
            kind=kind,
            source=self.name,
            query="",
            url=f"{self.folder.name}/{inside}",
            name=path.stem,
            path=path,
            **told,
        )


def read_manifest(path: Path) -> dict[str, dict[str, str]]:
    """Reads what a manifest tells of each path: the columns of FIELDS not empty."""
    if not path.is_file():
        return {}
    return {
        row["path"]: {name: row[name] for name in FIELDS if row.get(name)}
        for row in read_table(path)[1]
        if row.get("path")
    }


def guess_kind(path: Path) -> str:
    """Tells a cut-out by its transparency; what cannot be opened passes for one."""
    try:
        with Image.open(path) as picture:
            has_alpha = picture.has_transparency_data
    except Exception:  # as gates.decode finds out, and says
        return "foreground"
    return "foreground" if has_alpha else "background"
