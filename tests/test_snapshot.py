"""The shipped snapshots on the shipped picture; see golden/README.md."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from model import checkpoint, images, matting
from model.predict import predict

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).resolve().parent / "golden"


@pytest.fixture(scope="module")
def pair():
    return (
        images.read_image(ROOT / "images/example.jpg"),
        images.read_trimap(ROOT / "images/example-trimap.png"),
    )


@pytest.mark.parametrize("name", ["matting", "matting-gan", "paper2018"])
def test_a_shipped_snapshot_mattes_the_example_as_it_did(name, pair):
    image, trimap = pair
    matte = predict(checkpoint.load_generator(ROOT / "log" / name), image, trimap)
    expected = images.read_grey(GOLDEN / f"example-{name}.png")
    small = cv2.resize(matte.alpha, expected.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small - expected).max() < 0.03
    assert np.abs(small - expected).mean() < 0.002
    assert np.all(matte.alpha[trimap == matting.FOREGROUND] == 1)
    assert np.all(matte.alpha[trimap == matting.BACKGROUND] == 0)
    is_opaque = matte.alpha == 1
    np.testing.assert_array_equal(matte.foreground[is_opaque], image[is_opaque])


def test_the_default_snapshot_is_better_than_its_first_guess_at_translucent_edges():
    """On a composite whose alpha is known: the soft disc of a textured colour."""
    from model import prior

    random = np.random.default_rng(4)
    rows, columns = np.indices((256, 256)) - 128
    alpha = np.clip((80 - np.hypot(rows, columns)) / 40 + 0.5, 0, 1).astype(np.float32)
    noise = cv2.GaussianBlur(random.random((256, 256, 3)).astype(np.float32), (0, 0), 3)
    foreground = np.clip(np.float32([0.7, 0.35, 0.2]) + 2 * (noise - 0.5), 0, 1)
    background = np.clip(np.float32([0.3, 0.5, 0.6]) - 2 * (noise[::-1] - 0.5), 0, 1)
    image = matting.composite(foreground, background, alpha)
    trimap = matting.trimap_from_alpha(alpha, 8, 8)
    is_unknown = trimap == matting.UNKNOWN
    matte = predict(checkpoint.load_generator(ROOT / "log/matting"), image, trimap)
    guess = prior.closed_form_prior(image, trimap)
    error = np.abs(matte.alpha - alpha)[is_unknown].mean()
    assert error < np.abs(guess - alpha)[is_unknown].mean()
