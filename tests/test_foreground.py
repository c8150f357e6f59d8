import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import foreground, matting


def red_on_green(soft_disc):
    _, alpha = soft_disc(160, 0)
    red = np.broadcast_to(np.float32([0.9, 0.1, 0.1]), (160, 160, 3))
    green = np.broadcast_to(np.float32([0.1, 0.8, 0.2]), (160, 160, 3))
    return red, alpha, matting.composite(red, green, alpha)


def test_the_colour_of_the_background_is_taken_out(soft_disc):
    red, alpha, image = red_on_green(soft_disc)
    is_mixed = (alpha > 0) & (alpha < 1)
    error = np.abs(foreground.estimate_foreground(image, alpha) - red)[is_mixed].mean()
    naive = np.abs(image - red)[is_mixed].mean()
    assert error < 0.2 * naive


def test_where_alpha_is_one_the_image_is_kept_to_the_bit(soft_disc):
    _, alpha, image = red_on_green(soft_disc)
    estimate = foreground.estimate_foreground(image, alpha)
    np.testing.assert_array_equal(estimate[alpha == 1], image[alpha == 1])


def test_the_estimate_recomposes_to_the_image_where_the_object_dominates(soft_disc):
    _, alpha, image = red_on_green(soft_disc)
    green = np.broadcast_to(np.float32([0.1, 0.8, 0.2]), image.shape)
    estimate = foreground.estimate_foreground(image, alpha)
    again = matting.composite(estimate, green, alpha)
    assert np.abs(again - image)[alpha > 0.5].mean() < 0.01


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.5, 1.0, None]))
def test_any_size_and_any_alpha_give_finite_colours(height, width, level):
    random = np.random.default_rng(0)
    image = random.random((height, width, 3)).astype(np.float32)
    alpha = random.random((height, width)).astype(np.float32)
    if level is not None:
        alpha[:] = level
    estimate = foreground.estimate_foreground(image, alpha)
    assert estimate.shape == image.shape and estimate.dtype == np.float32
    assert np.isfinite(estimate).all()
    assert 0 <= estimate.min() and estimate.max() <= 1


def test_an_alpha_that_is_a_little_off_shifts_no_hue(soft_disc):
    red, alpha, image = red_on_green(soft_disc)
    estimate = foreground.estimate_foreground(image, np.clip(alpha - 0.1, 0, 1))
    is_mixed = (alpha > 0.3) & (alpha < 1)
    error = np.abs(estimate - red)[is_mixed].mean(0)
    assert error.max() < 0.12
    assert (estimate[is_mixed].argmax(1) == 0).all()  # still red before all


def test_it_is_what_pymatting_finds(soft_disc):
    pymatting = pytest.importorskip("pymatting")
    _, alpha, image = red_on_green(soft_disc)
    expected = pymatting.estimate_foreground_ml(
        image.astype(np.float64), alpha.astype(np.float64)
    )
    estimate = foreground.estimate_foreground(image, alpha)
    assert np.abs(estimate - expected)[alpha > 0.2].mean() < 0.02
