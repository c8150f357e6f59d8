"""Which known colours may explain an unknown block: near, far and similar ones.

The nearest known blocks tell most, but may lie in the wrong part of an object; so some
are taken from sparser and sparser sets of them, which reach farther, and some because
their colour is alike (`sampling.py` chooses among the pairs of all these).
"""

import cv2
import numpy as np
from scipy.spatial import cKDTree

from model.blocks import Blocks
from model.compiled import compiled

REACH = 12  # blocks around the unknown region that samples are taken from
SHARES = (1, 8, 48)  # a sample is the nearest of all known blocks, of 1 in 8, ...
SIMILAR = 2  # samples chosen by colour
STEPS = 48  # from 0 to 1, to which a colour is rounded before its like are sought
LARGEST_TREE = 4096  # blocks that these are chosen from


def find_candidates(
    blocks: Blocks, colours: np.ndarray, share: np.ndarray, where: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """Finds known colours for each unknown block.

    Args:
        blocks: As `blocks.cut_blocks` gives them.
        colours: (h, w, 3) float32 in [0, 1], of the known foreground or background.
        share: (h, w) float32 in [0, 1], how much of each block that is.
        where: Rows and columns of the U unknown ones.

    Returns:
        Colours (U, K, 3) float32, and how much farther than the nearest of the K
        each is, (U, K) float32.
    """
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
    asked, which = _distinct(blocks.mean[where])
    _, found = tree.query(1 + asked, np.arange(1, similar + 1))
    found = found[which]
    index = np.column_stack([*chosen, part[found]])  # (U, K) into known
    return _gather(np.column_stack(where), known, index, colours)


def _distinct(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rounds (N, 3) colours to `STEPS` a channel: the distinct ones, and which each."""
    steps = np.round(colours * STEPS).astype(np.int64)
    codes, which = np.unique(steps @ [1, 256, 256**2], return_inverse=True)
    return np.column_stack([codes & 255, codes >> 8 & 255, codes >> 16]) / STEPS, which


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


@compiled()
def _gather(points, known, index, colours):
    """Looks up the samples that were chosen.

    Args:
        points: (U, 2) int, rows and columns of the unknown blocks.
        known: (N, 2) int, of the known ones.
        index: (U, K) int, into those.
        colours: (h, w, 3) float32.

    Returns:
        Colours (U, K, 3) float32, and how much farther than the nearest of the K
        each is, (U, K) float32.
    """
    found = np.empty((*index.shape, 3), np.float32)
    distance = np.empty(index.shape, np.float32)
    for u in range(len(points)):
        nearest = np.inf
        for k in range(index.shape[1]):
            row, column = known[index[u, k]]
            found[u, k] = colours[row, column]
            distance[u, k] = np.hypot(row - points[u, 0], column - points[u, 1])
            nearest = min(nearest, distance[u, k])
        for k in range(index.shape[1]):
            distance[u, k] /= nearest + 1
    return found, distance
