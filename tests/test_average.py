import errno
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from model import checkpoint, generator
from scripts import average

CONFIG = {"preset": "paper2018", "widths": [4, 8], "use_prior": False}


def make_run(folder, *steps, seed=0, **changed):
    """A run directory with snapshots of random weights."""
    config = CONFIG | changed
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config | {"seed": seed}))
    for step in steps:
        keras.utils.set_random_seed(seed + step)
        network = generator.build_generator(config["preset"], config["widths"])
        network.save_weights(folder / f"generator-{step}.weights.h5")
    return folder


def weights(run, step):
    return checkpoint.load_generator(run, step).get_weights()


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "one", 100, 200)
    make_run(tmp_path / "two", 50, seed=7)
    make_run(tmp_path / "wide", 10, widths=[4, 12])
    return tmp_path


def test_the_mean_of_three_is_written_with_where_it_is_from(runs, capsys):
    snapshots = ["one", "one:100", "two:50"]
    assert average.main([*snapshots, "--output", "mean"]) == 0
    assert capsys.readouterr().out == "mean/generator-50.weights.h5\n"
    config = json.loads((runs / "mean/config.json").read_text())
    assert config["averaged"] == ["one:200", "one:100", "two:50"]
    assert config["seed"] == 7
    parts = [weights("one", 200), weights("one", 100), weights("two", 50)]
    for found, *each in zip(weights("mean", 50), *parts, strict=True):
        np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-6)
    assert {path.name for path in (runs / "mean").iterdir()} == {
        "config.json",
        "generator-50.weights.h5",
    }


def test_one_that_is_given_twice_counts_twice(runs):
    assert average.main(["one:100", "one:100", "two", "--output", "mean"]) == 0
    for found, one, two in zip(
        weights("mean", 50), weights("one", 100), weights("two", 50), strict=True
    ):
        np.testing.assert_allclose(found, (2 * one + two) / 3, atol=1e-6)


@pytest.mark.parametrize(
    ("snapshots", "message"),
    [
        (["one"], "one: one snapshot has no mean; give two"),
        (["one", "one:x"], "one:x: 'x' is no batch number; give RUN:N or RUN"),
        (["one", "one:300"], "one: no checkpoint 300; there are 100, 200 (or -1 for"),
        (["one", "none"], "none: no checkpoint here; train one with train.py or give"),
        (["wide", "one"], "wide: another network, widths is [4, 12] and not [4, 8] as"),
        (["one", "one:best"], "one/best.json: no such file, no checkpoint is marked"),
    ],
)
def test_what_has_no_mean_is_one_line_and_2(runs, snapshots, message, capsys):
    assert average.main([*snapshots, "--output", "mean"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"average.py: {message}")
    assert not (runs / "mean").exists()


def test_a_run_is_never_written_into(runs, capsys):
    before = {path: path.read_bytes() for path in runs.rglob("*.*")}
    assert average.main(["one", "two", "--output", "one"]) == 2
    assert "one: a run is there already; give another folder" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in runs.rglob("*.*")}


def test_damaged_weights_leave_nothing_behind(runs, capsys):
    (runs / "two/generator-50.weights.h5").write_bytes(b"nothing")
    assert average.main(["one", "two", "--output", "mean"]) == 2
    assert "generator-50.weights.h5: not the weights of" in capsys.readouterr().err
    assert not (runs / "mean").exists()


def test_a_full_disk_is_one_line_and_leaves_no_half_of_a_file(
    runs, capsys, monkeypatch
):
    """HDF5 itself, writing to a disk that is full, would crash the program."""

    def write(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", write)
    assert average.main(["one", "two", "--output", "mean"]) == 2
    error = capsys.readouterr().err
    assert "No space left" in error and error.count("\n") == 1
    assert not list((runs / "mean").iterdir())


def test_an_output_that_is_a_file_is_refused(runs, capsys):
    (runs / "mean").write_text("mine")
    assert average.main(["one", "two", "--output", "mean"]) == 2
    assert "mean: a file; give a folder" in capsys.readouterr().err
    assert (runs / "mean").read_text() == "mine"
