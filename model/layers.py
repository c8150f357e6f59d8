"""The layers of a data set: which pictures there are, and on which side each is.

Folders of cut-outs and backgrounds go in, `layers.json` comes out: the usable
files of the training and of the validation split, as paths relative to it.
"""

import hashlib
import json
import os
import re
from pathlib import Path

from model import images


def list_layers(folder: Path) -> list[Path]:
    """Lists the pictures of a folder, without those that its rejects.txt names.

    Args:
        folder: Holds pictures; one file name a line in rejects.txt.

    Returns:
        Absolute paths, sorted by name.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no pictures.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; name one with pictures")
    rejected = read_rejects(folder)
    paths = sorted(
        path
        for path in folder.resolve().iterdir()
        if path.suffix.lower() in images.EXTENSIONS
        and not path.name.startswith(".")
        and path.name not in rejected
    )
    if not paths:
        endings = " ".join(images.EXTENSIONS)
        raise ValueError(f"{folder}: no pictures ({endings}); put some there")
    return paths


def read_rejects(folder: Path) -> set[str]:
    """Reads the file names in a folder's rejects.txt; none if it has none.

    Raises:
        ValueError: If it is not in UTF-8.
    """
    rejects = folder / "rejects.txt"
    if not rejects.exists():
        return set()
    try:
        text = rejects.read_text("utf-8-sig")  # editors of Windows begin with a mark
    except UnicodeDecodeError as error:
        raise ValueError(f"{rejects}: not UTF-8 ({error}); save it as such") from error
    return {line.strip() for line in text.splitlines()}


def find_fault(path: Path, is_cutout: bool) -> str:
    """Decodes a layer completely and says what is wrong with it, or nothing."""
    try:
        if is_cutout:
            images.read_cutout(path)
        else:
            images.read_image(path)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def split_layers(
    usable: dict[str, list[Path]], seed: int, val_fraction: float
) -> dict[str, dict[str, list[Path]]]:
    """Divides layers by a hash of seed and series; each side gets one of two series.

    Args:
        usable: All `foregrounds` and `backgrounds`.
        seed: Another seed gives another split.
        val_fraction: Share of either kind for validation; 0 for none at all, 1 for
            all, so that nothing is left to train on.

    Returns:
        Sorted `foregrounds` and `backgrounds` of `train` and of `val`.

    Raises:
        ValueError: If there are foregrounds to validate on, but no background.
    """
    split = {"train": {}, "val": {}}
    for kind, paths in usable.items():
        names = {path: series(path) for path in paths}
        if len(set(names.values())) == 1:  # then each file has to stand for itself
            names = {path: path.stem for path in paths}
        ranked = sorted(set(names.values()), key=lambda name: stable_hash(seed, name))
        count = sum(stable_hash(seed, name) < val_fraction * 2**64 for name in ranked)
        if 0 < val_fraction < 1:
            count = min(max(count, 1), len(ranked) - 1)
        is_val = set(ranked[:count])
        split["train"][kind] = sorted(p for p in paths if names[p] not in is_val)
        split["val"][kind] = sorted(p for p in paths if names[p] in is_val)
    if split["val"]["foregrounds"] and not split["val"]["backgrounds"]:
        raise ValueError(
            "--backgrounds: 1 usable picture for training and validation; "
            "give 2 or more, or --val-fraction 0"
        )
    return split


def series(path: Path) -> str:
    """Names what a file is one of several views of: `hair-007-2.webp` of `hair-007`.

    Args:
        path: The file.

    Returns:
        Its stem without a last number of one or two digits. All of a series is on
        one side of the split, since two views of one scene are nearly the same
        picture; longer numbers count pictures, not views.
    """
    return re.sub(r"-\d{1,2}$", "", path.stem)


def stable_hash(*parts: object) -> int:
    """Hashes to 64 bits, the same on every machine and in every process."""
    text = "/".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def list_relative(layers: dict[str, dict[str, list[Path]]], output: Path) -> dict:
    """Lists the usable layers as layers.json has them."""
    listed = {"version": 1}
    for split, kinds in layers.items():
        listed[split] = {
            kind: sorted(relative(path, output) for path in paths)
            for kind, paths in kinds.items()
        }
    return listed


def read_layers(directory: Path, split: str) -> tuple[list[Path], list[Path]]:
    """Reads which layers a split has.

    Args:
        directory: A data directory with a layers.json.
        split: `train` or `val`.

    Returns:
        The files of the foregrounds and of the backgrounds.

    Raises:
        FileNotFoundError: If there is no list.
        ValueError: If it is damaged or a kind of layer is missing from the split.
    """
    path = directory / "layers.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; run scripts/combine.py first")
    try:
        listed = json.loads(path.read_text("utf-8"))[split]
        foregrounds, backgrounds = (
            [directory / name for name in listed[kind]]
            for kind in ("foregrounds", "backgrounds")
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: not a list of layers ({error!r}); run scripts/combine.py again"
        ) from error
    if not foregrounds or not backgrounds:
        raise ValueError(
            f"{path}: {len(foregrounds)} foregrounds and {len(backgrounds)} "
            f"backgrounds to {split}; give scripts/combine.py more pictures"
        )
    return foregrounds, backgrounds


def read_groups(directory: Path) -> dict[str, str]:
    """Reads what kinds of thing the foregrounds are, as far as that is known.

    Args:
        directory: A data directory.

    Returns:
        Groups such as `hair` by the foregrounds' paths in layers.json; none if it was
        made without them or is not there.

    Raises:
        ValueError: If the list is damaged.
    """
    path = directory / "layers.json"
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8")).get("groups", {}))
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: not a list of layers ({error!r}); run scripts/combine.py again"
        ) from error


def relative(path: Path, folder: Path) -> str:
    """Writes a path as seen from a folder, with slashes on every system."""
    return Path(os.path.relpath(path, folder)).as_posix()
