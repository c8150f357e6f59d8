"""Pictures out of Debian packages, chosen one by one by looking at them.

A selection names each file with its package, version, class and licence, and quotes
the statement in the package's own copyright file that grants the licence. A picture
is offered only if that statement is there. Beside the selection NAME.csv may lie a
NAME.sha256, as sha256sum writes it, with the checksums of the packages.
"""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from scripts.collect.candidate import KINDS, SPLITS, Candidate, SourceError
from scripts.collect.packages import PackageError, Packages
from scripts.collect.rows import AGAIN, read_table

SELECTION = Path(__file__).with_suffix(".csv")
CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "debian-pictures"
)
COLUMNS = (
    *("package", "version", "member", "kind", "group", "split", "licence"),
    *("statement", "creator", "crop", "name"),
)
GLOB = "Files: "  # begins a statement that is a paragraph of the usual format


class DebianSource:
    """Offers the files of a selection of Debian packages.

    Args:
        cache: Folder for packages and what is unpacked of them.
        selection: CSV with the columns of COLUMNS, one row for each picture.
        packages: Names of those to use, or None for all.

    Raises:
        SourceError: If the selection cannot be used.
    """

    name = "debian"

    def __init__(
        self,
        cache: Path = CACHE,
        selection: Path = SELECTION,
        packages: list[str] | None = None,
    ):
        rows = read_selection(selection)
        unknown = sorted(set(packages or ()) - {row["package"] for row in rows})
        if unknown:
            raise SourceError(f"--packages: {selection} has nothing of {unknown[0]}")
        self.rows = [
            row for row in rows if packages is None or row["package"] in packages
        ]
        checksums = read_checksums(selection.with_suffix(".sha256"))
        self.packages = Packages(cache.resolve(), checksums)
        self._unpacked: dict[tuple[str, str], dict[str, Path]] = {}
        self._faults: dict[tuple[str, str], str] = {}

    def search(self, kind: str, queries: list[str], limit: int) -> Iterator[Candidate]:
        """Offers the selected files of a kind; there is nothing to query.

        Raises:
            SourceError: In the end, if a package could not be had.
        """
        for row in self.rows:
            if row["kind"] == kind:
                yield self.offer(row)
        if self._faults:
            first, more = next(iter(self._faults.values())), len(self._faults) - 1
            rest = f" (and {more} packages more)" if more else ""
            raise SourceError(f"debian: {first}{rest}")

    def list_selected(self, kind: str) -> Iterator[Candidate]:
        """Lists the selected files of a kind; no package is fetched for that."""
        for row in self.rows:
            if row["kind"] == kind:
                yield self.describe(row)

    def offer(self, row: dict[str, str]) -> Candidate:
        """Makes a candidate of a row, with what is wrong if it cannot be had."""
        key = row["package"], row["version"]
        paths = self.unpack(key)
        path, fault = paths.get(row["member"]), self._faults.get(key, "")
        if fault:
            fault = f"{AGAIN}: {fault}"
        elif path is None:
            fault = f"{'='.join(key)} has no such file"
        statement = copyright_file(row["package"])
        if not fault and not is_granted(paths.get(statement), row):
            fault = f"licence {row['licence']} not found in {statement}"
        return self.describe(row)._replace(path=path, fault=fault)

    def describe(self, row: dict[str, str]) -> Candidate:
        """Makes a candidate of what a row says."""
        key = row["package"], row["version"]
        statement = copyright_file(row["package"])
        return Candidate(
            kind=row["kind"],
            source=self.name,
            query="",
            url=f"deb:{'='.join(key)}/{row['member']}",
            page=f"{'='.join(key)} (Debian package)",
            title=PurePosixPath(row["member"]).stem,
            creator=row["creator"],
            licence=row["licence"],
            licence_url=f"{'='.join(key)}/{statement}, {row['statement']}",
            name=row["name"],
            group=row["group"],
            split=row["split"],
            crop=tuple(map(int, row["crop"].split())) or None,
        )

    def unpack(self, key: tuple[str, str]) -> dict[str, Path]:
        """Unpacks all that is selected of a package, unless it was done before."""
        if key not in self._unpacked:
            members = {
                row["member"]
                for row in self.rows
                if (row["package"], row["version"]) == key
            }
            self._unpacked[key] = {}
            try:
                self._unpacked[key] = self.packages.unpack(
                    *key, members | {copyright_file(key[0])}
                )
            except PackageError as error:
                self._faults[key] = str(error)
        return self._unpacked[key]


