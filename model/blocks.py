"""A picture and its trimap in square blocks: what is known of each block at once."""

from typing import NamedTuple

import numpy as np

from model.compiled import compiled
from model.matting import BACKGROUND, FOREGROUND


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


def cut_blocks(image: np.ndarray, trimap: np.ndarray, factor: int) -> Blocks:
    """Reduces a picture to blocks.

    Args:
        image: (H, W, 3) float32 in [0, 1], both sides multiples of `factor`.
        trimap: (H, W) uint8.
        factor: Side of a block in pixels.

    Returns:
        The blocks, H / factor by W / factor of them.
    """
    means, covariance, shares = _sum_blocks(image, trimap, factor)
    (background, mean, foreground), shares = (
        [np.ascontiguousarray(np.moveaxis(values, 2, 0)[region]) for region in range(3)]
        for values in (means, shares)
    )
    is_background, unknown, is_foreground = shares
    return Blocks(
        mean,
        covariance,
        unknown,
        foreground,
        is_foreground,
        background,
        is_background,
    )


@compiled()
def _sum_blocks(image, trimap, factor):
    """Averages the pixels of each block by their region; the fields of `Blocks`."""
    height, width = trimap.shape[0] // factor, trimap.shape[1] // factor
    sums = np.zeros((height, width, 3, 4), np.float32)  # colours and their number
    products = np.zeros((height, width, 6), np.float32)
    for y in range(height * factor):
        for x in range(width * factor):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            code = trimap[y, x]
            region = 0 if code == BACKGROUND else 2 if code == FOREGROUND else 1
            block = sums[y // factor, x // factor, region]
            block[0] += red
            block[1] += green
            block[2] += blue
            block[3] += 1
            if region == 1:
                product = products[y // factor, x // factor]
                product[0] += red * red
                product[1] += green * green
                product[2] += blue * blue
                product[3] += red * green
                product[4] += red * blue
                product[5] += green * blue
    counts = sums[..., 3:]
    mean = sums[..., :3] / np.maximum(counts, np.float32(1))
    share = counts[..., 0] / np.float32(factor**2)
    for row in range(height):
        for column in range(width):
            red, green, blue = mean[row, column, 1]
            count = max(counts[row, column, 1, 0], 1)
            squares = (red * red, green * green, blue * blue)
            mixed = (red * green, red * blue, green * blue)
            for k in range(3):
                products[row, column, k] /= count
                products[row, column, k] -= squares[k]
                products[row, column, k + 3] /= count
                products[row, column, k + 3] -= mixed[k]
    return mean, products, share
