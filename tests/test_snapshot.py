"""The shipped snapshots on the shipped picture; see golden/README.md."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from model import checkpoint, guides, images, matting, network, predict

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).resolve().parent / "golden"


@pytest.fixture(scope="module")
def pair():
    return (
        images.read_image(ROOT / "images/example.jpg"),
        guides.read_trimap(ROOT / "images/example-trimap.png"),
    )


@pytest.mark.parametrize(
    "name", ["matting", "matting-fast", "matting-gan", "paper2018"]
)
def test_a_shipped_snapshot_mattes_the_example_as_it_did(name, pair):
    image, trimap = pair
    matte = predict.predict(
        checkpoint.load_generator(ROOT / "log" / name), image, trimap
    )
    expected = images.read_grey(GOLDEN / f"example-{name}.png")
    small = cv2.resize(matte.alpha, expected.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small - expected).max() < 0.03
    assert np.abs(small - expected).mean() < 0.002
    assert np.all(matte.alpha[trimap == matting.FOREGROUND] == 1)
    assert np.all(matte.alpha[trimap == matting.BACKGROUND] == 0)
    is_opaque = matte.alpha == 1
    np.testing.assert_array_equal(matte.foreground[is_opaque], image[is_opaque])


@pytest.mark.parametrize("name", ["matting", "matting-fast"])
def test_a_large_picture_has_no_seams(name, pair, monkeypatch):
    image, trimap = (cv2.resize(part, (1280, 1280)) for part in pair)
    trimap = matting.trimap_from_grey(trimap.astype(np.float32) / 255)
    shipped = network.load_network(ROOT / "log" / name)
    monkeypatch.setattr(predict, "PIECE", 1280)
    whole = predict.run(shipped, image, trimap)["alpha"]
    monkeypatch.setattr(predict, "PIECE", 640)
    assert len(list(predict.pieces(trimap))) > 2
    parts = predict.run(shipped, image, trimap)["alpha"]
    assert 0 < np.abs(parts - whole).max() <= 1 / 255
