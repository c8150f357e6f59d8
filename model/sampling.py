"""Which known colours explain the unknown pixels: foreground and background samples.

Image and trimap are cut into square blocks. For each block with unknown pixels,
pairs of a known foreground and a known background colour (`candidates.py`) are tried,
and those are kept on whose line in colour space the block's pixels lie (Wang and Cohen,
"Optimized Color Sampling for Robust Matting", CVPR 2007).
A whole block is judged at once by the mean and the covariance of its pixels.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from model.blocks import Blocks
from model.candidates import find_candidates
from model.compiled import compiled

NOISE = 4 / 255  # deviation of a colour from the line of its pair
DISTANCE_WEIGHT = 0.5  # of a sample as far away as twice the nearest one
SEPARATION = 0.05  # squared distance of two colours that can be told apart
AMBIGUITY = 0.02  # variance of alpha over the good pairs
COLOURS = ("foreground", "background")
AROUND = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])  # a block and its four
NEGLIGIBLE = 20.0  # cost above the best from which on a pair does not count


class Pairs(NamedTuple):
    """The colours that explain each block best.

    Attributes:
        foreground: (h, w, 3) float32 in [0, 1]; the known colour in known blocks.
        background: (h, w, 3) float32 in [0, 1]; the known colour in known blocks.
        alpha: (h, w) float32 in [0, 1], mean over the block.
        confidence: (h, w) float32 in [0, 1]; 0 where nothing is unknown.
    """

    foreground: np.ndarray
    background: np.ndarray
    alpha: np.ndarray
    confidence: np.ndarray


def find_pairs(blocks: Blocks, begin: Callable[..., Callable] = partial) -> Pairs:
    """Searches the known blocks for the colours of the unknown ones.

    Args:
        blocks: As `blocks.cut_blocks` gives them; some foreground and some background.
        begin: Takes a call as `functools.partial` does, may begin it in another
            thread, and gives what waits for its result.

    Returns:
        The pairs.
    """
    where = np.nonzero(blocks.unknown > 0)
    end = begin(find_candidates, blocks, blocks.background, blocks.is_background, where)
    foregrounds, far = find_candidates(
        blocks, blocks.foreground, blocks.is_foreground, where
    )
    backgrounds, away = end()
    far, away = DISTANCE_WEIGHT * far, DISTANCE_WEIGHT * away
    return choose_pairs(blocks, where, foregrounds, backgrounds, far, away, begin)


def refine_pairs(blocks: Blocks, coarse: Pairs) -> Pairs:
    """Chooses for blocks of half the side among the pairs found around them.

    Args:
        blocks: Of half the side.
        coarse: The pairs of the larger blocks.

    Returns:
        The pairs of the smaller blocks.
    """
    where = np.nonzero(blocks.unknown > 0)
    offered = _offer(
        np.column_stack(where),
        coarse.confidence,
        np.stack([coarse.foreground, coarse.background]),
        np.stack([smooth_colours(coarse, name) for name in COLOURS]),
    )
    return choose_pairs(blocks, where, *offered, None)


def choose_pairs(
    blocks: Blocks,
    where: tuple[np.ndarray, np.ndarray],
    foregrounds: np.ndarray,
    backgrounds: np.ndarray,
    far: np.ndarray,
    away: np.ndarray | None,
    begin: Callable[..., Callable] = partial,
) -> Pairs:
    """Averages the best of the pairs offered to each block.

    A pair is as good as its line through colour space comes close to all pixels
    of the block, with alpha between 0 and 1; the average weighs exp(-cost).

    Args:
        blocks: The blocks.
        where: Rows and columns of the U unknown ones.
        foregrounds: (U, I, 3) float32.
        backgrounds: (U, J, 3) float32.
        far: (U, I) float32, what each foreground adds to the cost of its pairs.
        away: (U, J) float32, the same of the backgrounds, each of which is paired
            with every foreground; or None for pairs of the same number only, I = J.
        begin: As of `find_pairs`.

    Returns:
        The pairs; confident where the best one is close, its colours are far
        apart, and the good pairs agree on alpha.
    """
    pairs = Pairs(
        blocks.foreground.copy(),
        blocks.background.copy(),
        blocks.is_foreground.copy(),
        np.zeros_like(blocks.unknown),
    )
    offers = (
        blocks.mean[where],
        blocks.covariance[where],
        foregrounds,
        backgrounds,
        far,
        np.zeros_like(far) if away is None else away,
    )
    half, all_pairs = len(far) // 2, away is not None
    end = begin(_average_pairs, *(values[half:] for values in offers), all_pairs)
    first = _average_pairs(*(values[:half] for values in offers), all_pairs)
    chosen = [np.concatenate(halves) for halves in zip(first, end(), strict=True)]
    pairs.foreground[where], pairs.background[where] = chosen[:2]
    pairs.alpha[where] += blocks.unknown[where] * chosen[2]
    pairs.confidence[where] = chosen[3]
    return pairs


def smooth_colours(pairs: Pairs, name: str, deviation: float = 1.5) -> np.ndarray:
    """Blurs one colour of the pairs, the confident ones foremost.

    Args:
        pairs: The pairs.
        name: `foreground` or `background`.
        deviation: Of the Gaussian, in blocks.

    Returns:
        (h, w, 3) float32 in [0, 1].
    """
    known = pairs.alpha if name == "foreground" else 1 - pairs.alpha
    weight = np.where(pairs.confidence > 0, pairs.confidence, known) + np.float32(1e-4)
    colour = getattr(pairs, name) * weight[..., None]
    blurred = cv2.GaussianBlur(colour, (0, 0), deviation)
    return blurred / cv2.GaussianBlur(weight, (0, 0), deviation)[..., None]


@compiled()
def _offer(points, confidence, colours, smooth):
    """Collects the pairs of the larger blocks around, and their smooth colours.

    Args:
        points: (U, 2) int, rows and columns of the smaller blocks.
        confidence: (h, w) float32, of the larger blocks.
        colours: (2, h, w, 3) float32, their foregrounds and backgrounds.
        smooth: (2, h, w, 3) float32, the same, blurred.

    Returns:
        Foregrounds and backgrounds (U, 6, 3), and what they add to the cost (U, 6),
        float32: so much that only pairs of unknown blocks count, where there are any.
    """
    height, width = confidence.shape
    offered = np.empty((2, len(points), 6, 3), np.float32)
    penalty = np.zeros((len(points), 6), np.float32)
    for u in range(len(points)):
        row, column = points[u, 0] // 2, points[u, 1] // 2
        for k in range(5):
            y = min(max(row + AROUND[k, 0], 0), height - 1)
            x = min(max(column + AROUND[k, 1], 0), width - 1)
            for side in range(2):
                for axis in range(3):
                    offered[side, u, k, axis] = colours[side, y, x, axis]
            if confidence[y, x] <= 0:
                penalty[u, k] = 1e3
        for side in range(2):
            for axis in range(3):
                offered[side, u, 5, axis] = smooth[side, row, column, axis]
    return offered[0], offered[1], penalty


@compiled(fastmath=True)
def _average_pairs(mean, covariance, foregrounds, backgrounds, far, away, all_pairs):
    """Averages pairs, see `choose_pairs`.

    The cost is the mean squared distance of the block's pixels to the line, and of
    their mean to the segment, over the variance of the noise.

    Args:
        mean: (U, 3) float32, of the pixels of each block.
        covariance: (U, 6) float32.
        foregrounds: (U, I, 3) float32.
        backgrounds: (U, J, 3) float32.
        far: (U, I) float32.
        away: (U, J) float32.
        all_pairs: Whether every foreground goes with every background.

    Returns:
        Foreground and background (U, 3), alpha and confidence (U,), float32.
    """
    count, rows, columns = *far.shape, away.shape[1]
    chosen = np.zeros((2, count, 3), np.float32)
    alphas, confidences = np.empty(count, np.float32), np.empty(count, np.float32)
    cost, alpha = np.empty((rows, columns)), np.empty((rows, columns))
    across, offset = np.empty((3, columns)), np.empty((3, columns))
    for u in range(count):
        rr, gg, bb, rg, rb, gb = covariance[u]
        best = np.inf
        for axis in range(3):
            for j in range(columns):
                offset[axis, j] = mean[u, axis] - backgrounds[u, j, axis]
        for i in range(rows):
            for axis in range(3):
                for j in range(columns):
                    across[axis, j] = foregrounds[u, i, axis] - backgrounds[u, j, axis]
            for j in range(0 if all_pairs else i, columns if all_pairs else i + 1):
                red, green, blue = across[0, j], across[1, j], across[2, j]
                x, y, z = offset[0, j], offset[1, j], offset[2, j]
                separation = red * red + green * green + blue * blue + 1e-4
                along = red * x + green * y + blue * z
                spread = red * red * rr + green * green * gg + blue * blue * bb
                spread += 2 * (red * green * rg + red * blue * rb + green * blue * gb)
                place = along / separation
                clipped = min(max(place, 0.0), 1.0)
                residual = rr + gg + bb + x * x + y * y + z * z
                residual -= (spread + along * along) / separation
                residual += (place - clipped) * (place - clipped) * separation
                alpha[i, j] = clipped
                cost[i, j] = max(residual, 0.0) / NOISE**2 + far[u, i] + away[u, j]
                best = min(best, cost[i, j])
        total = first = second = 0.0
        pair = np.zeros((2, 3))
        for i in range(rows):
            for j in range(0 if all_pairs else i, columns if all_pairs else i + 1):
                if cost[i, j] > best + NEGLIGIBLE:
                    continue
                weight = np.exp(best - cost[i, j])
                total += weight
                first += weight * alpha[i, j]
                second += weight * alpha[i, j] ** 2
                for axis in range(3):
                    pair[0, axis] += weight * foregrounds[u, i, axis]
                    pair[1, axis] += weight * backgrounds[u, j, axis]
        pair /= total
        alphas[u] = first / total
        variance = max(second / total - (first / total) ** 2, 0.0)
        separation = np.square(pair[0] - pair[1]).sum()
        confidences[u] = np.exp(-best / 4 - variance / AMBIGUITY)
        confidences[u] *= separation / (separation + SEPARATION)
        chosen[0, u], chosen[1, u] = pair[0], pair[1]
    return chosen[0], chosen[1], alphas, confidences
