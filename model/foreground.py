"""The foreground's colours, estimated from an image and its alpha.

Image and alpha go in, the foreground comes out, with the background's colours
taken out of it. The method is that of Germer et al., "Fast Multi-Level Foreground
Estimation" (ICPR 2020): colours of both layers that compose to the image and change
little where alpha does not, found coarse to fine. It forgives an alpha that is not
quite right, as a predicted one is (log/README.md).
"""

import cv2
import numpy as np

from model.compiled import compiled

SMOOTHNESS = 1e-5  # weight of changes of colour where alpha does not change
SURE = 0.1  # alpha this close to 0 or 1 tells the mean colours to start from
SMALL_SIDE = 32  # pixels up to which a level is small
SMALL_ROUNDS, ROUNDS = 10, 2  # of Gauss and Seidel, on small levels and on others


def estimate_foreground(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimates the foreground, coarse to fine.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1], equal to the image where alpha is 1; extended
        smoothly under alpha 0.
    """
    image = np.ascontiguousarray(image, np.float32)
    foreground = solve(image, np.ascontiguousarray(alpha, np.float32))
    cv2.copyTo(image, (alpha == 1).astype(np.uint8), foreground)
    return foreground


def solve(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Solves for the foreground on one level after the other.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1].
    """
    height, width = alpha.shape
    levels = max(1, int(np.ceil(np.log2(max(height, width)))))
    foreground, background = (
        image[region].mean(0, keepdims=True)[None]
        if region.any()
        else np.full((1, 1, 3), 0.5, np.float32)
        for region in (alpha > 1 - SURE, alpha < SURE)
    )
    for level in range(levels + 1):
        size = tuple(
            max(1, round(length ** (level / levels))) for length in (width, height)
        )
        colours, share, foreground, background = (
            values
            if values.shape[1::-1] == size
            else cv2.resize(values, size, interpolation=cv2.INTER_NEAREST)
            for values in (image, alpha, foreground, background)
        )
        _relax(
            colours,
            share,
            foreground,
            background,
            SMALL_ROUNDS if max(size) <= SMALL_SIDE else ROUNDS,
        )
    return foreground


@compiled(fastmath=True)
def _relax(image, alpha, foreground, background, rounds):
    """Improves both layers pixel by pixel (Eq. 9 of the paper, four neighbours).

    Args:
        image: (h, w, 3) float32.
        alpha: (h, w) float32.
        foreground: (h, w, 3) float32, changed.
        background: (h, w, 3) float32, changed.
        rounds: How often each pixel is visited, forwards and backwards in turn.
    """
    height, width = alpha.shape
    for turn in range(rounds):
        for down in range(height):
            row = down if turn % 2 == 0 else height - 1 - down
            for right in range(width):
                column = right if turn % 2 == 0 else width - 1 - right
                share = alpha[row, column]
                rest = 1 - share
                total = 0.0
                f0 = f1 = f2 = b0 = b1 = b2 = 0.0
                for side in range(4):
                    y, x = row, column
                    if side == 0:
                        y = max(row - 1, 0)
                    elif side == 1:
                        y = min(row + 1, height - 1)
                    elif side == 2:
                        x = max(column - 1, 0)
                    else:
                        x = min(column + 1, width - 1)
                    weight = SMOOTHNESS + abs(share - alpha[y, x])
                    total += weight
                    f0 += weight * foreground[y, x, 0]
                    f1 += weight * foreground[y, x, 1]
                    f2 += weight * foreground[y, x, 2]
                    b0 += weight * background[y, x, 0]
                    b1 += weight * background[y, x, 1]
                    b2 += weight * background[y, x, 2]
                # the two layers' equations, one matrix for all three channels
                first = share * share + total
                second = rest * rest + total
                mixed = share * rest
                scale = 1 / (first * second - mixed * mixed)
                for channel in range(3):
                    value = image[row, column, channel]
                    front = f0 if channel == 0 else f1 if channel == 1 else f2
                    back = b0 if channel == 0 else b1 if channel == 1 else b2
                    front += share * value
                    back += rest * value
                    foreground[row, column, channel] = min(
                        max((second * front - mixed * back) * scale, 0.0), 1.0
                    )
                    background[row, column, channel] = min(
                        max((first * back - mixed * front) * scale, 0.0), 1.0
                    )
