import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model import matting
from tests.drawn import SHAPES, UNIT, colours, light, maps


@st.composite
def two_cutouts(draw):
    shape = draw(SHAPES)
    layers = [draw(colours(shape)), draw(maps(shape))]
    return *layers, draw(colours(shape)), draw(maps(shape)), draw(colours(shape))


@light
@given(two_cutouts())
def test_a_composite_lies_between_its_layers(layers):
    foreground, alpha, background, _, _ = layers
    image = matting.composite(foreground, background, alpha)
    assert image.dtype == np.float32
    assert (image >= np.minimum(foreground, background) - 1e-6).all()
    assert (image <= np.maximum(foreground, background) + 1e-6).all()


@light
@given(two_cutouts())
def test_a_composite_is_the_background_at_0_and_the_foreground_at_1(layers):
    foreground, alpha, background, _, _ = layers
    image = matting.composite(foreground, background, alpha)
    np.testing.assert_array_equal(image[alpha == 0], background[alpha == 0])
    np.testing.assert_allclose(image[alpha == 1], foreground[alpha == 1], atol=1e-6)


@light
@given(two_cutouts())
def test_an_overlay_composes_to_the_same_picture_as_compositing_twice(layers):
    foreground, alpha, other_foreground, other_alpha, background = layers
    lower = matting.composite(other_foreground, background, other_alpha)
    twice = matting.composite(foreground, lower, alpha)
    pair = matting.overlay(foreground, alpha, other_foreground, other_alpha)
    once = matting.composite(pair[0], background, pair[1])
    np.testing.assert_allclose(once, twice, atol=1e-5)


def test_an_overlay_has_the_unpremultiplied_colour():
    upper, lower = np.ones((1, 1, 3), np.float32), np.zeros((1, 1, 3), np.float32)
    half = np.full((1, 1), 0.5, np.float32)
    foreground, alpha = matting.overlay(upper, half, lower, half)
    np.testing.assert_allclose(alpha, 0.75)
    np.testing.assert_allclose(foreground, 2 / 3, rtol=1e-6)  # 0.5 / 0.75, not 0.5


@light
@given(two_cutouts())
def test_an_overlay_of_opaque_over_anything_is_the_opaque_one(layers):
    foreground, _, other_foreground, other_alpha, _ = layers
    opaque = np.ones_like(other_alpha)
    pair = matting.overlay(foreground, opaque, other_foreground, other_alpha)
    np.testing.assert_allclose(pair[0], foreground, atol=1e-6)
    np.testing.assert_array_equal(pair[1], opaque)


@light
@given(maps((12, 10)), st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_a_wider_radius_never_shrinks_the_unknown_region(alpha, first, second, more):
    narrow = matting.trimap_from_alpha(alpha, first, second)
    for radii in ((first + more, second), (first, second + more)):
        wide = matting.trimap_from_alpha(alpha, *radii)
        assert (wide[narrow == matting.UNKNOWN] == matting.UNKNOWN).all()
        assert ((wide == narrow) | (wide == matting.UNKNOWN)).all()


@light
@given(maps((12, 10)), st.integers(0, 4), st.integers(0, 4))
def test_every_fractional_alpha_is_unknown_and_every_known_pixel_right(
    alpha, foreground_erosion, background_erosion
):
    alpha = np.round(alpha * 255) / np.float32(255)
    trimap = matting.trimap_from_alpha(alpha, foreground_erosion, background_erosion)
    fractional = (alpha > 0) & (alpha < 1)
    assert (trimap[fractional] == matting.UNKNOWN).all()
    assert (alpha[trimap == matting.FOREGROUND] == 1).all()
    assert (alpha[trimap == matting.BACKGROUND] == 0).all()
    if foreground_erosion == background_erosion == 0:
        np.testing.assert_array_equal(trimap == matting.UNKNOWN, fractional)


def test_each_radius_erodes_its_own_region():
    alpha = np.repeat([[0, 1]], 10, axis=1).astype(np.float32)  # 10 of 0, 10 of 1
    trimap = matting.trimap_from_alpha(alpha, 3, 1)[0]
    assert (trimap[:9] == 0).all() and (trimap[9:13] == 128).all()
    assert (trimap[13:] == 255).all()


def test_the_frame_erodes_nothing():
    region = np.ones((5, 6), bool)
    assert matting.erode(region, 100).all()
    region[:, 0] = False
    np.testing.assert_array_equal(matting.erode(region, 1)[0], [0, 0, 1, 1, 1, 1])


def test_a_negative_radius_is_refused():
    with pytest.raises(ValueError, match="give radii of 0 or more"):
        matting.trimap_from_alpha(np.zeros((2, 2), np.float32), -1, 0)


@light
@given(arrays.arrays(np.float32, SHAPES, elements=UNIT))
def test_a_painted_trimap_has_three_codes_and_its_codes_stay(grey):
    trimap = matting.trimap_from_grey(grey)
    assert trimap.dtype == np.uint8
    assert set(np.unique(trimap)) <= {0, 128, 255}
    again = matting.trimap_from_grey(trimap / np.float32(255))
    np.testing.assert_array_equal(again, trimap)


@light
@given(
    arrays.arrays(np.float32, (6, 7), elements=st.floats(-2, 3, width=32)),
    arrays.arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 128, 255])),
)
def test_pasting_the_known_gives_exact_0_and_1_and_leaves_its_input(alpha, trimap):
    before = alpha.copy()
    pasted = matting.paste_known(alpha, trimap)
    np.testing.assert_array_equal(alpha, before)
    assert (pasted[trimap == 0] == 0).all() and (pasted[trimap == 255] == 1).all()
    unknown = trimap == 128
    np.testing.assert_array_equal(pasted[unknown], np.clip(before, 0, 1)[unknown])


@light
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9))
def test_the_checkerboard_has_two_greys_that_alternate(height, width, square):
    board = matting.checkerboard(height, width, square)
    assert board.shape == (height, width, 3) and board.dtype == np.float32
    assert set(np.unique(board)) <= {np.float32(0.8), np.float32(1)}
    if width > square:
        assert board[0, 0, 0] != board[0, square, 0]
