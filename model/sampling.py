"""Which known colours explain the unknown pixels: foreground and background samples.

Image and trimap are cut into square blocks. For each block with unknown pixels,
pairs of a known foreground and a known background colour are tried, near ones, far
ones and similar ones, and those are kept on whose line in colour space the block's
pixels lie (Wang and Cohen, "Optimized Color Sampling for Robust Matting", CVPR 2007).
A whole block is judged at once by the mean and the covariance of its pixels.
"""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial import cKDTree

from model import matting

REACH = 12  # blocks around the unknown region that samples are taken from
SHARES = (1, 8, 48)  # a sample is the nearest of all known blocks, of 1 in 8, ...
SIMILAR = 2  # samples chosen by colour
LARGEST_TREE = 4096  # blocks that these are chosen from
NOISE = 4 / 255  # deviation of a colour from the line of its pair
DISTANCE_WEIGHT = 0.5  # of a sample as far away as twice the nearest one
SEPARATION = 0.05  # squared distance of two colours that can be told apart
AMBIGUITY = 0.02  # variance of alpha over the good pairs
COLOURS = ("foreground", "background")
CHUNK = 8192  # blocks judged at once, a bound on the memory


class Blocks(NamedTuple):
    """A picture in square blocks, and what is known of each.

    Attributes:
        mean: (h, w, 3) float32, mean colour of the unknown pixels.
        covariance: (h, w, 6) float32 of the same: rr, gg, bb, rg, rb, gb.
        unknown: (h, w) float32, share of unknown pixels.
        foreground: (h, w, 3) float32, mean colour of the foreground pixels.
        is_foreground: (h, w) float32, share of foreground pixels.
        background: (h, w, 3) float32, mean colour of the background pixels.
        is_background: (h, w) float32, share of background pixels.
    """

    mean: np.ndarray
    covariance: np.ndarray
    unknown: np.ndarray
    foreground: np.ndarray
    is_foreground: np.ndarray
    background: np.ndarray
    is_background: np.ndarray


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


def cut_blocks(image: np.ndarray, trimap: np.ndarray, factor: int) -> Blocks:
    """Reduces a picture to blocks.

    Args:
        image: (H, W, 3) float32 in [0, 1], both sides multiples of `factor`.
        trimap: (H, W) uint8.
        factor: Side of a block in pixels.

    Returns:
        The blocks, H / factor by W / factor of them.
    """
    size = (trimap.shape[1] // factor, trimap.shape[0] // factor)

    def average(plane: np.ndarray) -> np.ndarray:
        return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)

    def share_and_mean(code: int, planes: list) -> tuple[np.ndarray, np.ndarray]:
        weight = (trimap == code).astype(np.float32)
        share = average(weight)
        scale = 1 / np.maximum(share, 1e-6)
        return share, cv2.merge([average(plane * weight) * scale for plane in planes])

    red, green, blue = planes = cv2.split(image)
    unknown, mean = share_and_mean(matting.UNKNOWN, planes)
    products = [red * red, green * green, blue * blue]
    products += [red * green, red * blue, green * blue]
    _, covariance = share_and_mean(matting.UNKNOWN, products)
    covariance -= mean[..., [0, 1, 2, 0, 0, 1]] * mean[..., [0, 1, 2, 1, 2, 2]]
    is_foreground, foreground = share_and_mean(matting.FOREGROUND, planes)
    is_background, background = share_and_mean(matting.BACKGROUND, planes)
    return Blocks(
        mean,
        covariance,
        unknown,
        foreground,
        is_foreground,
        background,
        is_background,
    )


def find_pairs(blocks: Blocks) -> Pairs:
    """Searches the known blocks for the colours of the unknown ones.

    Args:
        blocks: As `cut_blocks` gives them; some foreground and some background.

    Returns:
        The pairs.
    """
    where = np.nonzero(blocks.unknown > 0)
    foregrounds, far = _samples(blocks, blocks.foreground, blocks.is_foreground, where)
    backgrounds, away = _samples(blocks, blocks.background, blocks.is_background, where)
    penalty = DISTANCE_WEIGHT * (far[:, :, None] + away[:, None])
    return choose_pairs(
        blocks, where, foregrounds[:, :, None], backgrounds[:, None], penalty
    )  # every foreground with every background


