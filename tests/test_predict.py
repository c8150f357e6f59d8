import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import foreground, generator, matting, predict


@pytest.fixture(scope="module", params=generator.PRESETS)
def network(request):
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
    is_opaque = matte.alpha == 1
    np.testing.assert_array_equal(matte.foreground[is_opaque], image[is_opaque])


def test_the_foreground_is_estimated_unless_the_network_has_its_own(network):
    image, trimap = random_pair(64, 64, 3)
    matte = predict.predict(network, image, trimap)
    estimated = foreground.estimate_foreground(image, matte.alpha)
    is_own = network.name == "paper2018"
    assert np.any(matte.foreground != estimated) == is_own


def test_the_inputs_are_left_as_they_were(network):
    image, trimap = random_pair(40, 50, 1)
    before = image.copy(), trimap.copy()
    predict.predict(network, image, trimap)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(trimap, before[1])
