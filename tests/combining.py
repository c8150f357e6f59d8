"""scripts/combine.py run by tests: its layers, its command, and what it left."""

import contextlib
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from scripts import combine
from tests.here import Here

SCRIPT = Path(combine.__file__).resolve()
FOLDERS = ("image", "trimap", "alpha", "foreground")
SMALL = ("--size", "96x72", "--per-foreground", "3")
LARGE = ("--size", "320x240", "--per-foreground", "20")  # seconds: time to stop it


def command(root, *options):
    line = [sys.executable, str(SCRIPT), "--foregrounds", str(root / "foregrounds")]
    line += ["--backgrounds", str(root / "backgrounds"), "--output", str(root / "out")]
    return [*line, *SMALL, *map(str, options)]


def run_command(root, *options, workers=1):
    """Runs the real command from a folder that is not the project's."""
    line = [*command(root, "--workers", workers), *map(str, options)]
    return subprocess.run(line, cwd=root, capture_output=True, text=True, timeout=600)


def run(root, *options):
    """Runs it in this process, the work of its worker too."""
    line = [*command(root, "--workers", 1)[1:], *map(str, options)]
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.chdir(root)
        patch.setattr(sys, "argv", line)
        patch.setattr(combine.workers, "start_workers", lambda count: Here())
        try:
            code = combine.main()
        except SystemExit as stopped:
            code = stopped.code
    return SimpleNamespace(
        returncode=code, stdout=out.getvalue(), stderr=err.getvalue()
    )


def make_layers(root, foregrounds=3, backgrounds=4):
    rng = np.random.default_rng(0)
    for index in range(foregrounds):
        alpha = np.zeros((60, 50), np.float32)
        cv2.circle(alpha, (25, 30), 15 + index, 1, -1)
        alpha = cv2.GaussianBlur(alpha, (0, 0), 1)
        rgba = np.dstack([rng.random((60, 50, 3)), alpha])
        save(root / "foregrounds" / f"disc-{index}.png", rgba)
    for index in range(backgrounds):
        save(root / "backgrounds" / f"wall-{index}.png", rng.random((80, 120, 3)))
    return root


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(values * 255).astype(np.uint8)).save(path)


def contents(folder):
    """All files of a folder, hidden ones too, with their bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def read_manifest(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def dust():
    """A cut-out so large and faint that nothing of it is left when it is reduced."""
    rgba = np.zeros((600, 600, 4))
    rgba[::40, ::40] = 0.04
    return rgba


def wait_for(condition):
    deadline = time.monotonic() + 300  # the cores may be busy
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
