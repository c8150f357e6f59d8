import numpy as np
import pytest

from model import laplacian


def brute_force_laplacian(image):
    """Levin et al., Eq. 12, one window and one pair of pixels at a time."""
    height, width, _ = image.shape
    total = np.zeros((height * width, height * width))
    for top in range(height - 2):
        for left in range(width - 2):
            pixels = [(top + r) * width + left + c for r in range(3) for c in range(3)]
            colours = image.reshape(-1, 3)[pixels]
            mean = colours.mean(0)
            covariance = (colours - mean).T @ (colours - mean) / 9
            inverse = np.linalg.inv(covariance + laplacian.EPSILON / 9 * np.eye(3))
            for a, i in enumerate(pixels):
                for b, j in enumerate(pixels):
                    affinity = (
                        1 + (colours[a] - mean) @ inverse @ (colours[b] - mean)
                    ) / 9
                    total[i, j] += (i == j) - affinity
    return total


def test_the_system_is_that_of_a_brute_force_loop():
    random = np.random.default_rng(1)
    image = random.random((6, 7, 3)).astype(np.float32)
    alpha = random.random((6, 7)).astype(np.float32)
    is_unknown = random.random((6, 7)) < 0.6
    matrix, right_side = laplacian.unknown_system(image, alpha, is_unknown)
    dense, free = brute_force_laplacian(image.astype(np.float64)), is_unknown.ravel()
    np.testing.assert_allclose(matrix.toarray(), dense[np.ix_(free, free)], atol=1e-8)
    known = dense[np.ix_(free, ~free)] @ alpha.ravel()[~free]
    np.testing.assert_allclose(right_side, -known, atol=1e-7)


@pytest.fixture
def system():
    random = np.random.default_rng(2)
    image = random.random((20, 30, 3)).astype(np.float32)
    is_unknown = np.zeros((20, 30), bool)
    is_unknown[4:16, 5:25] = True
    alpha = np.repeat([[0.0, 1.0]], 15, axis=1).repeat(20, axis=0)
    return laplacian.unknown_system(image, alpha.astype(np.float32), is_unknown)


def test_the_exact_solution_solves_the_system(system):
    matrix, right_side = system
    solution = laplacian.solve_exactly(matrix, right_side)
    np.testing.assert_allclose(matrix @ solution, right_side, atol=1e-9)


def test_both_solvers_agree(system, monkeypatch):
    direct = laplacian.solve_exactly(*system)
    monkeypatch.setattr(laplacian, "BAND_LIMIT", 0)
    np.testing.assert_allclose(laplacian.solve_exactly(*system), direct, atol=1e-3)


def test_more_steps_come_closer(system):
    direct = laplacian.solve_exactly(*system)
    start = np.full_like(direct, 0.5)
    errors = [
        np.linalg.norm(laplacian.improve(*system, start, steps) - direct)
        for steps in (1, 10, 50)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_linear_coefficients_reproduce_an_alpha_that_is_linear_in_colour():
    random = np.random.default_rng(3)
    image = random.random((12, 12, 3)).astype(np.float32)
    alpha = image @ np.float32([0.3, 0.2, 0.1]) + np.float32(0.1)
    slope, offset = laplacian.linear_coefficients(image, alpha)
    fitted = np.einsum("hwc,hwc->hw", slope, image) + offset
    np.testing.assert_allclose(fitted, alpha, atol=5e-3)


@pytest.mark.parametrize("height", [7, 8, 9, 33])
def test_linear_coefficients_do_not_show_the_strips(height, monkeypatch):
    random = np.random.default_rng(height)
    image = random.random((height, 20, 3)).astype(np.float32)
    alpha = random.random((height, 20)).astype(np.float32)
    whole = laplacian.linear_coefficients(image, alpha)
    monkeypatch.setattr(laplacian, "STRIP", 8)
    for expected, part in zip(
        whole, laplacian.linear_coefficients(image, alpha), strict=True
    ):
        np.testing.assert_allclose(part, expected, rtol=1e-5, atol=1e-6)


def test_linear_coefficients_are_exact_for_grey_pictures_too():
    random = np.random.default_rng(4)
    grey = random.integers(0, 2, (12, 12, 1)).astype(np.float32).repeat(3, axis=2)
    alpha = 0.2 + 0.6 * grey[..., 0]
    slope, offset = laplacian.linear_coefficients(grey, alpha)
    fitted = np.einsum("hwc,hwc->hw", slope, grey) + offset
    np.testing.assert_allclose(fitted, alpha, atol=2e-3)
