"""Damaged files of every kind: one line and code 2, or a whole result; never more.

`FUZZ_INPUTS=100000 python -m pytest tests/test_fuzz.py` runs as many.
"""

import importlib
import io
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import network, predict

INPUTS = int(os.environ.get("FUZZ_INPUTS", "600"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
FORMATS = {  # ending: mode and options of what is damaged
    "png": ("RGB", {}),
    "jpg": ("RGB", {"quality": 80}),
    "jpeg": ("CMYK", {}),
    "webp": ("RGBA", {"lossless": True}),
    "gif": ("P", {}),
    "bmp": ("RGB", {}),
    "tif": ("RGB", {"compression": "tiff_lzw"}),
    "tiff": ("I;16", {}),
}
program = importlib.import_module("eval")


def encoded(ending, values):
    mode, options = FORMATS[ending]
    picture = Image.fromarray(values)
    if mode == "I;16":
        picture = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, Image.registered_extensions()[f".{ending}"], **options)
    return buffer.getvalue()


def mutate(data, random):
    """Flips, inserts, removes, repeats or cuts off bytes, some times over."""
    data = bytearray(data)
    for _ in range(random.integers(1, 6)):
        if not data:
            break
        at, length = random.integers(len(data)), random.integers(1, 9)
        kind = random.integers(6)
        if kind == 0:
            data[at] ^= 1 << random.integers(8)
        elif kind == 1:
            data[at : at + length] = random.bytes(length)
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + 64 * length]
        elif kind == 4:
            data[at : at + 4] = random.choice(
                [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"]
            )
        else:
            del data[at:]
    return bytes(data)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A fake network that knows the answer, and a folder with an older result."""
    monkeypatch.chdir(tmp_path)

    def run(_, image, trimap, views):
        return predict.Matte(trimap.astype(np.float32) / 255, image)

    monkeypatch.setattr(network, "load_network", lambda *_: "network")
    monkeypatch.setattr(predict, "predict", run)
    (tmp_path / "log").mkdir()
    (tmp_path / "log/generator-1.weights.h5").touch()
    return tmp_path


def test_damaged_files_never_do_more_than_one_line(folder, capsys):
    random = np.random.default_rng(SEED)
    photo = random.integers(0, 256, (24, 32, 3)).astype(np.uint8)
    bands = np.repeat(np.uint8([0, 128, 255]), 11)[:32]
    trimap = np.tile(bands[None, :, None], (24, 1, 3))
    good = {
        ending: (encoded(ending, photo), encoded(ending, trimap)) for ending in FORMATS
    }
    whole = refused = 0
    old = b"the older result"
    for number in range(INPUTS):
        ending = list(FORMATS)[number % len(FORMATS)]
        files = list(good[ending])
        which = random.integers(2)
        files[which] = mutate(files[which], random)
        names = f"photo.{ending}", f"trimap.{ending}"
        for name, content in zip(names, files, strict=True):
            Path(name).write_bytes(content)
        Path("out.png").write_bytes(old)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code = program.main([*names, "out.png", "--logdir", "log"])
        out, err = capsys.readouterr()
        told = f"input {number} of seed {SEED}: code {code}, {err!r}"
        assert out == "", told
        if code == 0:
            whole += 1
            assert err == "", told
            with Image.open("out.png") as result:
                assert result.mode == "RGBA", told
                result.load()
        else:
            refused += 1
            assert code == 2, told
            assert err.startswith("eval.py: ") and err.count("\n") == 1, told
            assert Path("out.png").read_bytes() == old, told
        left = {path.name for path in folder.iterdir()}
        assert left == {*names, "out.png", "log"}, told
        for name in names:
            Path(name).unlink()
    assert whole > INPUTS / 50 and refused > INPUTS / 5
    shutil.rmtree("log")
