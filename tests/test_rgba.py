import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import rgba
from tests.drawn import SHAPES, colours, light, maps


def red_disc(side=64, hidden=(0, 1, 0)):
    """A soft red disc whose hidden colour is another one."""
    rows, columns = np.indices((side, side)) - side / 2 + 0.5
    radius = np.hypot(rows, columns)
    alpha = np.clip(side * 0.3 - radius + 0.5, 0, 1).astype(np.float32)
    foreground = np.empty((side, side, 3), np.float32)
    foreground[:] = hidden
    foreground[alpha > 0] = (1, 0, 0)
    return foreground, alpha


@light
@given(SHAPES.flatmap(lambda shape: st.tuples(colours(shape), maps(shape))))
def test_extending_colours_never_changes_visible_ones_and_stays_in_range(layers):
    foreground, alpha = layers
    extended = rgba.extend_colours(foreground, alpha)
    assert extended.shape == foreground.shape and extended.dtype == np.float32
    np.testing.assert_array_equal(extended[alpha > 0], foreground[alpha > 0])
    assert extended.min() >= -1e-5 and extended.max() <= 1 + 1e-5


def test_extended_colours_are_those_of_the_object():
    foreground, alpha = red_disc()
    extended = rgba.extend_colours(foreground, alpha)
    np.testing.assert_allclose(extended, np.ones_like(extended) * (1, 0, 0), atol=1e-4)


@pytest.mark.parametrize("size", [(20, 33), (64, 64), (150, 90), (200, 20), (1, 1)])
def test_a_resized_red_object_over_garbage_green_shows_no_green(size):
    foreground, alpha = rgba.resize_cutout(*red_disc(), *size)
    assert foreground.shape == (*size, 3) and alpha.shape == size
    assert alpha.min() >= 0 and alpha.max() <= 1
    assert foreground[..., 1].max() < 1e-3
    assert foreground[..., 0].min() > 0.999


@light
@given(maps((7, 9)))
def test_unpremultiplying_undoes_premultiplying(alpha):
    colour = np.random.default_rng(0).random((7, 9, 3), np.float32)
    foreground, clean = rgba.unpremultiply(colour * alpha[..., None], alpha)
    visible = clean > 0
    np.testing.assert_array_equal(visible, alpha >= 0.5 / 255)
    np.testing.assert_allclose(foreground[visible], colour[visible], atol=1e-4)
