"""The library as a program would use it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import model
from model import Matting, images, pipeline

ROOT = Path(__file__).resolve().parents[1]
IMAGE, TRIMAP = ROOT / "images/example.jpg", ROOT / "images/example-trimap.png"


def picture(path):
    with Image.open(path) as opened:
        return opened.copy()


@pytest.fixture(scope="module")
def matte_it():
    return Matting(checkpoint=-1)


@pytest.fixture(scope="module")
def expected(matte_it):
    return matte_it(IMAGE, TRIMAP)


@pytest.mark.parametrize(
    ("image", "trimap"),
    [
        (str(IMAGE), str(TRIMAP)),
        (picture(IMAGE), picture(TRIMAP)),
        (np.asarray(picture(IMAGE)), np.asarray(picture(TRIMAP).convert("L"))),
        (images.read_image(IMAGE), images.read_grey(TRIMAP)),
        (images.read_image(IMAGE).astype(np.float64), TRIMAP),
    ],
    ids=["paths", "pictures", "uint8", "float32", "float64 and path"],
)
def test_every_kind_of_picture_gives_the_same(image, trimap, matte_it, expected):
    matte = matte_it(image, trimap)
    np.testing.assert_array_equal(matte.alpha, expected.alpha)
    np.testing.assert_array_equal(matte.foreground, expected.foreground)


def test_the_matte_makes_pictures(expected):
    cutout = expected.cutout()
    assert cutout.mode == "RGBA" and cutout.size == picture(IMAGE).size
    np.testing.assert_array_equal(
        np.asarray(cutout)[..., 3], images.to_uint8(expected.alpha)
    )
    white = expected.composite([1, 1, 1])
    assert white.shape == expected.foreground.shape
    np.testing.assert_allclose(white[expected.alpha == 0], 1, atol=1e-6)
    is_opaque = expected.alpha == 1
    np.testing.assert_allclose(
        white[is_opaque], expected.foreground[is_opaque], atol=1e-5
    )


def test_a_background_is_a_picture_or_an_array_of_either_kind(expected):
    levels = np.random.default_rng(0).integers(0, 256, expected.foreground.shape)
    levels = levels.astype(np.uint8)
    found = expected.composite(levels)
    for background in (Image.fromarray(levels), levels.astype(np.float32) / 255):
        np.testing.assert_array_equal(expected.composite(background), found)
    assert 0 <= found.min() and found.max() <= 1
    for background in ([255, 255, 255], [-1, 0, 0], [np.nan] * 3, []):
        with pytest.raises(ValueError, match="^background: values are not in"):
            expected.composite(background)


def test_threads_may_share_it(matte_it, expected):
    with ThreadPoolExecutor(4) as threads:
        mattes = list(threads.map(lambda _: matte_it(IMAGE, TRIMAP), range(4)))
    for matte in mattes:
        np.testing.assert_allclose(matte.alpha, expected.alpha, atol=1e-5)


def test_threads_may_share_a_picture_that_is_only_opened(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    images.write_image(tmp_path / "noise.png", levels)
    for _ in range(3):
        with Image.open(tmp_path / "noise.png") as opened:
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(pipeline.read_image, [opened] * 8))
        for image in found:
            np.testing.assert_array_equal(images.to_uint8(image), levels)


def test_a_damaged_picture_that_is_only_opened_is_refused(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    images.write_image(tmp_path / "noise.png", levels)
    path = tmp_path / "short.png"
    path.write_bytes((tmp_path / "noise.png").read_bytes()[:-900])
    for read, name in (
        (pipeline.read_image, "image"),
        (pipeline.read_trimap, "trimap"),
    ):
        with Image.open(path) as opened:
            with pytest.raises(ValueError, match=f"^{name}: not a complete picture"):
                read(opened)


def test_fast_is_close_and_not_the_same(expected):
    fast = Matting(fast=True)(IMAGE, TRIMAP)
    difference = np.abs(fast.alpha - expected.alpha)
    assert 0 < difference.mean() < 0.02


def test_fine_is_close_and_not_the_same(expected):
    fine = Matting(fine=True)(IMAGE, TRIMAP)
    difference = np.abs(fine.alpha - expected.alpha)
    assert 0 < difference.mean() < 0.02


def test_fast_is_a_snapshot_of_its_own(tmp_path):
    with pytest.raises(ValueError, match="^fast: is log/matting-fast, got logdir="):
        Matting(logdir=tmp_path, fast=True)


def test_smoke_needs_no_foreground_if_it_is_said_to_be_translucent(matte_it):
    trimap = np.minimum(picture(TRIMAP).convert("L"), 128).astype(np.uint8)
    with pytest.raises(ValueError, match="no foreground pixels.*translucent=True"):
        matte_it(IMAGE, trimap)
    matte = Matting(translucent=True)(IMAGE, trimap)
    assert np.all(matte.alpha[trimap == 0] == 0)
    assert 0.05 < matte.alpha[trimap == 128].mean() < 1


@pytest.mark.parametrize(
    ("image", "trimap", "message"),
    [
        (np.zeros((9, 9)), TRIMAP, r"image: got shape \(9, 9\); give \(H, W, 3\)"),
        (np.zeros((9, 9, 3), int), TRIMAP, "image: got int64; give uint8, or float"),
        (np.full((9, 9, 3), 255.0), TRIMAP, "image: values are not in"),
        (np.full((9, 9, 3), np.nan), TRIMAP, "image: values are not in"),
        (IMAGE, np.zeros((9, 9, 1), np.uint8), r"trimap: got shape \(9, 9, 1\)"),
        (np.zeros((0, 5, 3), np.uint8), np.zeros((0, 5), np.uint8), "empty, got 5x0"),
        (IMAGE, np.zeros((9, 9), np.uint8), "trimap is 9x9 but its image is 512x512"),
    ],
)
def test_wrong_arrays_are_refused(image, trimap, message, matte_it):
    with pytest.raises(ValueError, match=message):
        matte_it(image, trimap)


def test_importing_the_library_costs_nothing_until_it_is_used():
    code = (
        "import sys, model; "
        "heavy = {'tensorflow', 'numba', 'onnxruntime', 'cv2', 'numpy'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_library_has_what_it_says():
    assert model.Matting is Matting
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        model.Nothing  # noqa: B018
