import json
import shutil

import numpy as np
import pytest

from model import images, network, predict
from model.composites import Composites
from scripts import benchmark
from scripts.measure import mattes, methods, table
from scripts.measure.composites import find_composites

pymatting = pytest.importorskip("pymatting")


ONE_RUN = ("--logdir", "matting")


def measure(capsys, *arguments):
    code = benchmark.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def grouped(data_directory, tmp_path):
    """A copy of composites of which all foregrounds but one have a group."""
    directory = shutil.copytree(data_directory, tmp_path / "data")
    path = directory / "layers.json"
    listed = json.loads(path.read_text())
    names = listed["val"]["foregrounds"]
    assert len(names) >= 2
    listed["groups"] = dict.fromkeys(names[1:], "translucent")
    path.write_text(json.dumps(listed))
    return directory


@pytest.fixture
def fake_checkpoint(monkeypatch):
    """Stands in for the network: half of every unknown pixel, the image's colours."""

    def run(network, image, trimap, views):
        return {"alpha": trimap.astype(np.float32) / 255, "foreground": image}

    monkeypatch.setattr(network, "load_network", lambda logdir, step: None)
    monkeypatch.setattr(predict, "run", run)


def test_either_format_gives_the_same_numbers(
    data_directory, record_directory, tmp_path, capsys, fake_checkpoint
):
    found = []
    for directory in (data_directory, record_directory):
        options = ("--methods", "closed-form", "checkpoint", "--output", tmp_path)
        code, out, errors = measure(capsys, directory, *options, *ONE_RUN)
        assert code == 0, errors
        results = json.loads((tmp_path / "benchmark.json").read_text())
        for row in results["rows"] + results["means"]:
            del row["seconds"], row["foreground_seconds"]
            if row.get("ratio"):
                del row["ratio"]["seconds"]
        found.append([results["rows"], results["means"]])
    assert found[0] == found[1]
    names = Composites(data_directory, "val").names
    assert results["title"] == f"{record_directory.name}: {len(names)} composites"
    assert [row["composite"] for row in results["rows"][::2]] == names
    assert len(out.splitlines()) == 1 + 2  # without groups, all together alone
    assert out.split()[:3] == ["group", "composites", "method"]


def test_colours_are_measured_against_the_true_foreground(
    data_directory, tmp_path, capsys, fake_checkpoint
):
    options = ("--methods", "knn", "checkpoint", "--limit", 1, "--output", tmp_path)
    code, out, _ = measure(capsys, data_directory, *options, *ONE_RUN)
    assert code == 0
    assert "F soft x1000  F opaque x1000" in out.splitlines()[0]
    knn, checkpoint = json.loads((tmp_path / "benchmark.json").read_text())["rows"]
    composites = Composites(data_directory, "val")
    true = composites.read(composites.names[0])
    is_soft = (true["alpha"] > 0) & (true["alpha"] < 1)
    error = np.abs(true["image"] - true["foreground"])[is_soft].mean()
    assert checkpoint["foreground_fractional"] == pytest.approx(error, rel=1e-5)
    assert checkpoint["foreground_opaque"] == 0
    pred = methods.run_knn(true["image"], true["trimap"]).alpha
    foreground = methods.estimate_foreground(true["image"], mattes.round_levels(pred))
    error = np.abs(foreground - true["foreground"])[is_soft].mean()
    assert knn["foreground_fractional"] == pytest.approx(error, abs=0.5 / 255)


def test_each_group_is_averaged_by_itself(grouped, tmp_path, capsys, fake_checkpoint):
    options = ("--methods", "checkpoint", "--output", tmp_path / "out", "-v")
    code, out, _ = measure(capsys, grouped, *options, *ONE_RUN)
    assert code == 0
    results = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    rows = results["rows"]
    assert [mean["group"] for mean in results["means"]] == ["all", "translucent"]
    chosen = [row["sad"] for row in rows if row["group"] == "translucent"]
    assert 0 < len(chosen) < len(rows)
    for mean, part in zip(
        results["means"], ([row["sad"] for row in rows], chosen), strict=True
    ):
        assert mean["sad"] == pytest.approx(np.mean(part))
        assert mean["composites"] == len(part)
    assert sum(line.startswith("translucent") for line in out.splitlines()) == 1 + len(
        chosen
    )
    page = (tmp_path / "out" / "benchmark.html").read_text()
    assert f"{rows[-1]['composite']}, translucent" in page


def test_pixels_that_there_are_not_leave_no_mean():
    row = {"group": "", "composite": "a", "method": "m", "note": ""}
    row |= {"seconds": 1.0, "foreground_seconds": 1.0}
    row |= dict.fromkeys(table.MEASURES, 0.5)
    row |= {"foreground_fractional": 0.25, "foreground_opaque": None}
    (mean,) = table.summarise([row, row | {"foreground_fractional": 0.75}])
    assert mean["foreground_fractional"] == 0.5
    assert mean["foreground_opaque"] is None
    heading, line = table.lay_out([mean])
    assert line[heading.index("F soft x1000")] == "500.00"
    assert line[heading.index("F opaque x1000")] == "-"


@pytest.mark.parametrize("code", [0, 255])
def test_a_trimap_of_one_known_code_is_solved_by_it(code):
    trimap = np.repeat(np.uint8([code, 128]), 8)[None].repeat(12, axis=0)
    image = np.random.default_rng(0).random((12, 16, 3), np.float32)
    for method in (methods.run_closed_form, methods.run_knn):
        matte = method(image, trimap)
        assert (matte.alpha == code / 255).all()
        assert matte.note.startswith(f"no pixel of code {255 - code}: alpha is")


def refuse(capsys, *arguments):
    code, out, errors = measure(capsys, *arguments)
    assert code == 2 and out == "" and errors.count("\n") == 1
    return errors


def test_other_trimaps_and_missing_composites_are_refused(
    data_directory, tmp_path, capsys
):
    errors = refuse(capsys, data_directory, "--trimaps", "Trimap1")
    assert "--trimaps: composites have one each, got Trimap1" in errors
    rows = (data_directory / "manifest.jsonl").read_text().splitlines(keepends=True)
    rows = [row for row in rows if '"train"' in row]
    (tmp_path / "manifest.jsonl").write_text("7\n" + "".join(rows))
    errors = refuse(capsys, tmp_path)
    assert "manifest.jsonl: line 1 is damaged (no row of a composite)" in errors
    (tmp_path / "manifest.jsonl").write_text("".join(rows))
    errors = refuse(capsys, tmp_path)
    assert f"none of {len(rows)} composites is for validation; run" in errors


def test_damaged_composites_are_refused_before_the_work(grouped, capsys):
    composites = Composites(grouped, "val")
    name = composites.names[-1]
    path = composites.directory / "trimap" / f"{name}.png"
    images.write_image(path, np.zeros((128, 160), np.uint8))
    assert f"{name}: no unknown pixel" in refuse(capsys, grouped)
    images.write_image(path, np.zeros((8, 160), np.uint8))
    assert "trimap is not the size of the image, got (H, W) (8, 160)" in refuse(
        capsys, grouped
    )
    assert list(find_composites(grouped, 1)[1]) == [composites.names[0]]
    path.unlink()
    assert f"{name}.png: no such file" in refuse(capsys, grouped)
