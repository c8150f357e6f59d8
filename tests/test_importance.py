import numpy as np
import pytest

from model import dataset, importance, matting


def test_a_sample_weighs_less_the_worse_its_first_guess():
    alpha = np.full((8, 8), 51, np.uint8)
    trimap = np.full((8, 8), matting.UNKNOWN, np.uint8)
    trimap[0, :2] = matting.FOREGROUND, matting.BACKGROUND
    typical = importance.TYPICAL_ERROR
    for error, weight in ((0.0, 1.0), (typical, 0.5), (3 * typical, 0.1)):
        guess = np.full((8, 8), 0.2 + error, np.float32)
        assert importance.ease(alpha, guess, trimap) == pytest.approx(weight, rel=1e-4)


def test_a_woven_sample_may_have_a_worse_guess():
    alpha = np.full((8, 8), 51, np.uint8)
    trimap = np.full((8, 8), matting.UNKNOWN, np.uint8)
    trimap[0, :2] = matting.FOREGROUND, matting.BACKGROUND
    for error, weight in ((0.0, 1.0), (importance.WOVEN_ERROR, 0.5)):
        guess = np.full((8, 8), 0.2 + error, np.float32)
        expected = importance.WOVEN * weight
        weighed = importance.weigh_woven(alpha, guess, trimap)
        assert weighed == pytest.approx(expected, rel=1e-4)
    assert importance.ease(alpha, guess, trimap) < weighed


def test_only_the_unknown_region_counts():
    alpha = np.zeros((8, 8), np.uint8)
    trimap = np.zeros((8, 8), np.uint8)
    assert importance.ease(alpha, np.ones((8, 8), np.float32), trimap) == 1.0
    trimap[0, 0] = matting.UNKNOWN
    guess = np.ones((8, 8), np.float32)
    guess[0, 0] = 0
    trimap[0, 1] = matting.FOREGROUND
    assert importance.ease(alpha, guess, trimap) == 1.0


@pytest.mark.parametrize("known", [matting.FOREGROUND, matting.BACKGROUND])
def test_a_sample_with_one_known_side_is_not_weighed_by_its_guess(known):
    alpha = np.full((8, 8), 128, np.uint8)
    trimap = np.full((8, 8), matting.UNKNOWN, np.uint8)
    trimap[0] = known
    guess = np.zeros((8, 8), np.float32)
    assert importance.ease(alpha, guess, trimap) == importance.ONE_SIDED


def test_the_chosen_sample_stands_for_all_candidates():
    """Weight times value, on average, is what the weighted mean of all would be."""
    weights, values = [0.9, 0.3, 0.05], np.array([1.0, 2.0, 10.0])
    random = np.random.default_rng(0)
    drawn = [importance.choose(weights, random) for _ in range(20000)]
    mean = np.mean([weight * values[place] for place, weight in drawn])
    assert mean == pytest.approx((np.array(weights) * values).mean(), rel=0.02)


class Steps:
    """Crops of a step edge, whose guess is the worse the larger their number."""

    def crop(self, seed, index, size):
        alpha = np.zeros((size, size), np.uint8)
        alpha[:, size // 2 :] = 255
        trimap = matting.trimap_from_alpha(alpha / np.float32(255), 6, 6)
        contrast = (200, 20, 0)[index % 3]
        random = np.random.default_rng([seed, index])
        image = alpha[..., None] // 255 * np.uint8(contrast) + random.integers(
            0, 40, (size, size, 3), dtype=np.uint8
        )
        parts = {"image": image, "foreground": image, "alpha": alpha, "trimap": trimap}
        return parts


def test_crops_like_photographs_are_chosen_more_often():
    chosen = []
    for index in range(24):
        sample = dataset.crop_with_guess(Steps(), 0, index, 64)
        contrast = int(sample["image"][:, 40:].mean()) - int(
            sample["image"][:, :24].mean()
        )
        chosen.append(contrast)
        assert 0 < sample["weight"] < 255
    clear = sum(contrast > 150 for contrast in chosen)
    assert clear > 15, chosen
