"""model/steady.py: less flicker, and nothing where it must not be."""

import numpy as np
import pytest

from model import steady
from scripts.measure import flicker
from tests.test_flow import texture


def looks(count=5, noise=0.1, seed=0):
    """A still picture whose alpha flickers around one half, with known sides."""
    random = np.random.RandomState(seed)
    image = np.repeat(texture()[..., None], 3, axis=2).astype(np.float32) / 255
    trimap = np.full(image.shape[:2], 128, np.uint8)
    trimap[:, :20], trimap[:, -20:] = 0, 255
    truth = np.where(trimap == 128, 0.5, trimap / 255).astype(np.float32)
    made = []
    for _ in range(count):
        alpha = truth + noise * random.standard_normal(truth.shape)
        alpha = np.where(trimap == 128, alpha, truth).astype(np.float32)
        made.append(steady.Look(image, trimap, alpha))
    return made, truth


def test_it_flickers_less_and_errs_less():
    made, truth = looks()
    plain = np.stack([look.alpha for look in made])
    smooth = np.stack(list(steady.steady(made)))
    before, after = (flicker.measure(np.stack([truth] * 5), x) for x in (plain, smooth))
    for name in ("sad", "flicker", "dtssd"):
        assert after[name] < 0.8 * before[name]
    known = made[0].trimap != 128
    assert (smooth[:, known] == truth[known]).all()


def test_another_scene_is_left_alone():
    made, _ = looks(2)
    other = made[1]._replace(image=1 - made[1].image)
    first, second = steady.steady([made[0], other])
    for result, look in ((first, made[0]), (second, other)):
        change = np.abs(result - np.clip(look.alpha, 0, 1))
        assert change.mean() < 0.001
        assert change.max() < 0.1


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_as_many_come_out_as_go_in(count):
    made, _ = looks(count)
    assert len(list(steady.steady(made))) == count


def test_a_frame_that_was_not_matted_stays_so():
    made, _ = looks(4)
    made[1] = made[1]._replace(alpha=None)
    results = list(steady.steady(made))
    assert [result is None for result in results] == [False, True, False, False]
    assert (results[0] == np.clip(made[0].alpha, 0, 1)).all()
