"""Exported files: the same alpha as the checkpoint's, by each runtime."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from model import generator
from scripts import export as program

ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module", params=generator.PRESETS)
def run_directory(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    keras.utils.set_random_seed(0)
    built = generator.build_generator(request.param, (4,) * 5)
    random = np.random.default_rng(0)
    for variable in built.trainable_variables:
        if not variable.numpy().any():  # the last layer starts at 0
            variable.assign(random.normal(0, 0.3, variable.shape))
    built.save_weights(directory / "generator-2.weights.h5")
    config = {"preset": request.param, "widths": [4] * 5}
    config["use_prior"] = request.param == "matting"
    (directory / "config.json").write_text(json.dumps(config))
    return directory


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/export.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_every_format_gives_the_alpha_of_the_checkpoint(run_directory, tmp_path):
    done = run("--logdir", run_directory, "--output", tmp_path, "--validate")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "generator.onnx",
        "generator.tflite",
        "savedmodel",
    ]
    rows = [line.split() for line in done.stdout.splitlines()[4:]]
    assert len(rows) == 3 * len(program.SIZES)
    assert {row[2] for row in rows} == {"320x256", "768x576"}
    for row in rows:
        assert float(row[3]) < 1e-4


def test_a_difference_is_noticed(run_directory, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(program, "SIZES", ((64, 96),))

    def load_wrong(name, path):
        return lambda inputs: np.full(inputs["trimap"].shape, 0.5, np.float32)

    monkeypatch.setattr(program, "load", load_wrong)
    options = ["--logdir", str(run_directory), "--output", str(tmp_path)]
    assert program.main([*options, "--formats", "onnx", "--validate"]) == 1
    assert "differs by more than 1/255" in capsys.readouterr().err


def test_a_missing_snapshot_gets_one_line(tmp_path, capsys):
    assert (
        program.main(["--logdir", str(tmp_path), "--output", str(tmp_path / "x")]) == 2
    )
    err = capsys.readouterr().err
    assert "no checkpoint here" in err and err.count("\n") == 1
    assert not (tmp_path / "x").exists()
