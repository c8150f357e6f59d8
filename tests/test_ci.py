import os
import subprocess
from pathlib import Path

RUN = Path(__file__).resolve().parents[1] / ".ci/run"


def test_continuous_integration_leaves_no_test_out(tmp_path):
    """With other programs in place of make, the browser and what it needs."""
    for name in ("make", "chromium", "chromedriver", "openssl", "ffmpeg"):
        (tmp_path / name).write_text("#!/bin/sh\necho $0 $1 in CI=$CI\n")
        (tmp_path / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["PATH"] = os.pathsep.join([str(tmp_path), environment["PATH"]])
    done = subprocess.run(
        [str(RUN)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"{tmp_path / 'make'} test in CI=true\n"
