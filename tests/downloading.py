"""Collections of a site that is played, for the tests of scripts/download.py."""

import csv
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from scripts import download

SCRIPT = Path(download.__file__).resolve()
CONTACT = ("--contact", "me@example.org")
QUICK = ("--delay", "0", "--attempts", "1", "--min-side", "64", "--quiet")


def draw_cutout(seed, side=96):
    """A soft disc of many colours, as PNG."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((side, side)) - side / 2 + 0.5
    alpha = np.clip((0.45 * side - np.hypot(rows, columns)) / 5 + 0.5, 0, 1)
    small = random.integers(0, 256, (6, 6, 3), np.uint8)
    colours = Image.fromarray(small).resize((side, side))
    return encode(np.dstack([colours, np.round(alpha * 255).astype(np.uint8)]))


def draw_photograph(seed):
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return encode(np.asarray(Image.fromarray(small).resize((120, 90))), "JPEG")


def encode(array, file_format="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, file_format)
    return buffer.getvalue()


def play_openverse(site, files, page_size=20):
    """Has the site offer files, (name, answer) each, to any search for cut-outs."""

    def answer(query):
        listed = [] if "jpg" in query["extension"] else list(files)
        first = (int(query["page"]) - 1) * page_size
        return {
            "result_count": len(listed),
            "page_count": -(-len(listed) // page_size),
            "page_size": page_size,
            "page": int(query["page"]),
            "results": [
                {
                    "id": name,
                    "title": name,
                    "url": f"{site.address}/pictures/{name}",
                    "foreign_landing_url": f"https://photos.example/{name}",
                    "creator": "Jo Example",
                    "license": "by",
                    "license_version": "4.0",
                    "license_url": "https://creativecommons.org/licenses/by/4.0/",
                }
                for name in listed[first : first + page_size]
            ],
        }

    site.answers["/v1/images/"] = answer
    for name, file in files.items():
        site.answers[f"/pictures/{name}"] = file
    return ("--openverse-api", f"{site.address}/v1/images/", *CONTACT, *QUICK)


def read_rows(output):
    with open(output / "manifest.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def outcomes(output):
    return {row["title"] or row["url"]: row["status"] for row in read_rows(output)}


def everything(output):
    """All files of a collection but the times of fetching, and no temporary ones."""
    found = {}
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        found[path.relative_to(output).as_posix()] = path.read_bytes()
    rows = [{**row, "fetched": ""} for row in read_rows(output)]
    return {**found, "manifest.csv": rows}


def run(output, *arguments):
    return download.main([*map(str, arguments), "--output", str(output)])


def command(output, *arguments):
    return [sys.executable, str(SCRIPT), *map(str, arguments), "--output", str(output)]
