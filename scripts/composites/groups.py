"""What kind of thing each foreground is: its group in the manifest of a collection."""

import csv
from pathlib import Path

from model import layers

COLUMNS = ("group", "class")  # of download.py and render.py; of the starter set


def list_groups(foregrounds: list[Path], output: Path) -> dict[str, dict[str, str]]:
    """Lists the known groups as layers.json has them.

    Args:
        foregrounds: Absolute paths, all of one folder.
        output: The data directory.

    Returns:
        `groups`: such as `hair`, by path relative to `output`; or nothing if no
        manifest.csv beside the folder or in the folder above names one.

    Raises:
        ValueError: If that manifest.csv is damaged.
    """
    for collection in foregrounds[0].parents[1:3]:
        known = read_groups(collection)
        listed = {
            layers.relative(path, output): known[path]
            for path in foregrounds
            if path in known
        }
        if listed:
            return {"groups": listed}
    return {}


def read_groups(collection: Path) -> dict[Path, str]:
    """Reads the groups in a collection's manifest.csv, by path; none if it has none."""
    manifest = collection / "manifest.csv"
    if not manifest.is_file():
        return {}
    try:
        with open(manifest, encoding="utf-8", errors="replace", newline="") as file:
            rows = list(csv.DictReader(file))
    except csv.Error as error:
        raise ValueError(f"{manifest}: damaged, {error}; mend or rename it") from error
    known = {}
    for row in rows:
        group = next(filter(None, map(row.get, COLUMNS)), "")
        if group and row.get("path"):
            known[collection / row["path"]] = group
    return known
