"""The matting Laplacian: its linear system, its solvers, its local linear models.

The Laplacian is that of Levin et al., "A Closed-Form Solution to Natural Image
Matting" (TPAMI 2008); the local models alpha = a . I + b behind a solution carry it to
a larger picture, as in the guided filter (He et al., TPAMI 2013).
"""

from itertools import combinations_with_replacement

import cv2
import numpy as np
from scipy.linalg import LinAlgError, solveh_banded
from scipy.sparse import csr_matrix, diags_array
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import cg

from model.compiled import compiled

EPSILON = 1e-7  # Levin et al., regulariser of the colour covariance
GUIDED_EPSILON = 1e-4  # the same, in the guided filter
BAND_LIMIT = 2**27  # entries of a band matrix; beyond, conjugate gradients
STRIP = 256  # rows that local models are fitted to at once
SPAN = 5  # rows and columns between the farthest pixels that share a window
CENTRE = SPAN**2 // 2  # the pixel itself among its 25 neighbours


def unknown_system(
    image: np.ndarray, alpha: np.ndarray, is_unknown: np.ndarray
) -> tuple[csr_matrix, np.ndarray]:
    """Sums the Laplacian (Eq. 12 of Levin et al.) over 3x3 windows that count.

    Only the rows of the unknown pixels are kept and the known ones moved to the
    right: L_UU a_U = -L_UK a_K.

    Args:
        image: (H, W, 3) float32 in [0, 1]; both sides at least 3.
        alpha: (H, W) float32; used where it is known.
        is_unknown: (H, W) bool.

    Returns:
        The symmetric matrix (U, U) over the U unknown pixels, and the right
        side (U,), float64.
    """
    count = int(is_unknown.sum())
    number = np.full(alpha.shape, -1, np.int32)
    number[is_unknown] = np.arange(count)
    sums, right_side = _sum_windows(
        image.astype(np.float64), alpha.astype(np.float64), number, count
    )
    values, columns, ends = _compress(sums, number)
    return csr_matrix((values, columns, ends), shape=(count, count)), right_side


