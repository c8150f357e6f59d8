import numpy as np

from model import strands


def test_strands_have_the_colours_of_its_texture_and_any_number_of_strands():
    green = np.full((50, 60, 3), [0, 200, 0], np.uint8)
    shares = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        foreground, alpha = strands.draw_strands(green, 64, random)
        again = strands.draw_strands(green, 64, np.random.default_rng(seed))
        np.testing.assert_array_equal(again[1], alpha)
        assert foreground.shape == (64, 64, 3) and alpha.shape == (64, 64)
        assert 0 <= alpha.min() and alpha.max() <= 1
        visible = foreground[alpha > 0.1]
        assert np.all(visible[:, [0, 2]] == 0) and visible[:, 1].max() > 0.4
        shares.append(alpha.mean())
    assert min(shares) < 0.15 and max(shares) > 0.25


def test_without_slack_a_strand_is_straight_and_as_long_as_asked():
    random = np.random.default_rng(3)
    path = strands.draw_path(np.array([10.0, 20.0]), 0.5, 120, random, slack=0)
    ahead = np.array([np.cos(0.5), np.sin(0.5)])
    steps = np.arange(1, strands.POINTS + 1) * (120 / strands.POINTS)
    np.testing.assert_allclose(path, [10, 20] + steps[:, None] * ahead, atol=0.5)
    bent = strands.draw_path(np.array([10.0, 20.0]), 0.5, 120, random, slack=1)
    assert np.abs(bent - path).max() > 3


def test_a_canvas_is_reduced_by_area_and_softened_with_its_colour():
    canvas = np.zeros((64, 64, 4), np.uint8)
    canvas[:, :33] = 200, 100, 0, 255
    colours, alpha = strands.reduce_canvas(canvas, 32)
    np.testing.assert_allclose(alpha[5, 15:18], [1, 0.5, 0], atol=0.01)
    np.testing.assert_allclose(colours[5, 16] * 255, [200, 100, 0], atol=1)
    softer, wide = strands.reduce_canvas(canvas, 32, blur=2.0)
    assert np.count_nonzero((wide[5] > 0) & (wide[5] < 1)) > 6
    np.testing.assert_allclose(softer[5, 18] * 255, [200, 100, 0], atol=1)


def test_colours_are_those_of_the_photograph():
    texture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    seen = {tuple(colour) for colour in texture.reshape(-1, 3).tolist()}
    counts = set()
    for seed in range(60):
        colours = strands.pick_colours(texture, np.random.default_rng(seed))
        assert {tuple(colour) for colour in colours.tolist()} <= seen
        counts.add(len(colours))
    assert counts == set(range(1, strands.PALETTE + 1))
