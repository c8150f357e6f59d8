import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("render", ["(default: 512)", "(default: 0)", "out of training --size"]),
        ("combine", ["(default: png)", "(default: 0.002 0.03)", "composites stay"]),
        ("combine_beam", ["(default: tfrecord)", "options, after --"]),
        ("benchmark_combine", ["(default: 1 2)", "(default: 24)"]),
        ("benchmark", ["(default: log/matting and,", "(default: -1, the newest)"]),
        ("benchmark_video", ["(default: 320x240)", "(default: log/matting)"]),
        ("serve_input", ["dispatcher", "(default: 0, any that is free)"]),
        (
            "profile_training",
            ["(default: 8)", "(default: 3)", "(default: 256; fast: 384)"],
        ),
        ("soak", ["(default: 176)", "(default: 24)", "(default: a temporary one)"]),
        ("overview", ["(default: 48)", "(default: images/dataset)"]),
    ],
)
def test_help_tells_the_defaults_that_there_are(name, told):
    line = [sys.executable, str(SCRIPTS / f"{name}.py"), "--help"]
    shown = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    shown = " ".join(shown.replace("rendering:", "").split())
    assert not any(f"(default: {none})" in shown for none in ("None", "[]", "False"))
    assert all(words in shown for words in told), shown
