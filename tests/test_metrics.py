import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model import matting, metrics

FUNCTIONS = [
    metrics.sad,
    metrics.mse,
    metrics.gradient_error,
    metrics.connectivity_error,
]


def random_pair(seed, shape=(17, 23)):
    """Two blocky alphas in 8-bit levels and a trimap that agrees with the first."""
    random = np.random.RandomState(seed)
    levels = random.randint(0, 256, shape)
    levels[random.rand(*shape) < 0.3] = 0
    levels[random.rand(*shape) < 0.3] = 255
    alpha_true = (levels / 255).astype(np.float32)
    alpha_pred = (random.randint(0, 256, shape) / 255).astype(np.float32)
    trimap = np.full(shape, 128, np.uint8)
    trimap[(alpha_true == 0) & (random.rand(*shape) < 0.5)] = 0
    trimap[(alpha_true == 1) & (random.rand(*shape) < 0.5)] = 255
    return alpha_true, alpha_pred, trimap


def disc(size=64, radius=20, softness=6, top=1.0):
    rows, columns = np.indices((size, size)) - size / 2
    distance = np.hypot(rows, columns)
    alpha = top * np.clip((radius - distance) / softness + 0.5, 0, 1)
    return alpha.astype(np.float32)


# The reference: the MATLAB text, pixel by pixel, in plain Python.


def slow_gradient_error(alpha_true, alpha_pred, trimap, stretch=True):
    alpha_pred = slow_paste(alpha_pred, trimap)
    magnitudes = []
    for alpha in (alpha_pred, alpha_true):
        alpha = alpha.astype(np.float64)
        if stretch and alpha.max() > alpha.min():
            alpha = (alpha - alpha.min()) / (alpha.max() - alpha.min())
        magnitudes.append(slow_gaussgradient(alpha, 1.4))
    error_map = (magnitudes[0] - magnitudes[1]) ** 2
    return error_map[trimap == 128].sum() / 1000


