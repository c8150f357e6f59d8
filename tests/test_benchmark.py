import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import guides, images, matting, network, predict
from scripts import benchmark
from scripts.measure import commands, methods, sheets, speed, tradeoff
from scripts.measure.photographs import find_photographs

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("GT01", "GT02")
pymatting = pytest.importorskip("pymatting")


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "benchmark.py", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def finished(photographs, tmp_path_factory):
    """A whole run from another directory, with the classical methods alone."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    arguments = ("--methods", "closed-form", "knn", "--output", "out", "--sheets", "-v")
    process = run(photographs, *arguments, "--plot", cwd=elsewhere)
    assert process.returncode == 0, process.stderr
    return process, elsewhere / "out"


def test_the_numbers_are_those_computed_by_hand(photographs, finished):
    report = json.loads((finished[1] / "benchmark.json").read_text())
    assert len(report["rows"]) == 2 * 2 * 2
    row = next(
        row
        for row in report["rows"]
        if (row["trimap"], row["photograph"], row["method"])
        == ("Trimap2", "GT02", "closed-form")
    )
    image = images.read_image(photographs / "input_training_lowres/GT02.png")
    true = images.read_grey(photographs / "gt_training_lowres/GT02.png")
    trimap = guides.read_trimap(photographs / "trimap_training_lowres/Trimap2/GT02.png")
    pred = pymatting.estimate_alpha_cf(
        image.astype(np.float64), np.round(trimap / 255 * 2) / 2
    )
    pred = np.round(pred * 255) / 255  # as if read back from an 8-bit file
    difference = np.abs(pred - true)[trimap == 128]
    assert row["sad"] == pytest.approx(difference.sum() / 1000, rel=1e-4)
    assert row["mse"] == pytest.approx((difference**2).mean(), rel=1e-4)
    assert row["seconds"] > 0
    assert row["note"] == ""


def test_means_are_over_photographs_and_compared_with_closed_form(finished):
    report = json.loads((finished[1] / "benchmark.json").read_text())
    assert len(report["means"]) == 2 * 2
    for mean in report["means"]:
        rows = {
            method: [
                row["sad"]
                for row in report["rows"]
                if (row["trimap"], row["method"]) == (mean["trimap"], method)
            ]
            for method in ("closed-form", "knn")
        }
        own, reference = rows[mean["method"]], rows["closed-form"]
        assert mean["photographs"] == 2
        assert mean["sad"] == pytest.approx(np.mean(own))
        assert mean["ratio"]["sad"] == pytest.approx(np.sum(own) / np.sum(reference))
        assert mean["better"]["sad"] == np.less(own, reference).sum()


def test_the_table_is_on_stdout_and_the_progress_is_not(finished):
    process, _ = finished
    lines = process.stdout.splitlines()
    each, means = lines[: lines.index("")], lines[lines.index("") + 1 :]
    assert len(each) == 1 + 8
    assert len(means) == 1 + 4
    assert means[0].split()[:4] == ["trimap", "photographs", "method", "SAD"]
    assert means[1].split()[:3] == ["Trimap1", "2", "closed-form"]
    assert means[1].split()[-6:] == ["1.000", "1.000", "1.000", "0", "of", "2"]
    assert "warming up" in process.stderr
    assert str(ROOT) not in process.stdout


def test_the_page_needs_no_other_file(finished):
    page = (finished[1] / "benchmark.html").read_text(encoding="utf-8")
    assert "http" not in page
    assert page.count("<img") == page.count('src="data:image/jpeg;base64,')
    assert page.count("<img") == 2 * 2 * 3 * 3  # truth and two methods in three rows
    assert page.count("src=") == page.count("<img")
    assert "href" not in page
    assert "GT02, Trimap2" in page


def test_a_sheet_shows_each_method_at_full_size_and_its_worst_place(finished):
    sheet = images.read_image(finished[1] / "sheets" / f"Trimap1-{NAMES[0]}.png")
    width = 64  # of a photograph; the enlarged window is as wide, and all of it here
    height = sheets.HEAD + 4 * 48
    assert sheet.shape == (height, 3 * width + 2 * sheets.GAP, 3)
    assert len(list((finished[1] / "sheets").iterdir())) == 2 * len(NAMES)


def test_the_plot_has_a_point_for_each_method(finished, tmp_path):
    drawn = images.read_image(finished[1] / "benchmark.png")
    results = json.loads((finished[1] / "benchmark.json").read_text())
    tradeoff.draw_tradeoff(results["means"], tmp_path / "again.png")
    np.testing.assert_array_equal(drawn, images.read_image(tmp_path / "again.png"))
    fewer = [row for row in results["means"] if row["method"] != "knn"]
    tradeoff.draw_tradeoff(fewer, tmp_path / "fewer.png")
    assert (drawn != images.read_image(tmp_path / "fewer.png")).any()


def test_a_plot_without_matplotlib_is_refused_before_anything_is_measured(
    photographs, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(benchmark.importlib.util, "find_spec", lambda name: None)
    arguments = [str(photographs), "--plot", "--output", str(tmp_path / "out")]
    assert benchmark.main(arguments) == 2
    assert "--plot needs matplotlib; pip install" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_folder_is_named_in_one_line(photographs, tmp_path):
    process = run(tmp_path / "nothing", "--methods", "knn", cwd=tmp_path)
    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.startswith("benchmark: ")
    assert "nothing/input_training_lowres: no *.png" in process.stderr
    assert process.stderr.count("\n") == 1


def in_process(capsys, *arguments):
    code = benchmark.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_missing_trimap_is_named_in_one_line(photographs, tmp_path, capsys):
    code, _, errors = in_process(
        capsys, photographs, "--trimaps", "Trimap9", "--output", tmp_path
    )
    assert code == 2
    assert errors.startswith("benchmark: ")
    assert "Trimap9/GT01.png: no such file" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("trimap", "message"),
    [
        (np.uint8([[0, 128, 255]]), r"not the size of its photograph, got .* \(1, 3\)"),
        (np.full((48, 64), 128, np.uint8), "no pixel of code 0"),
        (np.repeat(np.uint8([0, 255]), 1536).reshape(48, 64), "no pixel of code 128"),
    ],
)
def test_a_trimap_that_does_not_fit_is_refused(photographs, tmp_path, trimap, message):
    for folder in ("input_training_lowres", "gt_training_lowres"):
        (tmp_path / folder).symlink_to(photographs / folder)
    images.write_image(tmp_path / "trimap_training_lowres/Mine/GT01.png", trimap)
    with pytest.raises(ValueError, match=message):
        find_photographs(tmp_path, ["Mine"], 1)


def test_without_pymatting_one_line_says_how_to_get_it(
    photographs, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pymatting", None)
    code, _, errors = in_process(
        capsys, photographs, "--methods", "knn", "--output", tmp_path
    )
    assert code == 2
    assert "pip install -e '.[benchmark]'" in errors
    assert errors.count("\n") == 1


def fake_checkpoint(monkeypatch, grey):
    """Stands in for the network: every unknown pixel gets one grey."""

    def load_network(logdir, step=-1):
        if not logdir.exists():
            raise FileNotFoundError(f"{logdir}: no such run; train one first")
        return step

    def run(network, image, trimap, views):
        alpha = np.full(trimap.shape, grey / len(views), np.float32)
        return {"alpha": matting.paste_known(alpha, trimap), "foreground": image}

    monkeypatch.setattr(network, "load_network", load_network)
    monkeypatch.setattr(predict, "run", run)


def test_each_logdir_is_a_row(photographs, tmp_path, capsys, monkeypatch):
    fake_checkpoint(monkeypatch, 0.5001)  # rounds to level 128 before it is measured
    for name in ("matting", "paper2018"):
        (tmp_path / name).mkdir()
    options = ("--methods", "checkpoint", "--limit", "1", "--trimaps", "Trimap1")
    logdirs = ("--logdir", tmp_path / "matting", "--logdir", tmp_path / "paper2018")
    output = tmp_path / "out"
    code, out, _ = in_process(
        capsys, photographs, *options, *logdirs, "--output", output
    )
    assert code == 0
    assert [line.split()[2] for line in out.splitlines()[1:]] == [
        "matting",
        "paper2018",
    ]
    assert out.splitlines()[1].split()[-4:] == ["-"] * 4  # no closed-form
    report = json.loads((output / "benchmark.json").read_text())
    true = images.read_grey(photographs / "gt_training_lowres/GT01.png")
    trimap = guides.read_trimap(photographs / "trimap_training_lowres/Trimap1/GT01.png")
    expected = np.abs(true - 128 / 255)[trimap == 128].sum() / 1000
    assert report["rows"][0]["sad"] == pytest.approx(expected, rel=1e-5)
    assert report["means"][0]["ratio"] is None


def test_fine_is_the_first_checkpoint_with_more_views(
    photographs, tmp_path, capsys, monkeypatch
):
    fake_checkpoint(monkeypatch, 1.0)
    (tmp_path / "run").mkdir()
    options = ("--methods", "checkpoint", "fine", "--limit", "1", "--output", tmp_path)
    assert (
        in_process(capsys, photographs, *options, "--logdir", tmp_path / "run")[0] == 0
    )
    means = json.loads((tmp_path / "benchmark.json").read_text())["means"]
    assert [mean["method"] for mean in means[:2]] == ["run", "run, fine"]
    true = images.read_grey(photographs / "gt_training_lowres/GT01.png")
    trimap = guides.read_trimap(photographs / "trimap_training_lowres/Trimap1/GT01.png")
    for mean, grey in zip(means[:2], (1.0, 128 / 255), strict=True):
        expected = np.abs(true - grey)[trimap == 128].sum() / 1000
        assert mean["sad"] == pytest.approx(expected, rel=1e-5)


def test_a_missing_checkpoint_and_a_double_name_are_refused(
    photographs, tmp_path, capsys, monkeypatch
):
    fake_checkpoint(monkeypatch, 0.5)
    (tmp_path / "a" / "run").mkdir(parents=True)
    (tmp_path / "b" / "run").mkdir(parents=True)
    options = ("--methods", "checkpoint", "--output", tmp_path / "out", "--logdir")
    for logdirs, message in (
        ([tmp_path / "none"], "none: no such run"),
        ([tmp_path / "a/run", tmp_path / "b/run"], "got run twice"),
    ):
        code, _, errors = in_process(capsys, photographs, *options, *logdirs)
        assert code == 2
        assert message in errors
        assert errors.count("\n") == 1


def test_a_limit_below_one_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        benchmark.main(["folder", "--limit", "0"])
    assert caught.value.code == 2
    assert "--limit is below 1, got 0" in capsys.readouterr().err


def test_the_speed_is_measured_at_growing_sizes(
    photographs, tmp_path, capsys, monkeypatch
):
    fake_checkpoint(monkeypatch, 0.5)
    monkeypatch.setattr(speed, "MEGAPIXELS", (0.01, 0.04))
    monkeypatch.setattr(methods, "SOLVABLE", 0.02)
    monkeypatch.setattr(predict, "LARGEST_VIEW", 4e4)  # of 1.5 times the sides
    monkeypatch.setattr(commands, "REPEATS", 1)
    options = ("--methods", "closed-form", "checkpoint", "fine", "--speed")
    code, out, _ = in_process(capsys, photographs, *options, "--output", tmp_path)
    assert code == 0
    out = out.replace("matting, fine", "fine")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][:2] == ["megapixels", "method"]
    assert [line[:2] for line in lines[1:7]] == [
        ["0.01", "closed-form"],
        ["0.01", "matting"],
        ["0.01", "matting-fast"],
        ["0.01", "fine"],
        ["0.04", "matting"],
        ["0.04", "matting-fast"],
    ]
    assert lines[1][4] == "1.000" and lines[5][4] == "-"
    results = json.loads((tmp_path / "speed.json").read_text())
    for first, second, *_ in (results["rows"], results["commands"]):
        times = second["seconds"] / first["seconds"]
        assert second["ratio"] == pytest.approx(times)
    assert [" ".join(line[:-2]) for line in lines[9:]] == [
        *("closed-form, a script", "eval.py", "eval.py --fast")
    ]


def test_a_picture_is_brought_to_a_number_of_pixels(photographs):
    _, cases = benchmark.open_cases(photographs, ["Trimap1"], 1)
    case = next(cases)
    image, trimap = speed.resize(case, 0.5)
    assert image.shape[:2] == trimap.shape
    assert trimap.size == pytest.approx(5e5, rel=0.01)
    assert set(np.unique(trimap)) == set(np.unique(case.trimap))
