"""The frames in scripts/renders: what is told of them, and what is held out."""

import pytest

from scripts.collect.local import LocalSource
from scripts.render import HERE
from scripts.scenes import journal

FOLDER = HERE / "renders"


@pytest.fixture(scope="module")
def rows():
    return journal.read_rows(FOLDER / journal.MANIFEST)


@pytest.fixture(scope="module")
def held_out(rows):
    return [row for row in rows.values() if row.get("split") == "heldout"]


def test_every_frame_is_told_of_and_there(rows, tmp_path):
    frames = {f"foregrounds/{path.name}" for path in (FOLDER / "foregrounds").iterdir()}
    assert set(rows) == frames
    journal.write_catalogue(tmp_path / "made.csv", rows)
    told = (FOLDER / journal.CATALOGUE).read_text()
    assert (tmp_path / "made.csv").read_text() == told


def test_no_scene_is_both_trained_on_and_held_out(rows, held_out):
    seeds = {row["seed"] for row in held_out}
    scenes = {row["scene_seed"] for row in held_out}
    trained = [row for row in rows.values() if row not in held_out]
    assert trained and held_out
    assert seeds.isdisjoint(row["seed"] for row in trained)
    assert scenes.isdisjoint(row["scene_seed"] for row in trained)


def test_a_collection_keeps_just_these_frames_out_of_training(held_out):
    found = list(LocalSource(FOLDER).search("foreground", [], 9999))
    kept = {item.name for item in found if item.split == "heldout"}
    assert kept == {row["file"].split("/")[1].split(".")[0] for row in held_out}
    assert len(found) > len(kept)


def test_held_out_are_a_tinted_box_smoke_a_veil_and_things_in_motion(held_out):
    drawn = [(row["kind"], row["parameters"]) for row in held_out]
    boxes = [told for _, told in drawn if told.get("kind") in ("box", "block")]
    assert any(min(told["tint"]) < 0.6 for told in boxes)
    smokes = {told["kind"] for kind, told in drawn if kind == "smoke"}
    assert smokes - {"fire"}
    assert "veil" in dict(drawn)
    assert any(row["motion"] for row in held_out)