def slow_gaussgradient(alpha, sigma):
    epsilon = 1e-2
    half = math.ceil(
        sigma * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * sigma * epsilon))
    )

    def gauss(x):
        return math.exp(-(x**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    def dgauss(x):
        return -x * gauss(x) / sigma**2

    kernel = np.array(
        [
            [gauss(i) * dgauss(j) for j in range(-half, half + 1)]
            for i in range(-half, half + 1)
        ]
    )
    assert kernel.shape == (9, 9)
    kernel /= math.sqrt((np.abs(kernel) ** 2).sum())
    height, width = alpha.shape
    magnitude = np.zeros(alpha.shape)
    for row in range(height):
        for column in range(width):
            x = y = 0.0
            for i in range(-half, half + 1):
                for j in range(-half, half + 1):
                    value = alpha[
                        min(max(row - i, 0), height - 1),  # convolution, replicate
                        min(max(column - j, 0), width - 1),
                    ]
                    x += kernel[i + half, j + half] * value
                    y += kernel[j + half, i + half] * value
            magnitude[row, column] = math.sqrt(x * x + y * y)
    return magnitude


def slow_connectivity_error(alpha_true, alpha_pred, trimap):
    alpha_pred = slow_paste(alpha_pred, trimap)
    level = np.full(alpha_true.shape, -1.0)
    for step in range(1, 11):
        threshold = np.float32(step / 10)
        both = (alpha_pred >= threshold) & (alpha_true >= threshold)
        components = slow_components(both)
        if not components:
            continue
        largest = max(components, key=len)  # the first of equals, as MATLAB's max
        for pixel in np.ndindex(level.shape):
            if level[pixel] == -1 and pixel not in largest:
                level[pixel] = (step - 1) / 10
    level[level == -1] = 1
    total = 0.0
    for pixel in np.ndindex(level.shape):
        if trimap[pixel] == 128:
            gaps = [
                float(alpha[pixel]) - level[pixel] for alpha in (alpha_pred, alpha_true)
            ]
            phis = [1 - gap * (gap >= 0.15) for gap in gaps]
            total += abs(phis[0] - phis[1])
    return total / 1000


def slow_components(region):
    """4-connected components, in the order in which MATLAB meets them."""
    left = {(row, column) for row, column in zip(*np.nonzero(region), strict=True)}
    components = []
    for row, column in sorted(left, key=lambda pixel: pixel[::-1]):
        if (row, column) not in left:
            continue
        component, stack = set(), [(row, column)]
        while stack:
            y, x = stack.pop()
            if (y, x) in left:
                left.remove((y, x))
                component.add((y, x))
                stack += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        components.append(component)
    return components


def slow_paste(alpha, trimap):
    alpha = alpha.copy()
    alpha[trimap == 0] = 0
    alpha[trimap == 255] = 1
    return alpha


@pytest.mark.parametrize("seed", range(4))
def test_gradient_is_that_of_the_matlab_text(seed):
    pair = random_pair(seed, (13, 19))
    assert metrics.gradient_error(*pair) == pytest.approx(
        slow_gradient_error(*pair), rel=1e-6
    )


def test_gradient_is_that_of_the_matlab_text_in_a_translucent_picture():
    true = disc(20, 6, 4, top=0.6)
    pair = true, disc(20, 7, 5, top=0.5), np.full(true.shape, 128, np.uint8)
    assert metrics.gradient_error(*pair) == pytest.approx(
        slow_gradient_error(*pair), rel=1e-6
    )


@pytest.mark.parametrize("seed", range(6))
def test_connectivity_is_that_of_the_matlab_text(seed):
    pair = random_pair(seed)
    assert metrics.connectivity_error(*pair) == pytest.approx(
        slow_connectivity_error(*pair), rel=1e-5
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_connectivity_is_that_of_the_matlab_text_for_any_small_picture(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=6))
    level = st.sampled_from([0, 25, 26, 51, 76, 77, 102, 128, 153, 178, 179, 204, 255])
    true, pred = (
        (data.draw(hnp.arrays(int, shape, elements=level)) / 255).astype(np.float32)
        for _ in range(2)
    )
    trimap = np.full(shape, 128, np.uint8)
    assert metrics.connectivity_error(true, pred, trimap) == pytest.approx(
        slow_connectivity_error(true, pred, trimap), rel=1e-5, abs=1e-9
    )


def test_sad_and_mse_by_hand():
    true = np.float32([[0, 0.5, 1, 1]])
    pred = np.float32([[0.25, 0, 1, 0]])
    trimap = np.uint8([[128, 128, 128, 255]])
    assert metrics.sad(true, pred, trimap) == pytest.approx(0.75 / 1000)
    assert metrics.mse(true, pred, trimap) == pytest.approx((0.0625 + 0.25) / 3)


def test_connectivity_of_a_loose_piece_by_hand():
    true = np.float32([[1, 1, 1, 0, 0.8, 0.8]])
    pred = np.float32([[1, 1, 1, 0, 0.5, 0.1]])
    trimap = np.full(true.shape, 128, np.uint8)
    # Both loose pixels leave the largest component at once, so their level is 0:
    # gaps 0.8 and 0.5 (0.3 apart), then 0.8 and 0.1, the latter under 0.15 (0.8).
    assert metrics.connectivity_error(true, pred, trimap) == pytest.approx(1.1e-3)


def test_a_gap_under_theta_counts_as_connected():
    true = np.float32([[1, 1, 0.44, 0]])
    pred = np.float32([[1, 1, 0.54, 0]])
    trimap = np.full(true.shape, 128, np.uint8)
    assert metrics.connectivity_error(true, pred, trimap) == 0  # gaps 0.04, 0.14
    pred[0, 2] = 0.56
    assert metrics.connectivity_error(true, pred, trimap) == pytest.approx(0.16e-3)


def test_the_background_label_never_is_the_largest_component():
    true = np.zeros((20, 20), np.float32)
    true[8:12, 8:12] = 1
    true[8:12, 12] = 0.8
    pred = true.copy()
    pred[8:12, 12] = 0.4
    trimap = np.full(true.shape, 128, np.uint8)
    # Level 0.4 on the strip of four pixels: gaps 0.4 and 0. Were the large black
    # rest taken as the component, the level would be 0 on the object.
    assert metrics.connectivity_error(true, pred, trimap) == pytest.approx(1.6e-3)


def test_components_are_joined_by_sides_not_by_corners():
    true = np.float32([[1, 1, 0], [1, 1, 0], [0, 0, 0.9]])
    pred = true.copy()
    pred[2, 2] = 0.6
    trimap = np.full(true.shape, 128, np.uint8)
    # Over the corner the pixel would reach level 0.6 and the gap be 0.3.
    assert metrics.connectivity_error(true, pred, trimap) == pytest.approx(
        0.3e-3, rel=1e-5
    )
    level = metrics.connected_level(true, pred)
    assert level[2, 2] == 0
    assert np.all(level[:2, :2] == 1)


def test_among_equal_components_the_leftmost_wins_as_in_matlab():
    both = np.float32([[0, 0, 1], [1, 0, 0]])
    assert np.array_equal(metrics.connected_level(both, both), [[0, 0, 0], [1, 0, 0]])


def test_the_8_bit_levels_on_a_threshold_reach_it():
    for level in (51, 102, 153, 204, 255):
        alpha = np.full((1, 3), np.float32(level) / 255)
        alpha[0, 0] = 1
        trimap = np.uint8([[255, 128, 128]])
        expected = round(level / 255, 1)
        assert metrics.connected_level(alpha, alpha)[0, 1] == pytest.approx(expected)
        assert metrics.connectivity_error(alpha, alpha, trimap) == 0


def test_without_any_component_connectivity_is_zero_and_levels_are_one():
    true, pred = np.float32([[0.5, 0.0, 0.0]]), np.float32([[0.0, 0.0, 0.9]])
    trimap = np.full(true.shape, 128, np.uint8)
    assert np.all(metrics.connected_level(true, pred) == 1)
    assert metrics.connectivity_error(true, pred, trimap) == 0


def test_thresholds_that_no_pixel_reaches_are_passed_over():
    alpha = np.float32([[0.6, 0.6, 0.3, 0.0]])
    assert metrics.connected_level(alpha, alpha) == pytest.approx(
        np.float32([[1, 1, 0.3, 0]])
    )


def test_only_unknown_pixels_are_counted():
    true, pred = disc(), np.zeros((64, 64), np.float32)
    trimap = matting.trimap_from_alpha(true, 2, 2)
    errors = metrics.measure(true, pred, trimap)
    is_unknown = trimap == 128
    assert 0 < is_unknown.mean() < 0.5
    assert errors["sad"] == pytest.approx(true[is_unknown].sum() / 1000, rel=1e-5)
    assert errors["mse"] == pytest.approx((true[is_unknown] ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_known_region_of_the_prediction_does_not_matter(function):
    true, pred, trimap = random_pair(7)
    spoiled = pred.copy()
    spoiled[trimap != 128] = 0.5
    assert function(true, spoiled, trimap) == function(true, pred, trimap)
    assert np.all(spoiled[trimap != 128] == 0.5)  # the caller's array is untouched


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_true_alpha_is_taken_as_it_is(function):
    true, _, trimap = random_pair(7)
    assert function(true, true, trimap) == 0


def test_gradient_stretches_a_translucent_alpha_by_its_extremes():
    true, trimap = disc(top=0.6), np.full((64, 64), 128, np.uint8)
    assert metrics.gradient_error(true, 0.5 * true, trimap) == pytest.approx(0)
    assert slow_gradient_error(
        true[::3, ::3], 0.5 * true[::3, ::3], trimap[::3, ::3], stretch=False
    ) > 10 * metrics.gradient_error(true, 0.5 * true, trimap)
    lifted = 0.2 + 0.5 * disc()
    assert metrics.gradient_error(disc(), lifted, trimap) == pytest.approx(0, abs=1e-9)


def test_gradient_of_a_constant_prediction_is_that_of_the_truth_alone():
    true, trimap = disc(), np.full((64, 64), 128, np.uint8)
    expected = (metrics.gradient_magnitude(true) ** 2).sum() / 1000
    constant = np.full_like(true, 0.5)
    assert metrics.gradient_error(true, constant, trimap) == pytest.approx(expected)


def test_gradient_repeats_the_border():
    ramp = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (5, 1))
    magnitude = metrics.gradient_magnitude(ramp)
    assert np.allclose(magnitude, magnitude[0])  # rows are no edge
    edge = np.float32([[1.0, 1.0, 1.0]])
    assert np.all(metrics.gradient_magnitude(edge) == 0)


def test_the_kernel_has_unit_sum_of_squares_and_nine_taps():
    point = np.zeros((21, 21), np.float32)
    point[10, 10] = 1
    magnitude = metrics.gradient_magnitude(point)
    # |d/dx|^2 + |d/dy|^2 of a point is the sum of both squared kernels.
    assert (magnitude**2).sum() == pytest.approx(2)
    assert np.count_nonzero(magnitude) == 9 * 9 - 1  # all but the centre


def test_tiling_a_picture_scales_the_sums_but_not_the_mean():
    true, pred, trimap = random_pair(3)
    wide = [np.hstack([array, array]) for array in (true, pred, trimap)]
    assert metrics.sad(*wide) == pytest.approx(2 * metrics.sad(true, pred, trimap))
    assert metrics.mse(*wide) == pytest.approx(metrics.mse(true, pred, trimap))


def test_rounding_to_8_bits_is_left_to_the_caller():
    true = np.float32([[0, 1, 100 / 255]])
    pred = np.float32([[0, 1, 100.4 / 255]])
    trimap = np.uint8([[0, 255, 128]])
    assert metrics.sad(true, pred, trimap) == pytest.approx(0.4 / 255 / 1000, rel=1e-4)
    rounded = np.round(pred * 255).astype(np.float32) / 255
    assert metrics.sad(true, rounded, trimap) == 0


@pytest.mark.parametrize("function", [*FUNCTIONS, metrics.measure])
def test_an_empty_unknown_region_is_refused(function):
    alpha = np.float32([[0, 1]])
    with pytest.raises(ValueError, match="no unknown pixel"):
        function(alpha, alpha, np.uint8([[0, 255]]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_other_inputs_are_refused_in_one_line(function):
    alpha, trimap = np.zeros((4, 6), np.float32), np.full((4, 6), 128, np.uint8)
    levels = (alpha * 255).astype(np.uint8)
    for true, pred, third, message in (
        (alpha, alpha[:, :5], trimap, "alpha_pred does not fit the trimap"),
        (alpha[..., None], alpha, trimap, "alpha_true does not fit the trimap"),
        (levels, alpha, trimap, r"alpha_true is no float in \[0, 1\], got uint8"),
        (alpha, alpha + 200, trimap, "alpha_pred is no float"),
        (alpha, alpha * np.nan, trimap, "alpha_pred is no float"),
        (alpha, alpha, trimap - 1, "other greys than 0, 128, 255, got 127"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            function(true, pred, third)
        assert "\n" not in str(caught.value)


def test_measure_gathers_the_four():
    pair = random_pair(5)
    assert metrics.measure(*pair) == {
        "sad": metrics.sad(*pair),
        "mse": metrics.mse(*pair),
        "gradient": metrics.gradient_error(*pair),
        "connectivity": metrics.connectivity_error(*pair),
    }


ALPHAS = hnp.arrays(
    np.float32,
    st.shared(hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), key="shape"),
    elements=st.floats(0, 1, width=32),
)


@settings(max_examples=60, deadline=None)
@given(ALPHAS, ALPHAS)
def test_errors_are_finite_not_negative_symmetric_and_zero_at_the_truth(true, pred):
    unknown = np.full(true.shape, 128, np.uint8)
    for function in FUNCTIONS:
        error = function(true, pred, unknown)
        assert np.isfinite(error)
        assert error >= 0
        assert function(pred, true, unknown) == pytest.approx(error, abs=1e-9)
        assert function(true, true, unknown) == 0


@settings(max_examples=60, deadline=None)
@given(ALPHAS, ALPHAS, st.randoms(use_true_random=False))
def test_sad_and_mse_are_symmetric_and_bounded_under_any_trimap(true, pred, random):
    trimap = np.uint8([random.choice((0, 128, 255)) for _ in true.flat])
    trimap[0] = 128
    trimap = trimap.reshape(true.shape)
    count = np.count_nonzero(trimap == 128)
    for function, most in ((metrics.sad, count / 1000), (metrics.mse, 1)):
        error = function(true, pred, trimap)
        assert function(pred, true, trimap) == pytest.approx(error)
        assert 0 <= error <= most + 1e-9


def test_gradient_is_not_symmetric_when_the_truth_disagrees_with_the_trimap():
    true, pred, trimap = random_pair(2)
    true[trimap == 0] = 0.2  # only the prediction is pasted
    there = metrics.gradient_error(true, pred, trimap)
    assert metrics.gradient_error(pred, true, trimap) != pytest.approx(there)


def test_foreground_error_by_hand():
    true = np.zeros((1, 4, 3), np.float32)
    pred = true.copy()
    pred[0, 0] = 1.0  # invisible: not counted
    pred[0, 1] = 0.3
    pred[0, 2] = (0.6, 0, 0)
    pred[0, 3] = 0.5
    errors = metrics.foreground_error(true, pred, np.float32([[0, 0.5, 0.9, 1]]))
    assert errors["fractional"] == pytest.approx((0.3 + 0.2) / 2)
    assert errors["opaque"] == pytest.approx(0.5)


def test_foreground_error_is_nan_where_there_is_nothing_to_see():
    colours = np.zeros((1, 2, 3), np.float32)
    errors = metrics.foreground_error(colours, colours, np.float32([[0, 1]]))
    assert math.isnan(errors["fractional"])
    assert errors["opaque"] == 0
    with pytest.raises(ValueError, match="foreground_pred does not fit"):
        metrics.foreground_error(colours, colours[:, :1], np.float32([[0, 1]]))
