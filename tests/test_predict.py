from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import foreground, generator, images, matting, predict, prior


@pytest.fixture(scope="module", params=generator.PRESETS)
def network(request, short_encoder):
    with short_encoder():
        network = generator.build_generator(request.param, (8,) * 5)
    random = np.random.default_rng(0)
    for variable in network.trainable_variables:
        variable.assign(random.normal(0, 0.3, variable.shape))
    return network


def random_pair(height, width, seed):
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3)).astype(np.float32)
    codes = np.uint8([0, 128, 255])
    return image, codes[random.integers(0, 3, (height, width))]


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**31))
def test_any_size_comes_back_with_known_pixels_exact(network, height, width, seed):
    image, trimap = random_pair(height, width, seed)
    matte = predict.predict(network, image, trimap)
    assert matte.alpha.shape == (height, width)
    assert matte.foreground.shape == (height, width, 3)
    assert matte.alpha.dtype == matte.foreground.dtype == np.float32
    assert 0 <= matte.alpha.min() and matte.alpha.max() <= 1
    assert 0 <= matte.foreground.min() and matte.foreground.max() <= 1
    np.testing.assert_array_equal(matte.alpha[trimap == matting.FOREGROUND], 1)
    np.testing.assert_array_equal(matte.alpha[trimap == matting.BACKGROUND], 0)
    is_opaque = images.to_uint8(matte.alpha) == 255
    np.testing.assert_array_equal(matte.foreground[is_opaque], image[is_opaque])


def test_the_foreground_is_estimated_unless_the_network_has_its_own(network):
    image, trimap = random_pair(64, 64, 3)
    matte = predict.predict(network, image, trimap)
    estimated = foreground.estimate_foreground(image, matte.alpha)
    is_own = network.name == "paper2018"
    is_mixed = images.to_uint8(matte.alpha) < 255
    assert np.any(matte.foreground[is_mixed] != estimated[is_mixed]) == is_own


def test_the_inputs_are_left_as_they_were(network):
    image, trimap = random_pair(40, 50, 1)
    before = image.copy(), trimap.copy()
    predict.predict(network, image, trimap)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(trimap, before[1])


class Untouched:
    """A network that answers with the prior, and counts what it was given."""

    def __init__(self, samples="samples"):
        names = ("image", "prior", samples)
        self.inputs = [SimpleNamespace(name=name) for name in names]
        self.shapes = []

    def predict_on_batch(self, batch):
        self.shapes.append(batch["image"].shape[1:3])
        return {"alpha": batch["prior"]}


def ring(size, scale=1):
    """A disc with a soft edge before stripes, and its trimap."""
    rows, columns = np.indices((size, size)) / scale
    distance = np.hypot(rows - size / 2 / scale, columns - size / 2 / scale)
    alpha = np.clip((60 - distance) / 8 + 0.5, 0, 1).astype(np.float32)
    shade = 0.2 * np.sin(columns / 5)[..., None]
    red = np.float32([0.8, 0.1, 0.2]) + shade * np.float32([0, 1, 0])
    image = matting.composite(red, np.float32([0.1, 0.6, 0.9]), alpha)
    trimap = matting.trimap_from_alpha(alpha, 3 * scale, 3 * scale)
    return image.astype(np.float32), alpha, trimap


@pytest.mark.parametrize("samples", ["samples", "coarse_samples"])
def test_what_the_network_leaves_alone_is_the_first_guess(samples):
    image, _, trimap = ring(448)
    alpha = predict.predict(Untouched(samples), image, trimap).alpha
    guess = prior.first_guess(image, trimap, is_fine=samples == "samples").alpha
    np.testing.assert_allclose(alpha, guess, atol=1.01 / 255)


