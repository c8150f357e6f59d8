"""eval.py and Ctrl-C: at any moment it gives one line, and results stay whole.

`INTERRUPTS=2000 python -m pytest tests/test_eval_interrupted.py` presses it so often.
"""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
INTERRUPTS = int(os.environ.get("INTERRUPTS", "12"))
HEIGHT, WIDTH = 120, 160


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory: a photograph, its trimap, and older results."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).random((HEIGHT, WIDTH, 3))
    Image.fromarray(np.uint8(255 * noise)).save("image.png")
    bands = np.repeat(np.uint8([0, 128, 255]), 54)[:WIDTH]
    Image.fromarray(np.tile(bands, (HEIGHT, 1))).save("trimap.png")
    for name in ("old.png", "alpha.tif", "colours.png", "told"):
        Path(name).write_bytes(b"older")
    Path("log").mkdir()
    return tmp_path


DRIVER = """\
import json, os, random, signal, sys, time
sys.path.insert(0, {root!r})
import numpy as np
import eval as program
from model import checkpoint, images, interrupt, network, predict

def matte(_, image, trimap, views):
    for _ in range(20):
        sum(range(2000))
    return predict.Matte(np.float32(trimap / 255), image)

network.load_network = lambda *_: "network"
checkpoint.snapshots = lambda _: [1]
predict.predict = matte
results = ["old.png", "alpha.tif", "colours.png"]
arguments = ["image.png", "trimap.png", "old.png", "--alpha", "alpha.tif"]
arguments += ["--foreground", "colours.png", "--logdir", "log"]

def child(ready):
    os.dup2(os.open("told", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
    interrupt.leave_at_once("eval.py")
    os.write(ready, b"1")
    code = program.main(arguments)
    interrupt.ignore_from_now()
    sys.stderr.flush()
    os._exit(code)

def run(delay):
    for name in results:
        with open(name, "wb") as file:
            file.write(b"older")
    mine, theirs = os.pipe()
    start = time.perf_counter()
    process = os.fork()
    if not process:
        child(theirs)
    os.read(mine, 1)
    os.close(mine), os.close(theirs)
    start = time.perf_counter()
    if delay is not None:
        time.sleep(delay)
        os.kill(process, 2)
    _, status = os.waitpid(process, 0)
    found = {{}}
    for name in results:
        with open(name, "rb") as file:
            found[name] = file.read()
    states = sorted({{"older" if text == b"older" else
                     "new" if text == made.get(name) else "partial"
                     for name, text in found.items()}})
    row = {{"code": os.waitstatus_to_exitcode(status), "states": states}}
    row["told"] = open("told").read()
    row["files"] = sorted(os.listdir("."))
    return row, time.perf_counter() - start, found

made = {{}}
run(None)  # what is slow the first time is in the parent's caches now
_, seconds, made = run(None)
chance = random.Random({seed})
rows = [run(chance.uniform(0, 1.2 * seconds))[0] for _ in range({count})]
print(json.dumps(rows))
"""


def test_ctrl_c_at_any_moment_leaves_all_files_old_or_all_new(folder):
    files = sorted(path.name for path in folder.iterdir())
    driver = DRIVER.format(root=str(ROOT), seed=0, count=INTERRUPTS)
    done = subprocess.run(
        [sys.executable, "-c", driver], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == INTERRUPTS
    seen = set()
    for row in rows:
        assert row["files"] == files, row
        assert len(row["states"]) == 1, row
        [state] = row["states"]
        if row["code"] == 0:  # it came too late
            assert (state, row["told"]) == ("new", ""), row
        else:
            assert row["code"] == 130, row
            kept = {"older": "nothing was written", "new": "all was written"}[state]
            assert row["told"] == f"eval.py: interrupted, {kept}\n", row
        seen.add((row["code"], state))
    assert (130, "older") in seen


def test_ctrl_c_while_the_modules_load_gets_one_line(folder):
    code = f"""\
        import runpy, sys
        class Watch:
            def find_spec(self, name, *_):
                if name == "cv2":
                    print("loading", flush=True)
        sys.meta_path.insert(0, Watch())
        sys.path.insert(0, {str(ROOT)!r})
        sys.argv = ["eval.py", "image.png", "trimap.png", "old.png"]
        runpy.run_path({str(ROOT / "eval.py")!r}, run_name="__main__")
    """
    files = [path for path in folder.iterdir() if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "loading\n"
        time.sleep(random.Random(0).uniform(0, 0.05))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err == "eval.py: interrupted, nothing was written\n"
    assert {path: path.read_bytes() for path in files} == before
    assert {path for path in folder.iterdir() if path.is_file()} == set(files)