@compiled()
def _sum_windows(image, alpha, number, count):
    """Adds up what the windows say of each unknown pixel and its 24 neighbours.

    Args:
        image: (H, W, 3) float64.
        alpha: (H, W) float64.
        number: (H, W) int32, of the unknown pixels in their order, -1 for known ones.
        count: Of unknown pixels, U.

    Returns:
        (U, 25) float64, entries of the matrix by neighbour, those of known ones 0;
        and the right side (U,) float64.
    """
    sums = np.zeros((count, SPAN * SPAN))
    right_side = np.zeros(count)
    whitened = np.empty((9, 3))
    pixels = np.empty(9, np.int64)
    for top in range(alpha.shape[0] - 2):
        for left in range(alpha.shape[1] - 2):
            is_known = True
            for i in range(9):
                pixels[i] = number[top + i // 3, left + i % 3]
                is_known &= pixels[i] < 0
            if is_known:
                continue
            _whiten(image, top, left, whitened)
            for i in range(9):
                for j in range(i + 1):
                    entry = 0.0 if i != j else 9.0
                    entry -= 1 + whitened[i, 0] * whitened[j, 0]
                    entry -= whitened[i, 1] * whitened[j, 1]
                    entry -= whitened[i, 2] * whitened[j, 2]
                    entry /= 9
                    first, second = pixels[i], pixels[j]
                    if first >= 0 and second >= 0:
                        slot = (j // 3 - i // 3) * SPAN + j % 3 - i % 3
                        sums[first, CENTRE + slot] += entry
                        if i != j:
                            sums[second, CENTRE - slot] += entry
                    elif first >= 0:
                        right_side[first] -= entry * alpha[top + j // 3, left + j % 3]
                    elif second >= 0:
                        right_side[second] -= entry * alpha[top + i // 3, left + i % 3]
    return sums, right_side


@compiled()
def _whiten(image, top, left, whitened):
    """Takes the mean and the covariance out of the nine colours of a window.

    Args:
        image: (H, W, 3) float64.
        top: First row of the window.
        left: First column of it.
        whitened: (9, 3) float64, written: L^-1 (I - mean), where L L^T is the
            covariance with its regulariser, so that products of these are the
            quadratic form of Eq. 12.
    """
    for axis in range(3):
        mean = 0.0
        for i in range(9):
            whitened[i, axis] = image[top + i // 3, left + i % 3, axis]
            mean += whitened[i, axis]
        for i in range(9):
            whitened[i, axis] -= mean / 9
    rr, rg, rb, gg, gb, bb = EPSILON, 0.0, 0.0, EPSILON, 0.0, EPSILON
    for i in range(9):
        red, green, blue = whitened[i]
        rr, rg, rb = rr + red * red, rg + red * green, rb + red * blue
        gg, gb, bb = gg + green * green, gb + green * blue, bb + blue * blue
    # Cholesky's factor, the rows of L
    first = np.sqrt(rr / 9)
    rg, rb = rg / 9 / first, rb / 9 / first
    second = np.sqrt(gg / 9 - rg * rg)
    gb = (gb / 9 - rg * rb) / second
    third = np.sqrt(bb / 9 - rb * rb - gb * gb)
    for i in range(9):
        red, green, blue = whitened[i]
        red /= first
        green = (green - rg * red) / second
        blue = (blue - rb * red - gb * green) / third
        whitened[i, 0], whitened[i, 1], whitened[i, 2] = red, green, blue


@compiled()
def _compress(sums, number):
    """Drops empty entries: (U, 25) to values, columns and row ends of a CSR matrix."""
    height, width = number.shape
    total = np.count_nonzero(sums)
    values, columns = np.empty(total), np.empty(total, np.int32)
    ends = np.zeros(len(sums) + 1, np.int32)
    place = 0
    for row in range(height):
        for column in range(width):
            first = number[row, column]
            if first < 0:
                continue
            for slot in range(SPAN * SPAN):
                if sums[first, slot] != 0:
                    values[place] = sums[first, slot]
                    columns[place] = number[
                        row + slot // SPAN - 2, column + slot % SPAN - 2
                    ]
                    place += 1
            ends[first + 1] = place
    return values, columns, ends


def solve_exactly(matrix: csr_matrix, right_side: np.ndarray) -> np.ndarray:
    """Solves a sparse symmetric positive definite system.

    An unknown band is long and thin, so that reordering (reverse
    Cuthill-McKee) leaves a narrow band matrix, whose Cholesky factorisation
    costs little. Where the band would not fit into memory, or rounding has cost the
    matrix its definiteness, conjugate gradients take over, for at most 2000
    iterations, converged or not.

    Args:
        matrix: (U, U) symmetric positive definite.
        right_side: (U,).

    Returns:
        (U,) float64, or float32 from conjugate gradients.
    """
    order = reverse_cuthill_mckee(matrix, symmetric_mode=True)
    position = np.empty_like(order)
    position[order] = np.arange(order.size, dtype=order.dtype)
    entries = matrix.tocoo()
    rows, columns = position[entries.row], position[entries.col]
    below = rows >= columns
    rows, columns, values = rows[below], columns[below], entries.data[below]
    width = int((rows - columns).max()) + 1
    if width * order.size > BAND_LIMIT:
        return improve(matrix, right_side, np.zeros_like(right_side), 2000)
    band = np.zeros((width, order.size))
    band[rows - columns, columns] = values
    solution = np.empty_like(right_side)
    try:
        solution[order] = solveh_banded(
            band, right_side[order], lower=True, overwrite_ab=True, check_finite=False
        )
    except LinAlgError:
        return improve(matrix, right_side, np.zeros_like(right_side), 2000)
    return solution


def improve(
    matrix: csr_matrix, right_side: np.ndarray, start: np.ndarray, steps: int
) -> np.ndarray:
    """Improves a solution by conjugate gradients, scaled by the diagonal.

    Args:
        matrix: (U, U) symmetric positive definite.
        right_side: (U,).
        start: (U,), the solution so far.
        steps: Iterations at most; fewer where 1e-5 is reached.

    Returns:
        (U,) float32.
    """
    light = matrix.astype(np.float32)  # half of what each step reads
    solution, _ = cg(
        light,
        right_side.astype(np.float32),
        x0=start.astype(np.float32),
        rtol=1e-5,
        maxiter=steps,
        M=diags_array(1 / light.diagonal()),
    )
    return solution


def linear_coefficients(
    image: np.ndarray, alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fits alpha = a . I + b in every 3x3 window (He et al., Eqs. 19 to 21).

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        Slope a (H, W, 3) and offset b (H, W), float32, each the mean over the
        windows that cover the pixel.
    """
    slope, offset = np.empty(image.shape, np.float32), np.empty(alpha.shape, np.float32)
    height = len(alpha)
    for top in range(0, height, STRIP):  # dozens of planes: of a strip, not of all
        bottom = min(top + STRIP, height)
        first, last = max(top - 2, 0), min(bottom + 2, height)
        parts = _fit(image[first:last], alpha[first:last])
        for whole, part in zip((slope, offset), parts, strict=True):
            whole[top:bottom] = part[top - first : bottom - first]
    return slope, offset


def _fit(image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fits a strip, as `linear_coefficients` does the whole."""

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (3, 3))

    planes = cv2.split(image.astype(np.float64))  # nearly singular where it is grey
    alpha = alpha.astype(np.float64)
    means, mean_alpha = [mean(plane) for plane in planes], mean(alpha)
    red, green, blue = (
        mean(plane * alpha) - mean_plane * mean_alpha
        for plane, mean_plane in zip(planes, means, strict=True)
    )
    rr, rg, rb, gg, gb, bb = (
        mean(planes[i] * planes[j]) - means[i] * means[j] + GUIDED_EPSILON * (i == j)
        for i, j in combinations_with_replacement(range(3), 2)
    )
    first, second, third = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    fourth, fifth, sixth = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * first + rg * second + rb * third
    slope = [  # the inverse covariance, by its adjugate, times that with alpha
        (first * red + second * green + third * blue) / determinant,
        (second * red + fourth * green + fifth * blue) / determinant,
        (third * red + fifth * green + sixth * blue) / determinant,
    ]
    offset = mean_alpha - sum(map(np.multiply, slope, means))
    return mean(cv2.merge(slope)).astype(np.float32), mean(offset).astype(np.float32)