def refine_pairs(blocks: Blocks, coarse: Pairs) -> Pairs:
    """Chooses for blocks of half the side among the pairs found around them.

    Args:
        blocks: Of half the side.
        coarse: The pairs of the larger blocks.

    Returns:
        The pairs of the smaller blocks.
    """
    height, width = coarse.alpha.shape
    where = np.nonzero(blocks.unknown > 0)
    foregrounds, backgrounds, penalties = [], [], []
    smooth = [smooth_colours(coarse, name) for name in COLOURS]
    for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        rows = np.clip(where[0] // 2 + down, 0, height - 1)
        columns = np.clip(where[1] // 2 + right, 0, width - 1)
        foregrounds.append(coarse.foreground[rows, columns])
        backgrounds.append(coarse.background[rows, columns])
        is_pair = coarse.confidence[rows, columns] > 0
        penalties.append(np.where(is_pair, 0, np.float32(1e3)))
    foregrounds.append(smooth[0][where[0] // 2, where[1] // 2])
    backgrounds.append(smooth[1][where[0] // 2, where[1] // 2])
    penalties.append(np.zeros_like(penalties[0]))
    return choose_pairs(
        blocks,
        where,
        np.stack(foregrounds, axis=1),
        np.stack(backgrounds, axis=1),
        np.stack(penalties, axis=1),
    )


def choose_pairs(
    blocks: Blocks,
    where: tuple[np.ndarray, np.ndarray],
    foregrounds: np.ndarray,
    backgrounds: np.ndarray,
    penalty: np.ndarray,
) -> Pairs:
    """Averages the best of the pairs offered to each block.

    A pair is as good as its line through colour space comes close to all pixels
    of the block, with alpha between 0 and 1; the average weighs exp(-cost).

    Args:
        blocks: The blocks.
        where: Rows and columns of the U unknown ones.
        foregrounds: (U, K, 3) float32; or (U, I, 1, 3), to be paired with all of
        backgrounds: (U, K, 3) float32; or (U, 1, J, 3).
        penalty: (U, K) or (U, I, J) float32, added to the cost.

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
    for first in range(0, len(where[0]), CHUNK):
        part = slice(first, first + CHUNK)
        here = (where[0][part], where[1][part])
        offered = [
            np.moveaxis(offer[part], -1, 0) for offer in (foregrounds, backgrounds)
        ]
        cost, alpha = _judge(blocks.mean[here], blocks.covariance[here], *offered)
        cost += penalty[part]
        axes = tuple(range(1, cost.ndim))
        best = cost.min(axes, keepdims=True)
        weight = np.exp(best - cost)
        weight /= weight.sum(axes, keepdims=True)
        mean_alpha = (weight * alpha).sum(axes, keepdims=True)
        variance = (weight * (alpha - mean_alpha) ** 2).sum(axes)
        mean_alpha, best = mean_alpha.ravel(), best.ravel()
        colours = [_average(weight, offer) for offer in offered]
        separation = np.square(colours[0] - colours[1]).sum(1)
        pairs.foreground[here], pairs.background[here] = colours
        pairs.alpha[here] += blocks.unknown[here] * mean_alpha
        pairs.confidence[here] = (
            np.exp(-best / 4 - variance / AMBIGUITY)
            * separation
            / (separation + SEPARATION)
        )
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


def _samples(
    blocks: Blocks, colours: np.ndarray, share: np.ndarray, where: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """Gives (U, K, 3) known colours, and (U, K) how much farther than the nearest."""
    reach = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    near = cv2.dilate((blocks.unknown > 0).astype(np.uint8), reach)
    is_known = (share > 0) & (near > 0)
    if not is_known.any():
        is_known = share > 0
    known = np.argwhere(is_known)
    order = np.random.default_rng(0).permutation(len(known))
    chosen = []
    for divisor in SHARES:  # two samples each: the nearest of two disjoint sets
        count = max(1, len(known) // (2 * divisor))
        for part in (order[:count], order[-count:]):
            chosen.append(part[_nearest(known[part], is_known.shape)[where]])
    part = order[:LARGEST_TREE]
    # Away from 0: threads of TensorFlow take the float next to 0 for 0 itself, and
    # the tree, which divides its points there, would never end.
    tree = cKDTree(1 + colours[tuple(known[part].T)])
    similar = min(SIMILAR, len(part))
    _, found = tree.query(1 + blocks.mean[where], np.arange(1, similar + 1))
    index = np.column_stack([*chosen, part[found]])  # (U, K) into known
    points = np.column_stack(where)[:, None]
    distance = np.linalg.norm(known[index] - points, axis=2).astype(np.float32)
    distance /= distance.min(1, keepdims=True) + 1
    return colours[tuple(np.moveaxis(known[index], 2, 0))], distance


def _nearest(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Gives for every place of a (h, w) grid the number of the nearest point."""
    free = np.ones(shape, np.uint8)
    free[tuple(points.T)] = 0
    _, labels = cv2.distanceTransformWithLabels(
        free, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number = np.zeros(labels.max() + 1, np.intp)
    number[labels[tuple(points.T)]] = np.arange(len(points))
    return number[labels]


def _judge(
    mean: np.ndarray,
    covariance: np.ndarray,
    foregrounds: np.ndarray,
    backgrounds: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Judges (3, U, ...) pairs: their cost and the mean alpha in [0, 1].

    The cost is the mean squared distance of the block's pixels to the line, and of
    their mean to the segment, over the variance of the noise.
    """
    shape = (-1,) + (1,) * (foregrounds.ndim - 2)
    mean, covariance = (
        [values.reshape(shape) for values in cv2.split(values[:, None])]
        for values in (mean, covariance)
    )
    red, green, blue = across = foregrounds - backgrounds
    offset = [values - other for values, other in zip(mean, backgrounds, strict=True)]
    separation = red * red + green * green + blue * blue + np.float32(1e-4)
    along = sum(map(np.multiply, across, offset))
    products = red * red, green * green, blue * blue
    products += 2 * red * green, 2 * red * blue, 2 * green * blue
    spread = sum(map(np.multiply, products, covariance))
    total = sum(covariance[:3]) + sum(map(np.square, offset))
    alpha = along / separation
    clipped = np.clip(alpha, 0, 1)
    residual = total - (spread + along**2) / separation
    residual += (alpha - clipped) ** 2 * separation
    return np.maximum(residual, 0) / NOISE**2, clipped


def _average(weight: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Averages (3, U, ...) colours by (U, ...) weights that sum to 1: (U, 3)."""
    axes = tuple(range(1, weight.ndim))
    return np.stack([(weight * plane).sum(axes) for plane in offered], axis=1)
