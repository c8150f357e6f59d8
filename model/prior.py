"""A closed-form alpha at a quarter of the resolution: the generator's first guess.

Image and trimap go in, an alpha of the same size comes out. The matting
Laplacian of Levin et al. ("A Closed-Form Solution to Natural Image Matting",
TPAMI 2008) is solved on a small picture, and what is carried back up is not
its alpha but the local linear model alpha = a . I + b behind it, as the guided
filter does (He et al., TPAMI 2013), so that fine structure follows the
full-resolution image.
"""

import cv2
import numpy as np
from scipy.linalg import solveh_banded
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import cg

from model import matting

FACTOR = 4  # full resolution over the resolution of the solve
EPSILON = 1e-7  # Levin et al., regulariser of the colour covariance
GUIDED_EPSILON = 1e-4  # the same, in the guided filter
ANCHOR = 1e-6  # pull of pixels that no known one reaches towards alpha 0.5
BAND_LIMIT = 2**27  # entries of a band matrix; beyond, conjugate gradients
WINDOW = [(row, column) for row in range(3) for column in range(3)]


def closed_form_prior(
    image: np.ndarray, trimap: np.ndarray, factor: int = FACTOR
) -> np.ndarray:
    """Estimates alpha by closed-form matting on a reduced picture.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        trimap: (H, W) uint8.
        factor: By how much both sides are reduced for the solve.

    Returns:
        (H, W) float32 in [0, 1], exactly 0 and 1 where the trimap is known.
    """
    height, width = trimap.shape
    bottom, right = -height % factor, -width % factor
    padding = ((0, bottom), (0, right))
    padded_trimap = np.pad(trimap, padding, mode="edge")
    size = (padded_trimap.shape[1] // factor, padded_trimap.shape[0] // factor)
    if min(size) < 3:  # too small for a window: nothing better than not knowing
        return matting.paste_known(np.full(trimap.shape, 0.5, np.float32), trimap)

    small_image = cv2.resize(
        np.pad(image, (*padding, (0, 0)), mode="edge"),
        size,
        interpolation=cv2.INTER_AREA,
    )
    small_alpha = solve(small_image, shrink_trimap(padded_trimap, factor))
    slope, offset = linear_coefficients(small_image, small_alpha)
    size = padded_trimap.shape[::-1]
    slope = cv2.resize(slope, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    offset = cv2.resize(offset, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    alpha = np.einsum("hwc,hwc->hw", slope, image) + offset
    return matting.paste_known(alpha, trimap)


def shrink_trimap(trimap: np.ndarray, factor: int) -> np.ndarray:
    """Reduces a trimap; a pixel is known only if all that it covers are.

    Args:
        trimap: (H, W) uint8, both sides multiples of `factor`.
        factor: By how much both sides shrink.

    Returns:
        (H / factor, W / factor) uint8.
    """
    height, width = trimap.shape
    blocks = trimap.reshape(height // factor, factor, width // factor, factor)
    low, high = blocks.min((1, 3)), blocks.max((1, 3))
    return np.where(low == high, low, np.uint8(matting.UNKNOWN))


def solve(image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """Solves closed-form matting with the known pixels held fixed.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        (H, W) float32 in [0, 1].
    """
    alpha = np.where(trimap == matting.FOREGROUND, 1.0, 0.0)
    is_unknown = trimap == matting.UNKNOWN
    if not is_unknown.any():
        return alpha.astype(np.float32)
    laplacian, pull = unknown_system(laplacian_stencil(image), alpha, is_unknown)
    alpha[is_unknown] = solve_positive(laplacian, pull)
    return np.clip(alpha, 0, 1).astype(np.float32)


def laplacian_stencil(image: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Computes the matting Laplacian, Eq. 12 of Levin et al. (3x3 windows).

    Args:
        image: (H, W, 3) float in [0, 1].

    Returns:
        For each offset (rows, columns) of the upper half of the symmetric
        matrix, (H, W) float64 of the entries between a pixel and the one at
        that offset from it.
    """
    height, width, _ = image.shape
    inner = (height - 2, width - 2)
    colours = np.stack(
        [image[r : r + inner[0], c : c + inner[1]] for r, c in WINDOW]
    ).astype(np.float64)  # (9, H-2, W-2, 3)
    colours -= colours.mean(0)
    covariance = np.einsum("khwi,khwj->hwij", colours, colours) / 9
    covariance += EPSILON / 9 * np.eye(3)
    solved = np.einsum("hwij,khwj->khwi", np.linalg.inv(covariance), colours)

    stencil: dict[tuple[int, int], np.ndarray] = {}
    for i, (row, column) in enumerate(WINDOW):
        for j, (other_row, other_column) in enumerate(WINDOW[i:], start=i):
            offset = (other_row - row, other_column - column)
            entries = -(1 + np.einsum("hwc,hwc->hw", colours[i], solved[j])) / 9
            if i == j:
                entries += 1
            total = stencil.setdefault(offset, np.zeros((height, width)))
            total[row : row + inner[0], column : column + inner[1]] += entries
    return stencil


def unknown_system(
    stencil: dict[tuple[int, int], np.ndarray],
    alpha: np.ndarray,
    is_unknown: np.ndarray,
) -> tuple[csr_matrix, np.ndarray]:
    """Keeps the rows of the unknown pixels and moves the known ones to the right.

    The block form is L_UU a_U = -L_UK a_K.

    Args:
        stencil: As `laplacian_stencil` gives it.
        alpha: (H, W) float64, 0 where unknown.
        is_unknown: (H, W) bool.

    Returns:
        The symmetric matrix (U, U) over the U unknown pixels, and the right
        side (U,).
    """
    height, width = alpha.shape
    count = int(is_unknown.sum())
    index = np.full(alpha.shape, -1)
    index[is_unknown] = np.arange(count)
    pull = np.full(alpha.shape, 0.5 * ANCHOR)
    rows, columns, values = [], [], []
    for (down, right), entries in stencil.items():
        here = (slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        there = (slice(down, height), slice(max(0, right), width + min(0, right)))
        both = is_unknown[here] & is_unknown[there]
        rows.append(index[here][both])
        columns.append(index[there][both])
        values.append(entries[here][both])
        if (down, right) == (0, 0):
            values[-1] = values[-1] + ANCHOR
            continue
        pull[here] -= entries[here] * alpha[there]
        pull[there] -= entries[here] * alpha[here]
        rows.append(columns[-1])
        columns.append(rows[-2])
        values.append(values[-1])
    entries = (
        np.concatenate(values),
        (np.concatenate(rows), np.concatenate(columns)),
    )
    return coo_matrix(entries, shape=(count, count)).tocsr(), pull[is_unknown]


def solve_positive(matrix: csr_matrix, right_side: np.ndarray) -> np.ndarray:
    """Solves a sparse symmetric positive definite system.

    An unknown band is long and thin, so that reordering (reverse
    Cuthill-McKee) leaves a narrow band matrix, whose Cholesky factorisation
    costs little. Where the band would not fit into memory, conjugate gradients
    take over, for at most 2000 iterations, converged or not.

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
        scale = 1 / matrix.diagonal()
        preconditioner = coo_matrix(
            (scale, (np.arange(scale.size), np.arange(scale.size)))
        ).tocsr()
        solution, _ = cg(matrix, right_side, rtol=1e-5, maxiter=2000, M=preconditioner)
        return solution
    band = np.zeros((width, order.size))
    band[rows - columns, columns] = values
    solution = np.empty_like(right_side)
    solution[order] = solveh_banded(
        band, right_side[order], lower=True, overwrite_ab=True, check_finite=False
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

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (3, 3))

    image = image.astype(np.float64)
    alpha = alpha.astype(np.float64)
    mean_image, mean_alpha = mean(image), mean(alpha)
    products = np.einsum("hwi,hwj->hwij", image, image)
    covariance = mean(products.reshape(*alpha.shape, 9)).reshape(products.shape)
    covariance -= np.einsum("hwi,hwj->hwij", mean_image, mean_image)
    covariance += GUIDED_EPSILON * np.eye(3)
    with_alpha = mean(image * alpha[..., None]) - mean_image * mean_alpha[..., None]
    slope = np.linalg.solve(covariance, with_alpha[..., None])[..., 0]
    offset = mean_alpha - np.einsum("hwc,hwc->hw", slope, mean_image)
    return mean(slope).astype(np.float32), mean(offset).astype(np.float32)
