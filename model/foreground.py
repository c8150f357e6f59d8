"""The foreground's colours, estimated from an image and its alpha.

Image and alpha go in, the foreground comes out, with the background's colours
taken out of it. The method is that of Forte, "Approximate Fast Foreground Colour
Estimation" (ICIP 2021), which needs nothing but box filters; with three changes that
make it more accurate (log/README.md): it works on the light that a camera adds up and
not on the values of the file, sure pixels count for more, and the boxes shrink in
more steps.
"""

from collections.abc import Iterator

import cv2
import numba
import numpy as np

from model import matting

SIDES = (61, 21, 7, 3, 3)  # of the box filters, in pixels
REACH = sum(side // 2 for side in SIDES)  # pixels that a colour depends on, each way
STRIP = 1024  # rows worked on at a time
SURENESS = 3  # power of alpha by which a pixel counts


def estimate_foreground(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimates the foreground by blurred colours that are fitted to the image.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1], equal to the image where alpha is 1; extended
        smoothly under alpha 0.
    """
    image = image.astype(np.float32, copy=False)
    result = image.copy()
    for inner, outer in strips(alpha):
        cover = np.ascontiguousarray(alpha[outer], np.float32)
        light = np.ascontiguousarray(image[outer])
        light = cv2.pow(light, matting.CAMERA_GAMMA)
        mixed = np.nonzero((cover > 0) & (cover < 1))
        colours = fit_blurred(light, cover, mixed)
        colours = cv2.pow(colours, 1 / matting.CAMERA_GAMMA)
        rows, columns = (
            places + side.start for places, side in zip(mixed, outer, strict=True)
        )
        is_inner = (rows >= inner.start) & (rows < inner.stop)
        result[rows[is_inner], columns[is_inner]] = colours[is_inner]
    return matting.extend_colours(result, alpha)


def strips(alpha: np.ndarray) -> Iterator[tuple[slice, tuple[slice, slice]]]:
    """Divides a picture into strips, so that large ones need little memory.

    Args:
        alpha: (H, W) float32 in [0, 1].

    Yields:
        The rows of a strip with mixed pixels, 0 < alpha < 1; rows and columns of the
        rectangle around these and all that they depend on.
    """
    height, width = alpha.shape
    for top in range(0, height, STRIP):
        inner = slice(top, min(top + STRIP, height))
        is_mixed = (alpha[inner] > 0) & (alpha[inner] < 1)
        columns = np.flatnonzero(is_mixed.any(0))
        if columns.size:
            yield (
                inner,
                (
                    slice(max(0, top - REACH), min(height, inner.stop + REACH)),
                    slice(
                        max(0, columns[0] - REACH), min(width, columns[-1] + REACH + 1)
                    ),
                ),
            )


def fit_blurred(
    image: np.ndarray, alpha: np.ndarray, mixed: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Blurs both layers by their weights and fits them to the image, side after side.

    Args:
        image: (H, W, 3) float32 in [0, 1], light.
        alpha: (H, W) float32 in [0, 1].
        mixed: Rows and columns of the N pixels with an alpha between 0 and 1; all
            others are foreground or background as they are.

    Returns:
        The foreground of those, (N, 3) float32 in [0, 1].
    """
    places = np.column_stack(mixed)
    light, share = image[mixed], alpha[mixed]
    colours = np.stack([light, light])
    layers = []
    for weight in (cv2.pow(alpha, SURENESS), cv2.pow(1 - alpha, SURENESS)):
        layers.append(cv2.merge([*cv2.split(image * weight[..., None]), weight]))
    for side in SIDES:
        blurred = [cv2.blur(layer, (side, side)) for layer in layers]
        _fit(light, share, places, *blurred, colours)
        _weigh(share, places, colours, *layers)
    return colours[0]


@numba.njit(cache=True, nogil=True)
def _fit(image, alpha, places, foreground, background, colours):
    """Makes blurred layers compose to the image, by the least change.

    Args:
        image: (N, 3) float32.
        alpha: (N,) float32.
        places: (N, 2) int, rows and columns of those pixels.
        foreground: (H, W, 4) float32, blurred: weighted colours and the weights; the
            quotient is the mean of Eq. 4 of the paper.
        background: (H, W, 4) float32, the same.
        colours: (2, N, 3) float32, written: foreground and background (Eq. 6).
    """
    for n in range(len(alpha)):
        row, column = places[n]
        share, rest = alpha[n], 1 - alpha[n]
        first = 1 / (foreground[row, column, 3] + 1e-5)
        second = 1 / (background[row, column, 3] + 1e-5)
        for axis in range(3):
            front = foreground[row, column, axis] * first
            back = background[row, column, axis] * second
            missing = image[n, axis] - share * front - rest * back
            missing /= share * share + rest * rest
            colours[0, n, axis] = min(max(front + share * missing, 0.0), 1.0)
            colours[1, n, axis] = min(max(back + rest * missing, 0.0), 1.0)


@numba.njit(cache=True, nogil=True)
def _weigh(alpha, places, colours, foreground, background):
    """Puts colours back into the layers, each times how sure it is.

    Args:
        alpha: (N,) float32.
        places: (N, 2) int, rows and columns.
        colours: (2, N, 3) float32, foreground and background.
        foreground: (H, W, 4) float32, whose first three channels are written.
        background: (H, W, 4) float32, the same.
    """
    for n in range(len(alpha)):
        row, column = places[n]
        for axis in range(3):
            foreground[row, column, axis] = alpha[n] ** SURENESS * colours[0, n, axis]
            background[row, column, axis] = (1 - alpha[n]) ** SURENESS * colours[
                1, n, axis
            ]
