"""The text files of a data directory: manifest, options.json and layers.json."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from model import composites

VERSION = 2  # of what is composited; 1 did not align cut sides with the frame


def check_previous(output: Path, choices: dict, listed: dict) -> None:
    """Refuses a folder of composites that this run would contradict.

    Args:
        output: The folder to fill.
        choices: What options.json would say.
        listed: What layers.json would say. Foregrounds may have come since.

    Raises:
        ValueError: If the folder was made with other options or from other layers.
    """
    advice = "choose another --output or delete this one"
    if not (output / "options.json").exists() or not (output / "layers.json").exists():
        return
    previous = json.loads((output / "options.json").read_text("utf-8"))
    changed = [key for key in choices if previous.get(key) != choices[key]]
    if changed:
        raise ValueError(f"{output}: made with another {', '.join(changed)}; {advice}")
    previous = json.loads((output / "layers.json").read_text("utf-8"))
    for split in ("train", "val"):
        if previous[split]["backgrounds"] != listed[split]["backgrounds"]:
            raise ValueError(f"{output}: made from other backgrounds; {advice}")
        gone = set(previous[split]["foregrounds"]) - set(listed[split]["foregrounds"])
        if gone:
            raise ValueError(
                f"{output}: {min(gone)} is no longer there, or in the other split; "
                + advice
            )


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


def write_text(path: Path, text: str) -> None:
    """Writes a text file that is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)
