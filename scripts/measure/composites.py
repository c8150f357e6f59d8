"""The composites of a data directory of scripts/combine.py, to measure on."""

from collections.abc import Iterator
from pathlib import Path

from model import layers, matting
from model.composites import Composites, read_rows
from scripts.measure.case import Case


def is_data_directory(directory: Path) -> bool:
    """Tells whether a folder has the manifest of scripts/combine.py."""
    return any(directory.glob("manifest*.jsonl"))


def find_composites(
    directory: Path, limit: int | None
) -> tuple[Composites, dict[str, str]]:
    """Finds the validation split and reads once what is to be measured.

    Args:
        directory: A data directory.
        limit: How many composites to take, spread over the foregrounds, or None for
            all.

    Returns:
        The composites, and the groups of those to take by their names, "" where no
        group is known.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If nothing is for validation or a file is damaged.
    """
    rows = [row for row in read_rows(directory) if isinstance(row, dict)]
    foregrounds = {
        row.get("name"): row.get("foreground")
        for row in rows
        if row.get("split") == "val"
    }
    if not foregrounds:
        raise ValueError(
            f"{directory}: none of {len(rows)} composites is for validation; "
            "run scripts/combine.py with --val-fraction 1"
        )
    composites = Composites(directory, "val")
    groups = layers.read_groups(directory)
    names = composites.names if limit is None else composites.spread(limit)
    chosen = {name: groups.get(foregrounds.get(name), "") for name in names}
    for case in read_cases(composites, chosen):
        check(case, composites.directory)
    return composites, chosen


def read_cases(composites: Composites, groups: dict[str, str]) -> Iterator[Case]:
    """Reads composites one after the other.

    Args:
        composites: The validation split.
        groups: By the names of those to read.

    Yields:
        The cases, with their true foreground.
    """
    for name, group in groups.items():
        labels = {"group": group, "composite": name}
        yield Case(labels, **composites.read(name))


def check(case: Case, directory: Path) -> None:
    """Refuses a composite whose pictures do not fit or that leaves nothing to do.

    Args:
        case: The composite.
        directory: Of its split.

    Raises:
        ValueError: If the sizes differ, or no pixel is unknown.
    """
    place = f"{directory}: {case.labels['composite']}"
    for part in ("trimap", "alpha", "foreground"):
        size = getattr(case, part).shape[:2]
        if size != case.image.shape[:2]:
            raise ValueError(
                f"{place}: {part} is not the size of the image, got (H, W) {size} for "
                f"{case.image.shape[:2]}; delete both and run scripts/combine.py again"
            )
    if matting.UNKNOWN not in case.trimap:
        raise ValueError(
            f"{place}: no unknown pixel; delete it and run scripts/combine.py again"
        )
