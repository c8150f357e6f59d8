"""Finds the checkerboard by which a picture only pretends to be transparent.

Searches for transparent pictures find many whose board of two greys is painted on.
"""

import numpy as np

WINDOW = 384  # pixels: side of the corners in which the board is looked for
GREY = 12  # 8-bit levels: spread of the channels of a grey, compression included
LEAST_SHARE = 0.08  # of a corner that each of the two greys has
LEAST_AGREEMENT = 0.7  # with the board, from -1 to 1


def is_checkerboard(colours: np.ndarray) -> bool:
    """Tells whether a picture shows the two greys that stand for transparency.

    Each corner is searched for two greys that alternate with one period along rows
    and columns: a pattern that is its own negative after one square in either
    direction, and itself after one square in both.

    Args:
        colours: (H, W, 3) uint8.
    """
    height, width = (min(side, WINDOW) for side in colours.shape[:2])
    corners = (
        colours[rows, columns]
        for rows in (slice(height), slice(-height, None))
        for columns in (slice(width), slice(-width, None))
    )
    return any(alternates(signs_of_greys(corner)) for corner in corners)


def signs_of_greys(colours: np.ndarray) -> np.ndarray | None:
    """Marks the two most frequent greys of a picture by 1 and -1, all else by 0.

    Args:
        colours: (H, W, 3) uint8.

    Returns:
        (H, W) int8, or None if there are no two frequent greys.
    """
    levels = colours.astype(np.int16)
    is_grey = np.ptp(levels, axis=2) <= GREY
    grey = levels.mean(axis=2)
    counts = np.bincount(grey[is_grey].astype(int), minlength=256)
    counts = np.convolve(counts, np.ones(9, int), "same")
    first = int(counts.argmax())
    counts[max(first - 8, 0) : first + 9] = 0
    second = int(counts.argmax())
    signs = np.zeros(grey.shape, np.int8)
    near = is_grey & (np.minimum(abs(grey - first), abs(grey - second)) <= GREY)
    is_first = abs(grey - first) < abs(grey - second)
    signs[near & is_first], signs[near & ~is_first] = 1, -1
    if min(np.mean(signs == 1), np.mean(signs == -1)) < LEAST_SHARE:
        return None
    return signs


def alternates(signs: np.ndarray | None) -> bool:
    """Tells whether marks of 1 and -1 lie as on a checkerboard of any square.

    Args:
        signs: (H, W) int8 of 1, -1 and 0 for neither; None gives False.
    """

    def agreement(down: int, right: int) -> float:
        height, width = signs.shape
        products = signs[down:, right:] * signs[: height - down, : width - right]
        return products.sum() / max(np.count_nonzero(products), 1)

    return signs is not None and any(
        agreement(0, square) < -LEAST_AGREEMENT
        and agreement(square, 0) < -LEAST_AGREEMENT
        and agreement(square, square) > LEAST_AGREEMENT
        for square in range(4, max(min(signs.shape) // 4, 5))
    )