def test_views_are_averaged_and_what_is_known_stays_exact(monkeypatch):
    image, _, trimap = ring(192)
    image = image.clip(0, 1)
    network = Untouched()
    alpha = predict.run(network, image, trimap, predict.FINE_VIEWS)["alpha"]
    assert network.shapes == [(192, 192), (320, 320)]  # 288 and what is padded
    views = []
    for size in (192, 288):
        view = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
        codes = cv2.resize(trimap, (size, size), interpolation=cv2.INTER_NEAREST)
        single = predict.run(Untouched(), view.clip(0, 1), codes)["alpha"]
        views.append(cv2.resize(single, (192, 192), interpolation=cv2.INTER_AREA))
    mean = matting.paste_known((views[0] + views[1]) / 2, trimap)
    np.testing.assert_allclose(alpha, mean, atol=1e-6)
    assert np.abs(views[0] - views[1])[trimap == matting.UNKNOWN].max() > 1e-3

    monkeypatch.setattr(predict, "LARGEST_VIEW", 287 * 288)
    network = Untouched()
    predict.run(network, image, trimap, predict.FINE_VIEWS)
    assert network.shapes == [(192, 192)]


def test_only_the_surroundings_of_unknown_pixels_are_worked_on():
    image, _, trimap = ring(960)
    network = Untouched()
    predict.predict(network, image, trimap)
    ((height, width),) = network.shapes
    assert height < 620 and width < 620
    network = Untouched()
    known = np.where(trimap == matting.UNKNOWN, np.uint8(0), trimap)
    alpha = predict.predict(network, image, known).alpha
    assert not network.shapes
    np.testing.assert_array_equal(alpha, known == matting.FOREGROUND)


def test_a_known_region_beyond_the_window_counts_too():
    image, _, trimap = ring(960)
    far = np.where(trimap == matting.FOREGROUND, np.uint8(matting.UNKNOWN), trimap)
    far[-20:, -20:] = matting.FOREGROUND
    window = predict.find_window(far)
    assert (far[window] == matting.FOREGROUND).any()


def test_pieces_cover_every_unknown_pixel_once_with_context(monkeypatch):
    monkeypatch.setattr(predict, "PIECE", 64)
    _, _, trimap = ring(512, scale=2)
    covered = np.zeros(trimap.shape, int)
    for inner, outer in predict.pieces(trimap):
        covered[inner] += 1
        for span, around in zip(inner, outer, strict=True):
            assert around.start in (0, span.start - predict.CONTEXT)
            assert around.stop in (512, span.stop + predict.CONTEXT)
    assert covered.max() == 1
    assert (covered[trimap == matting.UNKNOWN] == 1).all()
    assert (covered == 0).any()  # the corners and the middle are known


def test_a_picture_no_larger_than_a_piece_with_context_is_not_divided():
    side = predict.PIECE + 2 * predict.CONTEXT
    trimap = np.full((side, side), matting.UNKNOWN, np.uint8)
    whole = (slice(0, side), slice(0, side))
    assert list(predict.pieces(trimap)) == [(whole, whole)]
    assert list(predict.pieces(np.zeros_like(trimap))) == []
    wider = np.full((side, side + predict.GRID), matting.UNKNOWN, np.uint8)
    assert len(list(predict.pieces(wider))) == 4


def test_colours_of_pieces_without_unknown_pixels_are_those_of_the_image(monkeypatch):
    monkeypatch.setattr(predict, "PIECE", 64)

    class Colourful:
        inputs = (SimpleNamespace(name="image"), SimpleNamespace(name="trimap"))

        def predict_on_batch(self, batch):
            return {"alpha": batch["trimap"] / 255, "foreground": batch["image"]}

    image = np.random.default_rng(0).random((64, 4000, 3), np.float32)
    trimap = np.zeros((64, 4000), np.uint8)
    trimap[:, 9], trimap[:, -9] = matting.UNKNOWN, matting.UNKNOWN
    assert len(list(predict.pieces(trimap))) == 2
    matte = predict.predict(Colourful(), image, trimap)
    np.testing.assert_array_equal(matte.foreground, image)


def test_a_picture_in_pieces_comes_out_as_in_one(monkeypatch):
    image, _, trimap = ring(512, scale=2)
    whole = predict.predict(Untouched(), image, trimap).alpha
    monkeypatch.setattr(predict, "PIECE", 64)
    network = Untouched()
    np.testing.assert_array_equal(predict.predict(network, image, trimap).alpha, whole)
    assert len(network.shapes) > 4
