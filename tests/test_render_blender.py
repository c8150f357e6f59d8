"""A frame by Blender itself; left out where it is not installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "render.py"
if importlib.util.find_spec("bpy") is None:  # loading it here would slow all tests down
    pytest.skip("needs the extra `render`", allow_module_level=True)


def test_a_real_frame_is_the_same_again_and_has_soft_edges(tmp_path):
    line = [sys.executable, str(SCRIPT), "--classes", "wire", "--size", "64"]
    line += ["--samples", "1", "--views", "1", "--threads", "1", "--seed", "3"]
    made = []
    for name in ("one", "two"):
        output = tmp_path / name
        subprocess.run([*line, "--output", str(output)], check=True, timeout=600)
        made.append((output / "foregrounds/wire-000-0.webp").read_bytes())
    assert made[0] == made[1]
    with Image.open(tmp_path / "one/foregrounds/wire-000-0.webp") as picture:
        alpha = np.asarray(picture)[..., 3]
    assert alpha.shape == (64, 64)
    assert (alpha == 0).any() and ((alpha > 0) & (alpha < 255)).any()


def test_a_view_is_the_same_alone_or_after_another_one(tmp_path):
    line = [sys.executable, str(SCRIPT), "--classes", "wire", "--size", "64"]
    line += ["--samples", "1", "--views", "2", "--threads", "1", "--seed", "5"]
    line += ["--output", str(tmp_path)]
    subprocess.run(line, check=True, timeout=600)
    second = tmp_path / "foregrounds/wire-000-1.webp"
    made = second.read_bytes()
    second.unlink()
    subprocess.run(line, check=True, timeout=600)
    assert second.read_bytes() == made
