"""The matting Laplacian: its linear system, its solvers, its local linear models.

The Laplacian is that of Levin et al., "A Closed-Form Solution to Natural Image
Matting" (TPAMI 2008); the local models alpha = a . I + b behind a solution carry it to
a larger picture, as in the guided filter (He et al., TPAMI 2013).
"""

from itertools import combinations_with_replacement

import cv2
import numpy as np
from scipy.linalg import LinAlgError, solveh_banded
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import cg

EPSILON = 1e-7  # Levin et al., regulariser of the colour covariance
GUIDED_EPSILON = 1e-4  # the same, in the guided filter
BAND_LIMIT = 2**27  # entries of a band matrix; beyond, conjugate gradients
WINDOW = np.array([(row, column) for row in range(3) for column in range(3)])
SPAN = 5  # rows and columns between the farthest pixels that share a window


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
    width = alpha.shape[1]
    touched = cv2.dilate(is_unknown.astype(np.uint8), np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero(touched[1:-1, 1:-1])
    pixels = (rows * width + columns)[:, None] + WINDOW @ [width, 1]  # (N, 9)
    entries = window_entries(image.reshape(-1, 3)[pixels].astype(np.float64))

    count = int(is_unknown.sum())
    number = np.full(alpha.size, count)  # the known share one row, cut off below
    number[is_unknown.ravel()] = np.arange(count)
    step = WINDOW[None] - WINDOW[:, None] + SPAN // 2  # (9, 9, 2)
    slot = step @ [SPAN, 1]  # which of the 25 neighbours the second is of the first
    slots = number[pixels][:, :, None] * SPAN**2 + slot
    sums = np.bincount(slots.ravel(), entries.ravel(), (count + 1) * SPAN**2)
    sums = sums.reshape(count + 1, SPAN**2)[:-1]

    down, right = np.divmod(np.arange(SPAN**2), SPAN) - np.int64(SPAN // 2)
    neighbours = np.flatnonzero(is_unknown)[:, None] + down * width + right
    neighbours = np.where(sums != 0, neighbours, 0)  # (U, 25)
    others = number[neighbours]
    is_free = (others < count) & (sums != 0)
    fixed = np.where(is_free, 0, sums) * alpha.ravel()[neighbours]
    ends = np.concatenate([[0], np.cumsum(is_free.sum(1))])
    matrix = csr_matrix((sums[is_free], others[is_free], ends), shape=(count, count))
    return matrix, -fixed.sum(1)


def window_entries(colours: np.ndarray) -> np.ndarray:
    """Computes what each window adds to the Laplacian.

    Args:
        colours: (N, 9, 3) float64, the pixels of each window.

    Returns:
        (N, 9, 9) float64.
    """
    colours = colours - colours.mean(1, keepdims=True)
    covariance = colours.transpose(0, 2, 1) @ colours / 9 + EPSILON / 9 * np.eye(3)
    whitened = np.empty_like(colours)  # by the Cholesky factor of each covariance
    factor = np.zeros_like(covariance)
    for i in range(3):
        whitened[..., i] = colours[..., i]
        for j in range(i + 1):
            rest = covariance[:, i, j] - (factor[:, i, :j] * factor[:, j, :j]).sum(1)
            factor[:, i, j] = np.sqrt(rest) if i == j else rest / factor[:, j, j]
            if j < i:
                whitened[..., i] -= factor[:, i, j, None] * whitened[..., j]
        whitened[..., i] /= factor[:, i, i, None]
    return np.eye(9) - (1 + whitened @ whitened.transpose(0, 2, 1)) / 9


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
        (U,) float64.
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
        (U,) float64.
    """
    scale = 1 / np.sqrt(matrix.diagonal())
    scaled = matrix.multiply(scale[:, None]).multiply(scale).tocsr()
    solution, _ = cg(
        scaled, scale * right_side, x0=start / scale, rtol=1e-5, maxiter=steps
    )
    return scale * solution


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

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (3, 3))

    planes = cv2.split(image.astype(np.float64))
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
