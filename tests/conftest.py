"""Fixtures: synthetic layers, a data directory made of them, a web server."""

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import numpy as np
import pytest

from model import images, matting

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
def photographs(tmp_path_factory):
    """Two discs of 64x48 before noise, in the layout of alphamatting.com."""
    directory = tmp_path_factory.mktemp("photographs")
    rows, columns = np.indices((48, 64))
    for seed, name in enumerate(("GT01", "GT02")):
        random = np.random.RandomState(seed)
        distance = np.hypot(rows - 24, columns - 30 - 4 * seed)
        alpha = np.clip((15 - distance) / 4, 0, 1).astype(np.float32)
        noise = 0.1 * random.rand(2, 48, 64, 3).astype(np.float32)
        foreground = noise[0] + np.float32([0.8, 0.3, 0.1])
        image = matting.composite(foreground, noise[1] + np.float32(0.2), alpha)
        file = f"{name}.png"
        images.write_image(directory / "input_training_lowres" / file, image)
        grey = np.repeat(alpha[..., None], 3, axis=2)  # RGB, as the original files
        images.write_image(directory / "gt_training_lowres" / file, grey)
        for number, radius in ((1, 3), (2, 6)):
            folder = directory / "trimap_training_lowres" / f"Trimap{number}"
            trimap = matting.trimap_from_alpha(alpha, radius, radius)
            images.write_image(folder / file, trimap)
    return directory


@pytest.fixture(scope="session")
def soft_disc():
    """Gives the function that draws a cut-out."""
    return draw_soft_disc


@pytest.fixture(scope="session")
def short_encoder():
    """Gives a context in which the encoder has one block a stage.

    It is built, traced and converted in half of the time: for what does not depend on
    how often a block is repeated.
    """

    @contextlib.contextmanager
    def shortened():
        from model import encoder

        stages = tuple(stage._replace(blocks=1) for stage in encoder.STAGES)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encoder, "STAGES", stages)
            yield

    return shortened


@pytest.fixture(scope="session")
def layer_folders(tmp_path_factory) -> tuple[Path, Path]:
    """Writes six cut-outs and four backgrounds."""
    folder = tmp_path_factory.mktemp("layers")
    for seed in range(6):
        path = folder / f"foregrounds/disc{'abcdef'[seed]}.png"
        images.write_image(path, np.dstack(draw_soft_disc(120, seed)))
    for seed in range(4):
        random = np.random.default_rng(100 + seed)
        background = random.random((8, 12, 3)).astype(np.float32)
        background = np.kron(background, np.ones((16, 16, 1), np.float32))
        images.write_image(folder / f"backgrounds/board{seed}.png", background)
    return folder / "foregrounds", folder / "backgrounds"


def composite(layer_folders: tuple[Path, Path], output: Path, *options: str) -> Path:
    """Composites the layers by the real command."""
    foregrounds, backgrounds = map(str, layer_folders)
    command = [sys.executable, str(ROOT / "scripts/combine.py"), *options]
    command += ["--foregrounds", foregrounds, "--backgrounds", backgrounds]
    command += ["--output", str(output), "--per-foreground", "2", "--size", "160x128"]
    command += ["--workers", "1", "--val-fraction", "0.3"]
    subprocess.run(command, check=True)
    return output


@pytest.fixture(scope="session")
def data_directory(layer_folders, tmp_path_factory) -> Path:
    """Composites the layers into PNG files."""
    return composite(layer_folders, tmp_path_factory.mktemp("composites") / "data")


@pytest.fixture(scope="session")
def record_directory(layer_folders, tmp_path_factory) -> Path:
    """Composites the same layers into TFRecord files."""
    output = tmp_path_factory.mktemp("composites") / "records"
    return composite(layer_folders, output, "--format", "tfrecord")


class Site:
    """A web server on this machine that answers as a test tells it to.

    Attributes:
        answers: By path: bytes, a status, a dictionary (sent as JSON), a function of
            the query that returns one of these, a tuple (status, headers, bytes) or a
            list of such answers, given one after the other, the last one for ever.
        asked: The paths asked for, with their queries, in order; robots.txt too.
        agents: The User-Agent headers met.
        delay: Seconds before each answer.
        trickle: Seconds after each byte of a picture's body; all at once if 0.
    """

    def __init__(self):
        self.answers, self.asked, self.agents, self.delay = {}, [], set(), 0
        self.trickle = 0
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler):
        self.asked.append(handler.path)
        self.agents.add(handler.headers["User-Agent"])
        time.sleep(self.delay)
        parts = urllib.parse.urlsplit(handler.path)
        answer = self.answers.get(parts.path, 404)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(dict(urllib.parse.parse_qsl(parts.query)))
        if isinstance(answer, int):
            answer = answer, {}, b""
        if isinstance(answer, dict):
            answer = 200, {"Content-Type": "application/json"}, json.dumps(answer)
        if isinstance(answer, bytes):
            answer = 200, {}, answer
        status, headers, body = answer
        body = body.encode() if isinstance(body, str) else body
        with contextlib.suppress(ConnectionError):
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            if not self.trickle or not parts.path.endswith(".png"):
                handler.wfile.write(body)
                return
            for number in range(len(body)):
                handler.wfile.write(body[number : number + 1])
                time.sleep(self.trickle)

    def pictures_asked(self):
        """Lists the paths asked for under /pictures/."""
        return [path for path in self.asked if path.startswith("/pictures/")]


@pytest.fixture
def site(monkeypatch):
    """Runs a web server for one test."""
    monkeypatch.setenv("NO_PROXY", "*")
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.02,))
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder of Debian packages, and an apt-get that fetches from there."""
    from tests.mirror import Mirror

    return Mirror(tmp_path, monkeypatch)
