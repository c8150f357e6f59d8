"""Contact sheets: numbered pictures on a checkerboard, for a filter by eye.

The usable pictures of a collection go in; sheets/KIND-NN.jpg and sheets/numbers.csv
come out. A picture keeps its number for ever, so that a number read from a sheet
of last week still means the same picture.
"""

import csv
import io
import re
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from model import images, matting, replacing
from scripts.collect.candidate import KINDS
from scripts.collect.manifest import read_lines, write_text

COLUMNS, ROWS = 8, 6  # of pictures on a sheet
SHEET = re.compile(rf"({'|'.join(KINDS)})s-\d\d+\.jpg")
SIDE = 160  # pixels of the longer side of a picture on a sheet
LABEL = 32  # pixels of height for number and name
GAP = 6  # pixels between pictures
QUALITY = 75  # of the JPEG: sheets are looked at and passed on, not measured


def draw_sheets(output: Path, rows: list[dict[str, str]]) -> list[Path]:
    """Draws the sheets of all usable pictures and deletes sheets of before.

    Args:
        output: The folder of the collection.
        rows: Of its manifest.

    Returns:
        The files of the sheets.
    """
    rows = [row for row in rows if row["status"] == "ok"]
    rows.sort(key=lambda row: (row["kind"] != "foreground", row["group"], row["path"]))
    numbers = read_numbers(output)
    for row in rows:
        numbers.setdefault(row["path"], len(numbers) + 1)
    write_numbers(output, numbers)
    sheets = []
    for kind in KINDS:
        listed = [row["path"] for row in rows if row["kind"] == kind]
        listed.sort(key=numbers.__getitem__)
        for first in range(0, len(listed), COLUMNS * ROWS):
            shown = listed[first : first + COLUMNS * ROWS]
            name = f"{kind}s-{first // (COLUMNS * ROWS) + 1:02}.jpg"
            sheets.append(output / "sheets" / name)
            draw_sheet(sheets[-1], output, [(numbers[path], path) for path in shown])
    for path in (output / "sheets").glob("*.jpg"):
        if path not in sheets and SHEET.fullmatch(path.name):
            path.unlink()
    return sheets


def draw_sheet(sheet: Path, output: Path, numbered: list[tuple[int, str]]) -> None:
    """Draws one sheet of numbered pictures."""
    height = -(-len(numbered) // COLUMNS) * (SIDE + LABEL + GAP) + GAP
    picture = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, height), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default()
    for index, (number, path) in enumerate(numbered):
        left = GAP + index % COLUMNS * (SIDE + GAP)
        top = GAP + index // COLUMNS * (SIDE + LABEL + GAP)
        small = thumbnail(output / path)
        place = left + (SIDE - small.width) // 2, top + (SIDE - small.height) // 2
        picture.paste(small, place)
        draw.text((left, top + SIDE + 2), str(number), "black", font, stroke_width=0.3)
        draw.text((left, top + SIDE + 16), Path(path).stem[:26], "black", font)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=QUALITY)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    replacing.replace_file(sheet, content.getvalue())


def thumbnail(path: Path) -> Image.Image:
    """Reads a small version of a picture, a cut-out on a checkerboard."""
    with Image.open(path) as picture:
        picture.thumbnail((SIDE, SIDE))
        if picture.mode != "RGBA":
            return picture.convert("RGB")
        board = matting.checkerboard(picture.height, picture.width)
        board = Image.fromarray(images.to_uint8(board)).convert("RGBA")
        return Image.alpha_composite(board, picture).convert("RGB")


def read_numbers(output: Path) -> dict[str, int]:
    """Reads the number of each path that ever was on a sheet."""
    path = output / "sheets" / "numbers.csv"
    if not path.is_file():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return {row["path"]: int(row["number"]) for row in csv.DictReader(file)}


def write_numbers(output: Path, numbers: dict[str, int]) -> None:
    """Writes the number of each path."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["number", "path"])
    table.writerows([number, path] for path, number in numbers.items())
    write_text(output / "sheets" / "numbers.csv", text.getvalue())


def reject(output: Path, wanted: str) -> list[str]:
    """Adds pictures to the rejects.txt of their folders.

    Args:
        output: The folder of the collection.
        wanted: Numbers on its sheets, such as `3,17,40-44`.

    Returns:
        The paths of the rejected pictures.

    Raises:
        ValueError: If a number is on no sheet; then nothing is rejected.
    """
    paths = {number: path for path, number in read_numbers(output).items()}
    numbers = parse_numbers(wanted)
    unknown = sorted(set(numbers) - set(paths))
    if unknown:
        raise ValueError(
            f"--reject: no picture {unknown[0]} on the sheets of {output}, "
            f"which go to {max(paths, default=0)}; look again"
        )
    chosen = [paths[number] for number in numbers]
    for folder in {Path(path).parent for path in chosen}:
        names = [Path(path).name for path in chosen if Path(path).parent == folder]
        listed = read_lines(output / folder / "rejects.txt")
        listed += [name for name in names if name not in listed]
        write_text(output / folder / "rejects.txt", "\n".join(listed) + "\n")
    return chosen


def parse_numbers(wanted: str) -> list[int]:
    """Reads numbers and ranges separated by commas.

    >>> parse_numbers("3,17,40-42")
    [3, 17, 40, 41, 42]
    """
    numbers = set()
    for part in wanted.replace(" ", "").strip(",").split(","):
        first, _, last = part.partition("-")
        last = last or first
        if not (first.isdecimal() and last.isdecimal() and len(first + last) < 15):
            raise ValueError(f"--reject: not a number, got {part!r}; give e.g. 3,40-44")
        if not 0 <= int(last) - int(first) < 100_000:
            raise ValueError(f"--reject: no range, got {part!r}; give e.g. 40-44")
        numbers.update(range(int(first), int(last) + 1))
    return sorted(numbers)
