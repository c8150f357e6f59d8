"""Fixtures: synthetic layers, and a data directory made of them by combine.py."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import images

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
# a shell that runs the suite in the background makes it, and so the commands that it
# starts, deaf to Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).resolve().parents[1]


def draw_soft_disc(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a textured disc whose alpha falls off over some pixels."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((size, size)) - size / 2
    distance = np.hypot(rows, columns)
    alpha = np.clip((0.35 * size - distance) / (0.1 * size) + 0.5, 0, 1)
    colour = random.random(3) * 0.6 + 0.2
    foreground = colour + 0.1 * random.standard_normal((size, size, 3))
    return np.clip(foreground, 0, 1).astype(np.float32), alpha.astype(np.float32)


@pytest.fixture(scope="session")
def soft_disc():
    """Gives the function that draws a cut-out."""
    return draw_soft_disc


@pytest.fixture(scope="session")
def layer_folders(tmp_path_factory) -> tuple[Path, Path]:
    """Writes six cut-outs and four backgrounds."""
    folder = tmp_path_factory.mktemp("layers")
    for seed in range(6):
        images.write_cutout(
            folder / f"foregrounds/disc{'abcdef'[seed]}.png", *draw_soft_disc(120, seed)
        )
    for seed in range(4):
        random = np.random.default_rng(100 + seed)
        background = random.random((8, 12, 3)).astype(np.float32)
        background = np.kron(background, np.ones((16, 16, 1), np.float32))
        images.write_image(folder / f"backgrounds/board{seed}.png", background)
    return folder / "foregrounds", folder / "backgrounds"


@pytest.fixture(scope="session")
def data_directory(layer_folders, tmp_path_factory) -> Path:
    """Composites the layers by the real command."""
    output = tmp_path_factory.mktemp("composites") / "data"
    foregrounds, backgrounds = layer_folders
    subprocess.run(
        [
            sys.executable,
            str(ROOT / "scripts/combine.py"),
            "--foregrounds",
            str(foregrounds),
            "--backgrounds",
            str(backgrounds),
            "--output",
            str(output),
            "--per-foreground",
            "2",
            "--size",
            "160x128",
            "--workers",
            "1",
            "--val-fraction",
            "0.3",
        ],
        check=True,
    )
    return output
