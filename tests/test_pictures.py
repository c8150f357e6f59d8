"""The command, with two tiny untrained runs."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import generator, images
from model.composites import Composites
from scripts import pictures

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module", autouse=True)
def small_networks(short_encoder):
    with short_encoder():
        yield


@pytest.fixture(scope="module")
def runs(small_networks, tmp_path_factory):
    """Two runs, of which the second one adds a quarter to every unknown alpha."""
    folders = []
    for name, bias in (("plain", 0), ("gan", 0.25)):
        folder = tmp_path_factory.mktemp(name)
        config = {"preset": "matting", "widths": [8] * 5, "use_prior": True}
        (folder / "config.json").write_text(json.dumps(config))
        network = generator.build_generator("matting", (8,) * 5)
        layer = network.get_layer("residual")
        layer.bias.assign(np.full(4, bias, np.float32))
        network.save_weights(folder / "generator-1.weights.h5")
        folders.append(folder)
    return folders


def run(*arguments):
    """Runs the command in this process; gives what it prints."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        assert pictures.main([str(argument) for argument in arguments]) == 0
    return stream.getvalue()


def run_command(*arguments):
    command = [sys.executable, str(ROOT / "scripts/pictures.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_draws_a_row_for_each_pair_and_the_demo(data_directory, runs, tmp_path):
    options = ["--plain", runs[0], "--gan", runs[1], "--output", tmp_path]
    run(data_directory, *options, "--rows", 2, "--width", 80)
    with Image.open(tmp_path / "result.png") as picture:
        assert picture.size == (5 * 80 + 4 * 4, 28 + 2 * 64 + 4)
        pixels = np.asarray(picture).astype(int)
    row = pixels[28 : 28 + 64]
    columns = [row[:, start : start + 80] for start in range(0, 5 * 84, 84)]
    is_unknown = np.abs(columns[1] - 128).max(axis=2) < 3
    assert np.abs(columns[2] - columns[3])[is_unknown].mean() > 1
    assert np.abs(columns[2] - columns[3])[~is_unknown].mean() < 1
    with Image.open(tmp_path / "auto.png") as picture:
        assert picture.width == 3 * 80 + 2 * 4 and picture.height > 3 * 40
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.size == (3 * 80 + 2 * 4, 80)


def test_translucent_things_are_shown_over_a_new_background(
    data_directory, runs, tmp_path, monkeypatch
):
    auto = np.ones((9, 3 * 80 + 2 * pictures.GAP, 3), np.float32)
    monkeypatch.setattr(pictures, "draw_auto_row", lambda *_: auto)
    name = Composites(data_directory, "val").names[0]
    images.write_image(tmp_path / "blue.png", np.full((40, 50, 3), [0.1, 0.2, 0.9]))
    chosen = ["--translucent", name, "--over", tmp_path / "blue.png"]
    drawing = ["--rows", 1, "--width", 80, "--output", tmp_path]
    both = ["--plain", runs[0], "--gan", runs[1]]
    told = run(data_directory, *both, *chosen, *drawing)
    assert told.splitlines()[-1] == str(tmp_path / "translucent.png")
    picture = images.read_image(tmp_path / "translucent.png")[28:]
    columns = [picture[:, start : start + 80] for start in range(0, 5 * 84, 84)]
    is_background = np.all(columns[1] < 0.01, axis=2)
    assert is_background.any()
    for shown in columns[3:]:
        np.testing.assert_allclose(
            shown[is_background],
            np.tile([0.1, 0.2, 0.9], (is_background.sum(), 1)),
            0,
            0.02,
        )


@pytest.mark.parametrize("option", ["--width", "--rows"])
def test_nothing_is_drawn_of_no_size(option, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        pictures.main([str(tmp_path), option, "0"])
    assert stopped.value.code == 2
    assert f"{option}: got 0; give 1 or more" in capsys.readouterr().err


def test_a_name_that_is_not_there_is_refused(data_directory, runs, tmp_path):
    options = ["--plain", runs[0], "--gan", runs[1], "--output", tmp_path]
    result = run_command(data_directory, *options, "--names", "fox")
    assert result.returncode == 2
    assert "pictures.py: --names: no fox in" in result.stderr
    assert not (tmp_path / "result.png").exists()
