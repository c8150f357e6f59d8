"""The generator's first guess: a classical matte, coarse to fine.

Image and trimap go in; an alpha of the same size, and the colours of foreground and
background in small, come out. At a quarter and then, unless a coarse guess will do, at
half of the resolution, colour samples (`sampling`) say what alpha should be and how
sure that is, and the matting Laplacian (`laplacian`) carries it along the picture's
structure, as in Wang and Cohen, "Optimized Color Sampling for Robust Matting" (CVPR
2007), Eq. 10. Local linear models bring the result to full resolution.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from typing import NamedTuple

import cv2
import numpy as np
from scipy.sparse import csr_matrix

from model import images, laplacian, matting, rgba, sampling
from model.blocks import cut_blocks
from model.compiled import compiled
from model.threads import one_blas_thread

FACTOR = 4  # full resolution over that of the first solve and of the colours
COARSE_TRUST = 0.03  # weight of a sure sample against the Laplacian, first solve
FINE_TRUST = 0.005  # the same in the second solve
FINE_STEPS = 60  # conjugate gradients of the second solve
ANCHOR = 1e-6  # pull of pixels that nothing else reaches towards their start
PARALLEL_LIMIT = 2**22  # pixels; of larger pictures memory counts more than time
SMALLEST_SIDE = 3 * FACTOR  # pixels: a window of the Laplacian
# by the names of the networks' inputs: pixels to a value, and channels
REDUCED = {"prior": 1, "colours": 4, "samples": 2, "coarse_samples": 4}
DEPTHS = {"prior": 1, "colours": 6, "samples": 2, "coarse_samples": 2}


class Guess(NamedTuple):
    """A first guess at a matte.

    Attributes:
        alpha: (H, W) float32 in [0, 1], exactly 0 and 1 where the trimap is known.
        colours: (h, w, 6) float32 in [0, 1], RGB of foreground and of background,
            smooth; h = ceil(H / 4), w alike, and 3 at least.
        samples: (2h, 2w, 2) float32 in [0, 1], the alpha that the colour samples
            say and how sure they are of it; (h, w, 2) of a coarse guess.
    """

    alpha: np.ndarray
    colours: np.ndarray
    samples: np.ndarray

    def levels(self) -> dict[str, np.ndarray]:
        """Gives it in 256 levels as networks take it, by the names in `REDUCED`.

        Returns:
            (H, W, 1), (h, w, 6) and (2h, 2w, 2) or (h, w, 2), uint8.
        """
        names = parts(is_fine=len(self.samples) > len(self.colours))
        values = self.alpha[..., None], self.colours, self.samples
        return dict(zip(names, map(images.to_uint8, values), strict=True))


def parts(is_fine: bool) -> tuple[str, str, str]:
    """Gives the names of a guess's parts, which tell a fine from a coarse one."""
    return "prior", "colours", "samples" if is_fine else "coarse_samples"


class Problem(NamedTuple):
    """A picture at a resolution at which alpha is solved.

    Attributes:
        image: (h, w, 3) float32 in [0, 1].
        trimap: (h, w) uint8.
        matrix: (U, U) float64, sparse, of the U unknown pixels.
        right_side: (U,) float64.
    """

    image: np.ndarray
    trimap: np.ndarray
    matrix: csr_matrix
    right_side: np.ndarray


