import numpy as np
import pytest

from model import cutout, matting


def test_a_denser_cutout_lets_through_what_several_layers_of_it_do():
    alpha = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    alpha[0, :2] = 0, 1
    _, two = matting.overlay(np.zeros((8, 8, 3)), alpha, np.zeros((8, 8, 3)), alpha)
    np.testing.assert_allclose(cutout.thicken(alpha, 2), two, atol=1e-6)
    np.testing.assert_allclose(cutout.thicken(alpha, 1), alpha, atol=1e-6)
    assert cutout.thicken(alpha, 5)[0, :2].tolist() == [0, 1]


def test_a_hard_edged_cutout_is_cropped_along_its_border():
    alpha = np.zeros((100, 100), np.float32)
    alpha[30:70, 30:70] = 1
    edge = cutout.prepare(np.ones((100, 100, 3), np.float32), alpha).edge
    distance = np.abs(edge - 49.5).max(axis=1)
    assert np.all(np.abs(distance - 20) <= 3)


def test_hidden_colours_never_reach_a_crop(soft_disc):
    foreground, alpha = soft_disc(200, 7)
    foreground[:] = [1, 0, 0]
    foreground[alpha == 0] = [0, 1, 0]
    source = cutout.prepare(foreground, alpha)
    for seed in range(10):
        colour, _ = cutout.crop(source, 96, np.random.default_rng(seed))
        assert np.all(colour[..., 0] >= colour[..., 1])


def test_what_is_much_reduced_is_not_aliased():
    stripes = np.repeat(np.arange(1440) // 3 % 2, 1440).reshape(1440, 1440)
    source = cutout.prepare(np.ones((1440, 1440, 3), np.float32), np.float32(stripes))
    for seed in range(6):
        random = np.random.default_rng(seed)
        _, alpha = cutout.crop(source, 128, random, is_whole=True)
        within = alpha[56:72, 56:72]
        assert within.mean() == pytest.approx(0.5, abs=0.05)
        assert within.std() < 0.15


def test_a_cutout_without_any_edge_has_a_middle():
    alpha = np.ones((200, 300), np.float32)
    source = cutout.prepare(np.ones((200, 300, 3), np.float32), alpha)
    np.testing.assert_array_equal(source.edge, [[100, 150]])


@pytest.mark.parametrize(
    ("side", "least"), [(100, 0.5), (400, 0.48), (600, 0.32), (2000, 0.25)]
)
def test_the_larger_a_cutout_the_more_it_may_be_shrunk(side, least):
    random = np.random.default_rng(0)
    drawn = [cutout.draw_zoom(side, random) for _ in range(2000)]
    assert min(drawn) == pytest.approx(least, rel=0.02) and min(drawn) >= least
    assert max(drawn) == pytest.approx(1.2, rel=0.02) and max(drawn) <= 1.2
