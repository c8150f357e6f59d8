"""The manifest of rendered frames: one line of JSON for each, in a folder of frames.

A frame gets its name first and its line next, so after a kill at any moment a frame
without a line is the only trace of unfinished work; it is made again. A second
manifest tells of the frames what scripts/download.py has to know of a `local` folder.
"""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path

MANIFEST = "manifest.jsonl"
CATALOGUE = "manifest.csv"
COLUMNS = "path", "group", "split", "title", "creator", "licence", "licence_url"
GROUPS = {  # classes of scenes that are one class of cut-outs
    **dict.fromkeys(("glass", "smoke", "veil"), "translucent"),
    **dict.fromkeys(("lace", "wire"), "net"),
    "pot": "basket",
}
CREATOR = "unet-gan-matting contributors"
LICENCE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"
SETTINGS = ("seed", "size", "samples", "split")  # which all views of a scene share
FLAGS = {"": "no --held-out", "heldout": "--held-out"}  # by split


def take_up(output: Path) -> dict[str, dict]:
    """Takes up a folder as a run left it: clears leftovers, reads what is done.

    Args:
        output: Folder of the frames.

    Returns:
        File name -> row of each frame that is there; the manifest has just these.
    """
    for path in (*output.glob("manifest.part"), *output.glob("foregrounds/*.part")):
        path.unlink()
    rows = read_rows(output / MANIFEST)
    rows = {name: row for name, row in rows.items() if (output / name).is_file()}
    if rows or (output / MANIFEST).exists():
        write_rows(output / MANIFEST, rows)
    return rows


def read_rows(path: Path) -> dict[str, dict]:
    """Reads file name -> row; a line cut short by a kill is left out."""
    rows = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for line in text.splitlines():
        try:
            row = json.loads(line)
            rows[row["file"]] = row
        except (KeyError, TypeError, ValueError):
            continue
    return rows


def write_rows(path: Path, rows: dict[str, dict]) -> None:
    """Writes rows sorted by file name, whole or not at all."""
    temporary = path.with_suffix(".part")
    lines = (json.dumps(rows[name]) + "\n" for name in sorted(rows))
    temporary.write_text("".join(lines), encoding="utf-8")
    os.replace(temporary, path)


def write_catalogue(path: Path, rows: dict[str, dict]) -> None:
    """Writes what a collection of pictures tells of each, whole or not at all."""
    temporary = path.with_suffix(".part")
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for name, row in sorted(rows.items()):
            group = GROUPS.get(row["kind"], row["kind"])
            title = f"{row['kind']}, scene {row['index']}, view {row['view']}"
            told = group, row.get("split", ""), title, CREATOR, row["licence"]
            table.writerow([name, *told, LICENCE_URL])
    os.replace(temporary, path)


def append_row(path: Path, row: dict) -> None:
    """Adds a row in one go; NumPy's numbers become plain ones."""
    with open(path, "a", encoding="utf-8") as manifest:
        manifest.write(json.dumps(row, default=float) + "\n")


def check_settings(rows: Iterable[dict], options) -> None:
    """Refuses to mix frames of different settings under the names of one run.

    Args:
        rows: Of frames that are there.
        options: With `output` and the SETTINGS of this run.

    Raises:
        ValueError: If a frame was made with another setting.
    """
    for row in rows:
        for name in SETTINGS:
            wanted = getattr(options, name)
            made = row.get(name, "" if name == "split" else wanted)
            if made != wanted:
                flag = FLAGS.get(made) if name == "split" else f"--{name} {made}"
                wanted = FLAGS[wanted] if name == "split" else wanted
                raise ValueError(
                    f"{options.output}: {row['file']} was made with {flag}, "
                    f"got {wanted}; give another --output"
                )
