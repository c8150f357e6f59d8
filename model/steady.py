"""Less flicker: the alpha of a frame averaged with those of its two neighbours.

The neighbours' alphas are brought to where the pixels are now, and count where the
flow is sure and the colours are the same; where something else is seen, and in all that
the trimap knows, the frame's own alpha stays. Measured by scripts/benchmark_video.py.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from model import flow, matting

SAME = 0.03  # difference of colours, of 1, at which a neighbour counts 1/e
NEAR = 3  # side of the square over which it is averaged, pixels


class Look(NamedTuple):
    """A frame as it was matted by itself.

    Attributes:
        image: (H, W, 3) float32 in [0, 1].
        trimap: (H, W) uint8.
        alpha: (H, W) float32 in [0, 1], or None if it was not matted.
    """

    image: np.ndarray
    trimap: np.ndarray
    alpha: np.ndarray | None


def steady(looks: Iterable[Look]) -> Iterator[np.ndarray | None]:
    """Averages the alphas of neighbouring frames.

    Args:
        looks: The frames in their order; one more is read than was given out.

    Yields:
        (H, W) float32 in [0, 1], exact where the trimap is known; None for a frame
        that was not matted.
    """
    before, way_before, now = None, None, None
    for after in looks:
        ways = (None, None)
        if now is not None:
            if now.alpha is not None and after.alpha is not None:
                greys = [flow.shrink_grey(look.image) for look in (now, after)]
                ways = flow.connect(*greys)
            yield _average(now, [(before, way_before), (after, ways[0])])
        before, now, way_before = now, after, ways[1]
    if now is not None:
        yield _average(now, [(before, way_before)])


def _average(
    look: Look, neighbours: list[tuple[Look | None, flow.Way | None]]
) -> np.ndarray | None:
    """Averages a frame's alpha with those of neighbours, each with the way to it."""
    if look.alpha is None:
        return None
    total, weights = look.alpha.copy(), np.ones_like(look.alpha)
    for other, way in neighbours:
        if way is not None:
            weight = agreement(look.image, other.image, way)
            total += weight * flow.carry(other.alpha, way, cv2.INTER_CUBIC)
            weights += weight
    return matting.paste_known(total / weights, look.trimap)


def agreement(image: np.ndarray, other: np.ndarray, way: flow.Way) -> np.ndarray:
    """Tells how much the pixels of a frame look like those that they come from.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        other: The other frame.
        way: To it.

    Returns:
        (H, W) float32 in [0, 1]; 0 where the way is not sure.
    """
    carried = flow.carry(other, way, cv2.INTER_LINEAR)
    difference = cv2.blur(np.abs(image - carried).mean(-1), (NEAR, NEAR))
    is_sure = flow.enlarge_trust(way, image.shape[:2]) == flow.SURE
    return np.exp(-np.square(difference / SAME)) * is_sure
