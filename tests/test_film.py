"""model/film.py: films with alpha, read back by ffmpeg."""

import os
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest

from model import film

WIDTH, HEIGHT, COUNT = 48, 34, 4
has_ffmpeg = shutil.which("ffmpeg") is not None or "CI" in os.environ
needs_ffmpeg = pytest.mark.skipif(not has_ffmpeg, reason="needs ffmpeg")


def frames(channels=4):
    """A ramp of alpha that moves, over a colour that changes."""
    for number in range(COUNT):
        picture = np.zeros((HEIGHT, WIDTH, channels), np.float32)
        picture[..., :3] = np.float32([0.8, 0.2 + 0.1 * number, 0.3])
        if channels == 4:
            picture[..., 3] = np.roll(np.linspace(0, 1, WIDTH), 3 * number)
        yield picture


def read_back(path, channels=4):
    decoder = ["-c:v", "libvpx-vp9"] if path.suffix == ".webm" else []
    command = ["ffmpeg", "-loglevel", "error", *decoder, "-i", str(path), "-f"]
    command += ["rawvideo", "-pix_fmt", "rgba" if channels == 4 else "rgb24", "-"]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    levels = np.frombuffer(content, np.uint8).astype(np.float32) / 255
    return levels.reshape(-1, HEIGHT, WIDTH, channels)


def probe(path, entry):
    command = ["ffprobe", "-loglevel", "error", "-select_streams", "v:0", "-of"]
    command += ["default=nokey=1:noprint_wrappers=1", "-show_entries", entry, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@needs_ffmpeg
@pytest.mark.parametrize(
    ("ending", "alpha_error", "colour_error"),
    [(".mov", 0.004, 0.01), (".webm", 0.05, 0.05)],
)
def test_alpha_and_colours_are_kept(ending, alpha_error, colour_error, tmp_path):
    path = tmp_path / f"new{ending}"
    with film.Film(path, Fraction(30000, 1001)) as made:
        for picture in frames():
            made.write(picture)
            assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]
    found, expected = read_back(path), np.stack(list(frames()))
    assert found.shape == expected.shape
    error = np.abs(found - expected)
    assert error[..., 3].mean() < alpha_error
    is_seen = expected[..., 3] > 0.1
    assert error[..., :3][is_seen].mean() < colour_error
    assert "30000/1001" in probe(path, "stream=r_frame_rate")
    if ending == ".mov":
        assert "4444" in probe(path, "stream=profile")


@needs_ffmpeg
def test_an_opaque_film_is_one(tmp_path):
    path = tmp_path / "new.mov"
    with film.Film(path, Fraction(25)) as made:
        for picture in frames(3):
            made.write(picture)
    assert "yuv444p" in probe(path, "stream=pix_fmt")
    error = np.abs(read_back(path, 3) - np.stack(list(frames(3))))
    assert error.mean() < 0.01


@needs_ffmpeg
def test_an_interrupted_film_leaves_nothing(tmp_path):
    path = tmp_path / "new.mov"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), film.Film(path, Fraction(25)) as made:
        made.write(next(frames()))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("when", ["at once", "at the end"])
def test_a_failing_ffmpeg_leaves_nothing(when, tmp_path, monkeypatch):
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "ffmpeg"
    reading = "exit 3" if when == "at once" else "cat >/dev/null; exit 3"
    program.write_text(f"#!/bin/sh\necho no such codec >&2\n{reading}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / "new.mov"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="new.mov: ffmpeg: no such codec"):
        with film.Film(path, Fraction(25)) as made:
            for _ in range(40):
                made.write(np.zeros((64, 64, 4), np.float32))
    assert path.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [path, tools]


def test_a_missing_ffmpeg_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="new.mov: .* ffmpeg, .* not installed"):
        film.check_ffmpeg(tmp_path / "new.mov")
