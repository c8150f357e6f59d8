import csv

import numpy as np
import pytest
from PIL import Image

from scripts import overview
from scripts.collect.rows import COLUMNS, OK


@pytest.fixture
def collection(tmp_path):
    """Three leaves, one of them rejected, a cloth without class, and a background."""
    rows = []
    for path, kind, group, status in (
        ("foregrounds/leaf-1.webp", "foreground", "foliage", OK),
        ("heldout/foregrounds/leaf-2.webp", "foreground", "foliage", OK),
        ("foregrounds/leaf-3.webp", "foreground", "foliage", "rejected by hand"),
        ("foregrounds/cloth.webp", "foreground", "", OK),
        ("backgrounds/sky.jpg", "background", "photo", OK),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        mode = "RGBA" if kind == "foreground" else "RGB"
        Image.new(mode, (20, 30), "red").save(tmp_path / path)
        row = dict.fromkeys(COLUMNS, "") | {"path": path, "kind": kind, "group": group}
        rows.append(row | {"status": status, "licence": "CC0-1.0", "creator": "Ann"})
    with open(tmp_path / "manifest.csv", "w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return tmp_path


def test_it_draws_a_sheet_for_each_class_and_credits_what_shows(collection, tmp_path):
    output = tmp_path / "sheets"
    assert overview.main([str(collection), "--output", str(output)]) == 0
    sheets = {path.stem: np.asarray(Image.open(path)) for path in output.glob("*.jpg")}
    assert set(sheets) == {"foliage", "foreground", "photo"}
    red = (sheets["foliage"][..., 0] > 200) & (sheets["foliage"][..., 1] < 50)
    assert 2 * 600 * 0.8 < red.sum() < 2 * 600 * 1.1  # two leaves of 20 by 30
    credits = (output / "ATTRIBUTION.md").read_text()
    assert "leaf-2" in credits and "leaf-3" not in credits
    assert credits.count("by Ann") == 4


def test_a_class_names_a_file_in_the_folder_and_no_other():
    for group, name in (
        ("../../evil", "evil"),
        ("a b/c", "a-b-c"),
        ("..", "foreground"),
    ):
        assert overview.name_class({"group": group, "kind": "foreground"}) == name


def test_a_limit_spreads_over_the_class():
    rows = [{"source": "debian", "path": f"{number:02}"} for number in range(20)]
    chosen = [row["path"] for row in overview.choose_rows(rows, 4)]
    assert chosen == ["00", "05", "10", "15"]


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "no such file; run scripts/download.py"), (",".join(COLUMNS), "no usable")],
)
def test_without_pictures_it_ends_with_one_line(tmp_path, capsys, text, said):
    if text is not None:
        (tmp_path / "manifest.csv").write_text(text + "\n")
    assert overview.main([str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    errors = capsys.readouterr().err
    assert said in errors and errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_collection_itself_is_not_filled(collection, capsys):
    credits = collection / "ATTRIBUTION.md"
    credits.write_text("of all")
    assert overview.main([str(collection), "--output", str(collection)]) == 2
    assert "whose credits would be lost" in capsys.readouterr().err
    assert credits.read_text() == "of all"
