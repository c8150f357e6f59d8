"""What kind of thing each foreground is: its group in the manifest of a collection.

A group may weigh more than others in training: then layers.json names each of its
foregrounds so many times.
"""

import csv
from pathlib import Path

from model import layers

COLUMNS = ("group", "class")  # of download.py and render.py; of the starter set
HEAVIEST = 100  # so many times may a foreground be listed


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
        with open(manifest, encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = list(csv.DictReader(file))
    except csv.Error as error:
        raise ValueError(f"{manifest}: damaged, {error}; mend or rename it") from error
    known = {}
    for row in rows:
        group = next(filter(None, map(row.get, COLUMNS)), "")
        if group and row.get("path"):
            known[collection / row["path"]] = group
    return known


def parse_weights(words: list[str]) -> dict[str, int]:
    """Reads how much groups weigh.

    Raises:
        ValueError: If one is not GROUP=NUMBER, or given twice.

    >>> parse_weights(["hair=6", "net=4"])
    {'hair': 6, 'net': 4}
    """
    weights = {}
    for word in words:
        group, _, number = word.rpartition("=")
        if not (group and number.isdecimal() and 1 <= int(number) <= HEAVIEST):
            raise ValueError(
                f"--weights: got {word!r}; give CLASS=N with N from 1 to {HEAVIEST}, "
                "e.g. hair=6"
            )
        if group in weights:
            raise ValueError(f"--weights: {group} is given twice; give it once")
        weights[group] = int(number)
    return weights


def check_weights(weights: dict[str, int], known: dict[str, str]) -> None:
    """Refuses to weigh a group that no foreground is of.

    Args:
        weights: By group.
        known: Groups by foreground.

    Raises:
        ValueError: If there is no such group.
    """
    unknown = sorted(set(weights) - set(known.values()))
    if unknown and not known:
        raise ValueError(
            "--weights: the classes are not known; "
            "give --foregrounds of a collection with a manifest.csv"
        )
    if unknown:
        there = ", ".join(sorted(set(known.values())))
        raise ValueError(f"--weights: no class {unknown[0]}; there are {there}")


def weigh(listed: dict, weights: dict[str, int]) -> None:
    """Repeats the foregrounds to train on as often as their groups weigh.

    Args:
        listed: The content of layers.json, with its `groups`; is changed.
        weights: By group; the others weigh 1.
    """
    known = listed.get("groups", {})
    listed["train"]["foregrounds"] = [
        name
        for name in listed["train"]["foregrounds"]
        for _ in range(weights.get(known.get(name), 1))
    ]
