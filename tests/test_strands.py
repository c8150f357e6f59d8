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
