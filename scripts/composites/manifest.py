"""The text files of a data directory: manifest, options.json and layers.json."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from model import composites, layers, replacing

VERSION = 2  # of what is composited; 1 did not align cut sides with the frame


def check_previous(output: Path, choices: dict, listed: dict) -> list[str]:
    """Refuses a folder of composites that this run would contradict.

    Args:
        output: The folder to fill.
        choices: What options.json would say.
        listed: What layers.json would say. Foregrounds may have come since, or been
            rejected.

    Returns:
        The foregrounds rejected since, as layers.json had them.

    Raises:
        ValueError: If the folder was made with other options or from other layers, or
            one of its files is damaged.
    """
    advice = "choose another --output or delete this one"
    if not (output / "options.json").exists() or not (output / "layers.json").exists():
        return []
    previous = _read_object(output / "options.json", advice)
    changed = [key for key in choices if previous.get(key) != choices[key]]
    if changed:
        raise ValueError(f"{output}: made with another {', '.join(changed)}; {advice}")
    previous = _read_object(output / "layers.json", advice)
    rejected = []
    for split, other in (("train", "val"), ("val", "train")):
        sides = previous.get(split)
        if not isinstance(sides, dict) or not all(
            isinstance(sides.get(kind), list) for kind in ("foregrounds", "backgrounds")
        ):
            raise ValueError(f"{output / 'layers.json'}: damaged; {advice}")
        kept = set(listed[split]["backgrounds"])
        for name in sorted(set(previous[split]["backgrounds"]) - kept):
            if is_rejected(output / name):
                raise ValueError(
                    f"{output}: made before {name} was rejected, and without it each "
                    f"composite may have another background; {advice}"
                )
        if previous[split]["backgrounds"] != listed[split]["backgrounds"]:
            raise ValueError(f"{output}: made from other backgrounds; {advice}")
        gone = set(previous[split]["foregrounds"]) - set(listed[split]["foregrounds"])
        for name in sorted(gone):
            if name in listed[other]["foregrounds"]:
                raise ValueError(f"{output}: {name} would change to {other}; {advice}")
            if not is_rejected(output / name):
                what = "cannot be used" if (output / name).is_file() else "is gone"
                raise ValueError(f"{output}: made from {name}, which {what}; {advice}")
            rejected.append(name)
    return rejected


def is_rejected(path: Path) -> bool:
    """Tells whether the rejects.txt beside a layer names it."""
    return path.name in layers.read_rejects(path.parent)


def _read_object(path: Path, advice: str) -> dict:
    """Reads a JSON file with an object in it.

    Raises:
        ValueError: If it is damaged, with the advice.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:  # of UTF-8, too
        raise ValueError(f"{path}: damaged ({error}); {advice}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: damaged; {advice}")
    return value


def drop_rows(
    output: Path, is_unwanted: Callable[[dict], bool], own: Path | None = None
) -> None:
    """Takes rows out of the manifests of a data directory; one that loses all goes.

    Args:
        output: The data directory.
        is_unwanted: Tells whether a row is to go.
        own: The one manifest that is left alone.
    """
    for path in output.glob("manifest*.jsonl"):
        if path == own:
            continue
        rows = list(composites.read_manifest(path))
        kept = [row for row in rows if not is_unwanted(row)]
        if len(kept) == len(rows):
            continue  # one without any may be that of a shard that has just begun
        if kept:
            write_rows(path, kept)
        else:
            path.unlink()


def write_choices(output: Path, choices: dict, listed: dict) -> None:
    """Writes options.json and layers.json."""
    write_text(output / "layers.json", json.dumps(listed, indent=1) + "\n")
    write_text(output / "options.json", json.dumps(choices, indent=1) + "\n")


def name_manifest(shard_index: int, num_shards: int) -> str:
    """Names the manifest of one shard."""
    if num_shards == 1:
        return "manifest.jsonl"
    return f"manifest-{shard_index:05}-of-{num_shards:05}.jsonl"


def read_all(output: Path) -> dict[str, dict]:
    """Reads the rows of all manifests of a data directory, by name."""
    return {row["name"]: row for row in composites.read_rows(output)}


def write_rows(manifest: Path, rows: Iterable[dict]) -> None:
    """Writes a manifest, sorted."""
    rows = sorted(rows, key=lambda row: (row["split"], row["name"]))
    write_text(manifest, "".join(json.dumps(row) + "\n" for row in rows))


def take_over(manifest: Path, names: set[str]) -> None:
    """Takes rows out of the other manifests beside one, as of runs in other shards.

    What they say of a file will not be true when it has been written anew.

    Args:
        manifest: The one that has, or will have, the rows.
        names: Of the composites.
    """
    drop_rows(manifest.parent, lambda row: row["name"] in names, own=manifest)


def write_text(path: Path, text: str) -> None:
    """Writes a text file that is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replacing.replace_file(path, text.encode())
