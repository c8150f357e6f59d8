import pytest
from PIL import Image

from model import images, layers
from scripts.collect import sheets, summary
from scripts.collect.manifest import Manifest
from tests.collected import add, candidate


def test_a_summary_counts_classes_and_licences_of_all_sources():
    told = [  # kind, source, group, split, licence, status
        ("foreground", "debian", "hair", "", "GPL-2.0", "ok"),
        ("foreground", "debian", "hair", "", "GPL-2.0", "near duplicate: 2 bits"),
        ("foreground", "local", "hair", "heldout", "CC0-1.0", "ok"),
        ("foreground", "local", "hair", "", "CC0-1.0", "ok"),
        ("foreground", "local", "net", "heldout", "CC0-1.0", "ok"),
        ("foreground", "local", "net", "", "CC0-1.0", "rejected by hand"),
        ("foreground", "local", "", "", "", "ok"),
        ("background", "debian", "", "", "CC0-1.0", "ok"),
    ]
    names = ("kind", "source", "group", "split", "licence", "status")
    lines = summary.summarise(
        (dict(zip(names, row, strict=True)) for row in told), ["debian"]
    )
    assert lines == [
        "debian foregrounds: 1 ok, 1 near duplicate",
        "debian foregrounds licences: 1 GPL-2.0",
        "debian backgrounds: 1 ok",
        "debian backgrounds licences: 1 CC0-1.0",
        "foregrounds classes: 2 hair (+1 held out), 0 net (+1 held out), "
        "1 without class",
        "backgrounds classes: 1 without class",
        "licences: 4 CC0-1.0, 1 GPL-2.0, 1 unknown",
    ]
    assert summary.summarise([], ["debian"]) == []


def fill(output, names, kind="foreground"):
    """Adds pictures that are really there."""
    book = Manifest(output)
    for index, name in enumerate(names):
        path = output / f"{name}.png"
        colour = (index % 250, 90, 60, 255)
        mode = "RGBA" if kind == "foreground" else "RGB"
        Image.new(mode, (40, 80), colour[: len(mode)]).save(path)
        data = path.read_bytes()
        path.unlink()
        add(book, candidate(f"https://h/{name}", kind=kind, name=name), data)
    book.write()
    return book


def test_sheets_show_every_usable_picture_with_its_number(tmp_path):
    fill(tmp_path, [f"f{number:03}" for number in range(50)])
    book = fill(tmp_path, ["b1", "b2"], "background")
    drawn = sheets.draw_sheets(tmp_path, book.sorted_rows())
    names = ["foregrounds-01.jpg", "foregrounds-02.jpg", "backgrounds-01.jpg"]
    assert [path.name for path in drawn] == names
    numbers = sheets.read_numbers(tmp_path)
    assert numbers["foregrounds/f000.webp"] == 1
    assert numbers["backgrounds/b2.webp"] == 52
    sheet = images.read_image(drawn[0]) * 255
    middle = sheet[sheets.GAP + 80, sheets.GAP + 80]
    assert abs(middle - (0, 90, 60)).max() < 20


def test_a_picture_keeps_its_number_and_rejected_ones_leave_the_sheets(tmp_path):
    book = fill(tmp_path, ["b", "d"])
    sheets.draw_sheets(tmp_path, book.sorted_rows())
    assert sheets.reject(tmp_path, "2") == ["foregrounds/d.webp"]
    book = fill(tmp_path, ["a", "c"])
    sheets.draw_sheets(tmp_path, book.sorted_rows())
    numbers = sheets.read_numbers(tmp_path)
    assert [numbers[f"foregrounds/{name}.webp"] for name in "bdac"] == [1, 2, 3, 4]
    kept = layers.list_layers(tmp_path / "foregrounds")
    assert [path.name for path in kept] == ["a.webp", "b.webp", "c.webp"]
    sheets.reject(tmp_path, "1,3-4")
    drawn = sheets.draw_sheets(tmp_path, Manifest(tmp_path).sorted_rows())
    assert drawn == [] and not list((tmp_path / "sheets").glob("*.jpg"))


def test_sheets_that_are_too_many_go_and_other_pictures_stay(tmp_path):
    book = fill(tmp_path, "ab")
    (tmp_path / "sheets").mkdir()
    kept = {"holiday.jpg", "foregrounds-2024-trip.jpg"}
    for name in ("foregrounds-02.jpg", "backgrounds-101.jpg", *kept):
        (tmp_path / "sheets" / name).write_bytes(b"")
    sheets.draw_sheets(tmp_path, book.sorted_rows())
    names = {path.name for path in (tmp_path / "sheets").glob("*.jpg")}
    assert names == {"foregrounds-01.jpg", *kept}


def test_rejecting_adds_to_what_was_rejected(tmp_path):
    book = fill(tmp_path, "abcd")
    sheets.draw_sheets(tmp_path, book.sorted_rows())
    sheets.reject(tmp_path, "2")
    sheets.reject(tmp_path, "4, 1-2")
    rejects = (tmp_path / "foregrounds/rejects.txt").read_text()
    assert rejects == "b.webp\na.webp\nd.webp\n"


@pytest.mark.parametrize(
    "wanted", ["5", "0", "x", "1,,2", "3-1", "-2", "", "1-9999999"]
)
def test_numbers_that_are_on_no_sheet_reject_nothing(tmp_path, wanted):
    book = fill(tmp_path, "abcd")
    sheets.draw_sheets(tmp_path, book.sorted_rows())
    with pytest.raises(ValueError, match="^--reject: .*; (give|look)"):
        sheets.reject(tmp_path, wanted)
    assert not (tmp_path / "foregrounds/rejects.txt").exists()
