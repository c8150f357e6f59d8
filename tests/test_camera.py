import numpy as np
import pytest

from model import camera


def test_glints_brighten_some_places_and_darken_none():
    grey = np.full((64, 64, 3), 0.2, np.float32)
    shiny = camera.glint(grey, 2.0, np.random.default_rng(0))
    assert np.all(shiny >= grey) and shiny.max() <= 1 and shiny.max() > 0.4
    assert 0.05 < np.mean(shiny > 0.21) < 0.4
    np.testing.assert_array_equal(camera.glint(grey, 0, np.random.default_rng(0)), grey)


def test_a_rim_is_darker_or_brighter_than_the_middle_of_a_thing():
    grey = np.full((96, 96, 3), 0.4, np.float32)
    row, column = np.indices((96, 96))
    depth = 40 - np.hypot(row - 48, column - 48)
    alpha = np.clip(depth, 0, 1).astype(np.float32)
    rim, middle = (depth > -2) & (depth < 3), depth > 37
    for seed in range(8):
        darker = camera.shade(grey, alpha, -1.0, np.random.default_rng(seed))
        assert darker.shape == grey.shape and darker.dtype == np.float32
        assert darker.max() <= 0.4 and darker.min() >= 0.4 * np.exp(-1.2) - 1e-6
        assert darker[rim].mean() < darker[middle].mean()
        brighter = camera.shade(grey, alpha, 1.0, np.random.default_rng(seed))
        assert brighter.min() >= 0.4 - 1e-6 and brighter.max() <= 1
        assert brighter[rim].mean() > brighter[middle].mean()
        same = camera.shade(grey, alpha, 0.0, np.random.default_rng(seed))
        np.testing.assert_array_equal(same, grey)


def test_texture_is_lessened_and_the_mean_and_what_is_behind_are_kept():
    random = np.random.default_rng(0)
    alpha = np.zeros((96, 96), np.float32)
    alpha[:, 32:] = 1
    foreground = np.zeros((96, 96, 3), np.float32)  # black where it is not seen
    foreground[:, 32:] = random.uniform(0.4, 0.6, (96, 64, 3))
    even = camera.even_out(foreground, alpha, 0.75, 4.0)
    before, after = foreground[:, 33:], even[:, 33:]
    assert 0.2 < after.std() / before.std() < 0.3
    assert after.mean() == pytest.approx(before.mean(), abs=0.005)
    assert after.min() > 0.4  # no black from beside it
    np.testing.assert_array_equal(
        camera.even_out(foreground, alpha, 0, 4.0), foreground
    )


def test_spill_brings_the_light_of_the_background():
    red = np.full((32, 32, 3), [1, 0, 0], np.float32)
    blue = np.full((32, 32, 3), [0, 0, 1], np.float32)
    np.testing.assert_allclose(
        camera.spill(red, blue, 0.25)[5, 7], [0.75, 0, 0.25], atol=1e-6
    )
    np.testing.assert_array_equal(camera.spill(red, blue, 0), red)


def test_a_lens_spreads_alpha_and_colour_alike():
    foreground = np.full((32, 32, 3), [0.2, 0.4, 0.8], np.float32)
    alpha = np.zeros((32, 32), np.float32)
    alpha[:, 16:] = 1
    colours, softened = camera.soften(foreground, alpha, 0.8)
    np.testing.assert_allclose(softened[8, 15] + softened[8, 16], 1, atol=1e-5)
    assert 0.1 < softened[8, 15] < 0.4
    assert np.all(softened[:, :12] == 0) and np.all(softened[:, 20:] == 1)
    np.testing.assert_allclose(colours, foreground, atol=1e-4)


def test_grain_has_no_mean_and_comes_fine_and_coarse():
    coarseness = []
    for seed in range(20):
        noise = camera.grain((64, 64, 3), np.random.default_rng(seed))
        assert noise.std() <= 0.031 and abs(noise.mean()) < 0.1 * noise.std() + 1e-6
        neighbours = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
        coarseness.append(neighbours)
    assert min(coarseness) < 0.05 and max(coarseness) > 0.5