def copyright_file(package: str) -> str:
    """Names the member of a package that states the licences of its files."""
    return f"usr/share/doc/{package}/copyright"


def is_granted(path: Path | None, row: dict[str, str]) -> bool:
    """Tells whether a copyright file says what a row of a selection claims.

    A statement `Files: A B` is granted by a paragraph for files among which A and B
    are, and of the row's licence, unless a later one, which counts more, is for the
    row's own file by another licence; any other has to be in the text word for word.
    """
    if path is None:
        return False
    text = path.read_text("utf-8", errors="replace")
    statement = row["statement"]
    if not statement.startswith(GLOB):
        return " ".join(statement.split()) in " ".join(text.split())
    globs = set(statement.removeprefix(GLOB).split())
    granted = False
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = dict(
            re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", paragraph, re.M)
        )
        files = set(fields.get("Files", "").split())
        short = (fields.get("License", "").strip().splitlines() or [""])[0]
        is_same = spdx(short) == row["licence"]
        if globs <= files and is_same:
            granted = True
        elif not is_same and is_among(row["member"], files - {"*"}):
            granted = False
    return granted


def is_among(member: str, globs: set[str]) -> bool:
    """Tells whether a file, installed below some folder, is one of those meant."""
    return any(fnmatchcase(member, f"*/{glob}") for glob in globs)


def spdx(short: str) -> str:
    """Writes a Debian short name of a licence as manifests do.

    >>> spdx("CC0"), spdx("GPL-2+")
    ('CC0-1.0', 'GPL-2+')
    """
    return {"CC0": "CC0-1.0", "PD": "public-domain"}.get(short, short)


def read_selection(path: Path) -> list[dict[str, str]]:
    """Reads a selection and refuses rows that cannot be meant."""
    if not path.is_file():
        raise SourceError(f"--selection: no file {path}; name a CSV")
    names, rows = read_table(path)
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise SourceError(f"{path}: no column {missing[0]}; see debian.csv")
    for number, row in enumerate(rows, 2):
        fault = find_fault(row)
        if fault:
            raise SourceError(f"{path}: row {number}: {fault}")
    return rows


def find_fault(row: dict[str, str]) -> str:
    """Says what is wrong with a row of a selection, or ""."""
    if None in row or None in row.values():
        return "too few or too many columns"
    for name in ("package", "version", "member", "licence", "statement"):
        if not row[name].strip():
            return f"no {name}"
    for name in ("package", "version"):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+~:-]*", row[name]):
            return f"{name}: got {row[name]!r}"
    if row["kind"] not in KINDS:
        return f"kind: got {row['kind']!r}; give foreground or background"
    if row["split"] not in SPLITS:
        return f"split: got {row['split']!r}; give heldout or nothing"
    if {"", "..", "."} & set(row["member"].split("/")):
        return f"member: got {row['member']!r}; give its path in the package"
    if row["crop"] and not re.fullmatch(r"\d+( \d+){3}", row["crop"]):
        return f"crop: got {row['crop']!r}; give left top right bottom in pixels"
    return ""


def read_checksums(path: Path) -> dict[str, str]:
    """Reads the checksums of files by name, none if there is no such list."""
    if not path.is_file():
        return {}
    lines = path.read_text("utf-8").splitlines()
    return {name.lstrip("*"): digest for digest, name in map(str.split, lines)}
