import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import matting, prior


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


def test_the_prior_finds_a_smooth_alpha():
    image, alpha, trimap = smooth_scene()
    guess = prior.closed_form_prior(image, trimap)
    is_unknown = trimap == matting.UNKNOWN
    assert np.abs(guess - alpha)[is_unknown].mean() < 0.03
    np.testing.assert_array_equal(guess[trimap == matting.FOREGROUND], 1)
    np.testing.assert_array_equal(guess[trimap == matting.BACKGROUND], 0)


def test_the_stencil_is_the_laplacian_of_a_brute_force_loop():
    random = np.random.default_rng(1)
    image = random.random((6, 7, 3))
    expected = brute_force_laplacian(image)
    actual = np.zeros_like(expected)
    for (down, right), entries in prior.laplacian_stencil(image).items():
        for row in range(6):
            for column in range(7):
                other_row, other_column = row + down, column + right
                if other_row < 6 and 0 <= other_column < 7:
                    i, j = row * 7 + column, other_row * 7 + other_column
                    actual[i, j] = actual[j, i] = entries[row, column]
    np.testing.assert_allclose(actual, expected, atol=1e-8)


def brute_force_laplacian(image):
    """Levin et al., Eq. 12, one window and one pair of pixels at a time."""
    height, width, _ = image.shape
    laplacian = np.zeros((height * width, height * width))
    for top in range(height - 2):
        for left in range(width - 2):
            pixels = [(top + r) * width + left + c for r in range(3) for c in range(3)]
            colours = image.reshape(-1, 3)[pixels]
            mean = colours.mean(0)
            covariance = (colours - mean).T @ (colours - mean) / 9
            inverse = np.linalg.inv(covariance + prior.EPSILON / 9 * np.eye(3))
            for a, i in enumerate(pixels):
                for b, j in enumerate(pixels):
                    affinity = (
                        1 + (colours[a] - mean) @ inverse @ (colours[b] - mean)
                    ) / 9
                    laplacian[i, j] += (i == j) - affinity
    return laplacian


def test_both_solvers_agree(monkeypatch):
    image, _, trimap = smooth_scene()
    direct = prior.closed_form_prior(image, trimap)
    monkeypatch.setattr(prior, "BAND_LIMIT", 0)
    np.testing.assert_allclose(
        prior.closed_form_prior(image, trimap), direct, atol=0.02
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**31))
def test_any_size_and_any_trimap_gives_a_valid_alpha(height, width, seed):
    random = np.random.default_rng(seed)
    image = random.random((height, width, 3)).astype(np.float32)
    codes = np.uint8([0, 128, 255])
    trimap = codes[random.integers(0, 3, (height // 9 + 1, width // 9 + 1))]
    trimap = np.kron(trimap, np.ones((9, 9), np.uint8))[:height, :width]
    guess = prior.closed_form_prior(image, trimap)
    assert guess.shape == (height, width)
    assert guess.dtype == np.float32
    assert guess.min() >= 0 and guess.max() <= 1
    np.testing.assert_array_equal(guess[trimap == 255], 1)
    np.testing.assert_array_equal(guess[trimap == 0], 0)


@pytest.mark.parametrize("code", [matting.UNKNOWN, matting.FOREGROUND])
def test_a_trimap_of_one_region_is_solved_too(code):
    image = np.full((40, 40, 3), 0.5, np.float32)
    guess = prior.closed_form_prior(image, np.full((40, 40), code, np.uint8))
    expected = 1 if code == matting.FOREGROUND else 0.5
    np.testing.assert_allclose(guess, expected, atol=0.05)


def test_a_pixel_is_known_at_low_resolution_only_if_all_that_it_covers_are():
    trimap = np.uint8([[255, 255, 0, 128], [255, 255, 0, 0]])
    np.testing.assert_array_equal(prior.shrink_trimap(trimap, 2), [[255, 128]])