@one_blas_thread()
def first_guess(
    image: np.ndarray,
    trimap: np.ndarray,
    is_fine: bool = True,
    is_parallel: bool = True,
) -> Guess:
    """Estimates alpha and both colours without any network.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        trimap: (H, W) uint8.
        is_fine: Whether it is solved at half of the resolution too, not at a quarter
            only.
        is_parallel: Whether a second thread helps, unless the picture is large.

    Returns:
        The guess, the same with or without.
    """
    height, width = trimap.shape
    padding = [
        (0, max(SMALLEST_SIDE, height + -height % FACTOR) - height),
        (0, max(SMALLEST_SIDE, width + -width % FACTOR) - width),
    ]
    image = np.pad(image, [*padding, (0, 0)], mode="edge").astype(np.float32)
    padded_trimap = np.pad(trimap, padding, mode="edge")
    if not all((padded_trimap == code).any() for code in matting.CODES):
        return _guess_one_sided(image, padded_trimap, trimap, is_fine)

    with ThreadPoolExecutor(max_workers=1) as beside:  # all heavy steps let go the GIL

        def begin(work: Callable, *arguments):
            """Begins work in the other thread, or postpones it; gives its end."""
            if not is_parallel or padded_trimap.size > PARALLEL_LIMIT:
                return partial(work, *arguments)
            return beside.submit(work, *arguments).result

        end_coarse = begin(reduce_problem, image, padded_trimap, FACTOR)
        pairs = sampling.find_pairs(cut_blocks(image, padded_trimap, FACTOR), begin)
        if is_fine:
            end_fine = begin(reduce_problem, image, padded_trimap, FACTOR // 2)
            end_pairs = begin(_refine_pairs, image, padded_trimap, pairs)
        end_colours = begin(_smooth_colours, pairs)
        problem, finest = end_coarse(), pairs
        alpha = solve(problem, pairs, COARSE_TRUST)
        if is_fine:
            finest, fine = end_pairs(), end_fine()
            start = enlarge(problem.image, alpha, fine.image, fine.trimap)
            problem, alpha = fine, solve(fine, finest, FINE_TRUST, start)
        colours = end_colours()
    alpha = enlarge(problem.image, alpha, image, padded_trimap)[:height, :width]
    return Guess(
        matting.paste_known(alpha, trimap),
        colours,
        np.dstack([finest.alpha, finest.confidence]),
    )


def _guess_one_sided(image, padded_trimap, trimap, is_fine: bool) -> Guess:
    """Guesses where foreground or background, or both, are known nowhere.

    Alpha is 0.5; a colour that is known somewhere is carried on to where it is not,
    one that is not is the picture's own.
    """
    small, blocks = shrink(image, FACTOR), cut_blocks(image, padded_trimap, FACTOR)
    sides = (
        (blocks.foreground, blocks.is_foreground),
        (blocks.background, blocks.is_background),
    )
    colours = [
        rgba.push_pull(colour, share) if share.any() else small
        for colour, share in sides
    ]
    alpha = matting.paste_known(np.full(trimap.shape, 0.5, np.float32), trimap)
    factor = 2 if is_fine else 1
    unsure = np.zeros((factor * len(small), factor * small.shape[1], 2), np.float32)
    return Guess(alpha, np.dstack(colours), unsure)


def reduce_problem(image: np.ndarray, trimap: np.ndarray, factor: int) -> Problem:
    """Makes a picture smaller, and sets up the Laplacian's system there.

    Args:
        image: (H, W, 3) float32 in [0, 1], both sides multiples of `factor`.
        trimap: (H, W) uint8.
        factor: By how much both sides shrink.

    Returns:
        What is to be solved.
    """
    small, small_trimap = shrink(image, factor), shrink_trimap(trimap, factor)
    known = matting.paste_known(np.zeros(small.shape[:2], np.float32), small_trimap)
    system = laplacian.unknown_system(small, known, small_trimap == matting.UNKNOWN)
    return Problem(small, small_trimap, *system)


def _refine_pairs(image, trimap, pairs: sampling.Pairs) -> sampling.Pairs:
    """Finds the pairs of half of the resolution among those of a quarter."""
    return sampling.refine_pairs(cut_blocks(image, trimap, FACTOR // 2), pairs)


def _smooth_colours(pairs: sampling.Pairs) -> np.ndarray:
    """Blurs both colours of the pairs: (h, w, 6) float32 in [0, 1]."""
    return np.dstack(
        [sampling.smooth_colours(pairs, name) for name in sampling.COLOURS]
    )


def solve(
    problem: Problem,
    pairs: sampling.Pairs,
    trust: float,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Solves for alpha between the samples and the matting Laplacian.

    Args:
        problem: Of (h, w) pixels; its system is changed.
        pairs: The samples of the same size.
        trust: Weight of a sample of confidence 1.
        start: (h, w) alpha to improve by a few steps; None for an exact solution.

    Returns:
        (h, w) float32 in [0, 1].
    """
    is_unknown = problem.trimap == matting.UNKNOWN
    matrix, right_side = problem.matrix, problem.right_side
    weight = trust * pairs.confidence[is_unknown].astype(np.float64) + ANCHOR
    matrix.setdiag(matrix.diagonal() + weight)
    right_side += weight * pairs.alpha[is_unknown]
    if start is None:
        solution = laplacian.solve_exactly(matrix, right_side)
    else:
        solution = laplacian.improve(matrix, right_side, start[is_unknown], FINE_STEPS)
    alpha = np.zeros(problem.trimap.shape, np.float32)
    alpha[is_unknown] = solution
    return matting.paste_known(alpha, problem.trimap)


def enlarge(
    image: np.ndarray, alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray
) -> np.ndarray:
    """Carries an alpha to a larger picture by its local linear models.

    Args:
        image: (h, w, 3) float32 in [0, 1].
        alpha: (h, w) float32 in [0, 1].
        target: (H, W, 3) float32 in [0, 1], the same picture in large.
        trimap: (H, W) uint8.

    Returns:
        (H, W) float32 in [0, 1], 0 where nothing is unknown.
    """
    slope, offset = laplacian.linear_coefficients(image, alpha)
    return _apply(np.dstack([slope, offset]), target, trimap)


@compiled()
def _apply(models, target, trimap):
    """Applies linear models, interpolated between their pixels.

    Args:
        models: (h, w, 4) float32, slope and offset.
        target: (H, W, 3) float32.
        trimap: (H, W) uint8.

    Returns:
        (H, W) float32 in [0, 1], 0 where nothing is unknown.
    """
    height, width = models.shape[:2]
    alpha = np.zeros(trimap.shape, np.float32)
    down, right = height / trimap.shape[0], width / trimap.shape[1]
    for row in range(trimap.shape[0]):
        y = min(max((row + 0.5) * down - 0.5, 0.0), height - 1.0)
        top = min(int(y), height - 2)
        for column in range(trimap.shape[1]):
            if trimap[row, column] != matting.UNKNOWN:
                continue
            x = min(max((column + 0.5) * right - 0.5, 0.0), width - 1.0)
            left = min(int(x), width - 2)
            total = 0.0
            for k in range(4):
                upper = models[top, left, k] * (left + 1 - x)
                upper += models[top, left + 1, k] * (x - left)
                lower = models[top + 1, left, k] * (left + 1 - x)
                lower += models[top + 1, left + 1, k] * (x - left)
                value = upper * (top + 1 - y) + lower * (y - top)
                total += value * target[row, column, k] if k < 3 else value
            alpha[row, column] = min(max(total, 0.0), 1.0)
    return alpha


def shrink(image: np.ndarray, factor: int) -> np.ndarray:
    """Averages (H, W, 3) over squares: -> (H / factor, W / factor, 3)."""
    size = (image.shape[1] // factor, image.shape[0] // factor)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def shrink_trimap(trimap: np.ndarray, factor: int) -> np.ndarray:
    """Reduces a trimap; a pixel is known only if all that it covers are.

    Args:
        trimap: (H, W) uint8, both sides multiples of `factor`.
        factor: By how much both sides shrink.

    Returns:
        (H / factor, W / factor) uint8.
    """
    parts = [
        trimap[row::factor, column::factor]
        for row, column in np.ndindex(factor, factor)
    ]
    low, high = reduce(np.minimum, parts), reduce(np.maximum, parts)
    return np.where(low == high, low, np.uint8(matting.UNKNOWN))
