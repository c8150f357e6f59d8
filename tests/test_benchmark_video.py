"""scripts/benchmark_video.py: clips with true alpha, and what is measured on them."""

import json

import numpy as np
import pytest

from model import matting, predict
from scripts import benchmark_video
from scripts.measure import clips


@pytest.fixture
def network(monkeypatch):
    """Replaces the network by the trimap and noise, which flickers."""
    random = np.random.RandomState(0)

    def run(_, image, trimap):
        alpha = trimap / 255 + 0.2 * random.standard_normal(trimap.shape)
        return {"alpha": matting.paste_known(alpha.astype(np.float32), trimap)}

    monkeypatch.setattr(benchmark_video, "load_network", lambda *_: "network")
    monkeypatch.setattr(predict, "run", run)


def test_a_clip_moves_and_composes(layer_folders):
    foregrounds, backgrounds = layer_folders
    places = foregrounds / "disca.png", backgrounds / "board1.png"
    frames = list(clips.make_clip(*places, (96, 64), 4))
    middles = []
    for frame in frames:
        assert frame.image.shape == (64, 96, 3)
        assert 0 <= frame.image.min() and frame.image.max() <= 1
        assert frame.alpha.min() == 0 and frame.alpha.max() == 1
        middles.append((frame.alpha.sum(0) * np.arange(96)).sum() / frame.alpha.sum())
    assert middles == sorted(middles)
    assert middles[-1] - middles[0] > 4
    outside = (frames[0].alpha == 0) & (frames[1].alpha == 0)
    change = np.abs(frames[0].image - frames[1].image).mean(-1)
    assert change[outside].mean() > clips.NOISE  # the background moves too


def test_all_ways_are_measured(layer_folders, network, tmp_path, capsys):
    foregrounds, backgrounds = map(str, layer_folders)
    command = ["--foregrounds", foregrounds, "--backgrounds", backgrounds, "--limit"]
    command += ["2", "--size", "96x64", "--frames", "5", "--every", "4"]
    assert benchmark_video.main([*command, "--output", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "video.json").read_text())
    methods = [
        f"{trimaps}, {way}"
        for trimaps in ("all trimaps", "key frames, every 4")
        for way in ("frame by frame", "steady")
    ]
    assert [row["method"] for row in results["rows"]] == 2 * methods
    means = {row["method"]: row for row in results["means"]}
    plain, smooth = (means[method] for method in methods[:2])
    assert smooth["flicker"] < 0.95 * plain["flicker"]
    assert smooth["lower"]["flicker"] == 2
    assert plain["lower"]["flicker"] == 0
    printed = capsys.readouterr().out
    assert "dtSSD x100" in printed
    assert "all trimaps, steady: lower than the first on clips: SAD" in printed


@pytest.mark.parametrize(
    "options", [["--foregrounds", "none"], ["--backgrounds", "none"]]
)
def test_a_missing_folder_is_told(options, capsys):
    assert benchmark_video.main(options) == 2
    assert "benchmark_video: none: no picture in this folder" in capsys.readouterr().err


def test_ctrl_c_is_one_line_and_exit_code_130(monkeypatch, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark_video, "benchmark", interrupt)
    assert benchmark_video.main([]) == 130
    assert capsys.readouterr().err == "benchmark_video: interrupted\n"
