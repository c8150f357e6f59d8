"""Where a cut-out runs out of its own picture: those sides have no edge of its own.

A portrait goes on below its picture, hair in a close-up goes on all around. Shown in
the middle of another picture, such a side would be a straight cut that no object has.
In go an alpha and, for a transform, its matrix; NumPy and OpenCV only.
"""

from typing import NamedTuple

import cv2
import numpy as np

DEPTH = 0.02  # of a side: how far inside the frame a cut object is as wide as at it
LEAST_DEPTH = 4  # pixels
LEAST_LENGTH = 0.04  # of a side that has to be covered
SAME_WIDTH = 0.75  # coverage at the frame over coverage inside; rounded ends have less


class Cuts(NamedTuple):
    """Tells for each side of a picture whether the object goes on beyond it."""

    top: bool
    bottom: bool
    left: bool
    right: bool


def find_cuts(alpha: np.ndarray) -> Cuts:
    """Finds the sides at which a cut-out is cut off by its picture's frame.

    A cut object is about as wide at the frame as shortly before it; one that merely
    fits its picture tightly narrows or fades there.

    Args:
        alpha: (H, W) float32 in [0, 1], or uint8.

    Returns:
        The sides.

    >>> portrait = np.zeros((100, 100), np.float32)
    >>> portrait[20:, 30:70] = 1
    >>> find_cuts(portrait)
    Cuts(top=False, bottom=True, left=False, right=False)
    """
    opaque = 255 if alpha.dtype == np.uint8 else 1
    cuts = []
    for lines in (alpha, alpha[::-1], alpha.T, alpha.T[::-1]):
        depth = min(max(LEAST_DEPTH, round(DEPTH * len(lines))), len(lines) - 1)
        at_frame, inside = lines[[0, depth]].sum(axis=1, dtype=np.float64) / opaque
        is_long = at_frame >= LEAST_LENGTH * lines.shape[1]
        cuts.append(bool(is_long and at_frame >= SAME_WIDTH * inside))
    return Cuts(*cuts)


def warp(
    layers: np.ndarray, matrix: np.ndarray, size: int, interpolation: int, cuts: Cuts
) -> np.ndarray:
    """Transforms a cut-out; beyond its picture it is mirrored at cuts, else empty.

    So a crop that reaches beyond a cut shows more of the object, with an alpha that
    is true of what is shown, and no straight edge.

    Args:
        layers: (H, W, 4) float32 in [0, 1], premultiplied colours and alpha.
        matrix: (2, 3) float, takes (column, row, 1) to those of the result.
        size: Side of the result in pixels.
        interpolation: A flag of OpenCV.
        cuts: The sides at which the cut-out goes on.

    Returns:
        (size, size, 4) float32.
    """
    border = cv2.BORDER_REFLECT_101 if any(cuts) else cv2.BORDER_CONSTANT
    result = cv2.warpAffine(
        layers, matrix, (size, size), flags=interpolation, borderMode=border
    )
    if not any(cuts):
        return result
    inverse = cv2.invertAffineTransform(matrix)
    rows, columns = np.indices((size, size))
    height, width = layers.shape[:2]
    inside = np.ones((size, size))
    for line, last, before, after in (
        (inverse[1], height - 1, cuts.top, cuts.bottom),
        (inverse[0], width - 1, cuts.left, cuts.right),
    ):
        place = line[0] * columns + line[1] * rows + line[2]  # in the picture, pixels
        if not before:
            inside *= np.clip(place + 1, 0, 1)
        if not after:
            inside *= np.clip(last + 1 - place, 0, 1)
    return result * inside[..., None].astype(np.float32)
