import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import matting, prior, sampling


def smooth_scene(height=96, width=128):
    """A red disc with a soft edge over green, and its trimap."""
    rows, columns = np.indices((height, width))
    distance = np.hypot(rows - height / 2, columns - width / 2)
    alpha = np.clip((30 - distance) / 8 + 0.5, 0, 1).astype(np.float32)
    shade = 0.15 * np.sin(columns / 9)[..., None]
    red = np.float32([0.8, 0.1, 0.2]) + shade * np.float32([1, 0, 0])
    green = np.float32([0.1, 0.7, 0.3]) + shade * np.float32([0, 1, 0])
    image = matting.composite(red, green, alpha).astype(np.float32)
    return image, alpha, matting.trimap_from_alpha(alpha, 4, 4)


@pytest.mark.parametrize("is_fine", [True, False])
def test_the_prior_finds_a_smooth_alpha(is_fine):
    image, alpha, trimap = smooth_scene()
    guess = prior.first_guess(image, trimap, is_fine).alpha
    is_unknown = trimap == matting.UNKNOWN
    assert np.abs(guess - alpha)[is_unknown].mean() < 0.02
    np.testing.assert_array_equal(guess[trimap == matting.FOREGROUND], 1)
    np.testing.assert_array_equal(guess[trimap == matting.BACKGROUND], 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**31))
def test_any_size_and_any_trimap_gives_a_valid_alpha(height, width, seed):
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3)).astype(np.float32)
    codes = np.uint8([0, 128, 255])
    trimap = codes[random.integers(0, 3, (height // 9 + 1, width // 9 + 1))]
    trimap = np.kron(trimap, np.ones((9, 9), np.uint8))[:height, :width]
    guess = prior.first_guess(image, trimap).alpha
    assert guess.shape == (height, width)
    assert guess.dtype == np.float32
    assert guess.min() >= 0 and guess.max() <= 1
    np.testing.assert_array_equal(guess[trimap == 255], 1)
    np.testing.assert_array_equal(guess[trimap == 0], 0)


@pytest.mark.parametrize("code", [matting.UNKNOWN, matting.FOREGROUND])
def test_a_trimap_of_one_region_has_an_answer_too(code):
    image = np.full((40, 40, 3), 0.5, np.float32)
    guess = prior.first_guess(image, np.full((40, 40), code, np.uint8))
    expected = 1 if code == matting.FOREGROUND else 0.5
    np.testing.assert_allclose(guess.alpha, expected)
    np.testing.assert_allclose(guess.colours, 0.5)


@pytest.mark.parametrize("is_fine", [True, False])
def test_without_a_second_thread_the_guess_is_the_same(is_fine, monkeypatch):
    image, _, trimap = smooth_scene()
    expected = prior.first_guess(image, trimap, is_fine)
    alone = prior.first_guess(image, trimap, is_fine, is_parallel=False)
    monkeypatch.setattr(prior, "PARALLEL_LIMIT", 0)
    large = prior.first_guess(image, trimap, is_fine)
    for values, *others in zip(expected, alone, large, strict=True):
        for same in others:
            np.testing.assert_array_equal(values, same)


@pytest.mark.parametrize("is_fine", [True, False])
@pytest.mark.parametrize("codes", [(0, 128, 255), (0, 128), (128, 255), (128,)])
def test_a_guess_comes_in_levels_by_the_names_of_its_parts(codes, is_fine):
    trimap = np.repeat(np.uint8(codes), 24)[None].repeat(40, axis=0)
    image = np.random.default_rng(0).random((*trimap.shape, 3), np.float32)
    levels = prior.first_guess(image, trimap, is_fine).levels()
    assert tuple(levels) == prior.parts(is_fine)
    for name, values in levels.items():
        sides = [side // prior.REDUCED[name] for side in trimap.shape]
        assert values.shape == (*sides, prior.DEPTHS[name])
        assert values.dtype == np.uint8


def test_without_foreground_the_known_background_is_carried_on():
    image = np.zeros((48, 48, 3), np.float32)
    image[..., 1] = 0.5
    image[16:32, 16:32] = 1.0  # smoke
    trimap = np.zeros((48, 48), np.uint8)
    trimap[12:36, 12:36] = matting.UNKNOWN
    guess = prior.first_guess(image, trimap)
    np.testing.assert_array_equal(guess.alpha, (trimap > 0) * np.float32(0.5))
    foreground, background = guess.colours[6, 6, :3], guess.colours[6, 6, 3:]
    np.testing.assert_allclose(foreground, 1.0)
    np.testing.assert_allclose(background, [0, 0.5, 0], atol=1e-6)
    assert not guess.samples.any()
    trimap[:], trimap[:3] = matting.UNKNOWN, matting.BACKGROUND  # less than a block
    background = prior.first_guess(image, trimap).colours[6, 6, 3:]
    np.testing.assert_allclose(background, [0, 0.5, 0], atol=1e-6)


def test_sure_samples_pull_and_unsure_ones_do_not():
    image = np.random.default_rng(0).random((20, 20, 3)).astype(np.float32)
    trimap = np.full((20, 20), matting.UNKNOWN, np.uint8)
    trimap[0] = matting.FOREGROUND

    def mean_alpha(confidence):
        flat = np.full((20, 20), np.float32(confidence))
        sampled = np.full((20, 20), np.float32(0.25))
        pairs = sampling.Pairs(image, image, sampled, flat)
        problem = prior.reduce_problem(image, trimap, 1)
        return prior.solve(problem, pairs, trust=10)[10:].mean()

    assert mean_alpha(0) > 0.6
    assert mean_alpha(1) == pytest.approx(0.25, abs=0.05)


def test_the_colours_are_those_of_both_sides():
    image, alpha, trimap = smooth_scene()
    colours = prior.first_guess(image, trimap).colours
    assert colours.shape == (24, 32, 6)
    row, column = np.argwhere(prior.shrink_trimap(trimap, 4) == matting.UNKNOWN)[10]
    foreground, background = np.split(colours[row, column], 2)
    np.testing.assert_allclose(foreground[1:], [0.1, 0.2], atol=0.08)
    np.testing.assert_allclose(background[[0, 2]], [0.1, 0.3], atol=0.08)


def test_the_guess_does_not_depend_on_how_threads_treat_tiny_floats():
    image, _, trimap = smooth_scene()
    image[:20] = np.float32(1e-41) * np.arange(128, dtype=np.float32)[:, None]
    assert np.isfinite(prior.first_guess(image, trimap).alpha).all()


def test_a_pixel_is_known_at_low_resolution_only_if_all_that_it_covers_are():
    trimap = np.uint8([[255, 255, 0, 128], [255, 255, 0, 0]])
    np.testing.assert_array_equal(prior.shrink_trimap(trimap, 2), [[255, 128]])
