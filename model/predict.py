"""One photograph and its trimap to alpha and foreground: the only road there.

The picture is looked at as it is, and enlarged as well if the mean of both is wanted.
Only the window around the unknown pixels is worked on. There the prior is solved, the
network runs on what it gives, piece by piece where the picture is large, what the
trimap knows is kept exactly, and the colours are estimated from the alpha, unless the
network has some of its own.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from model import images, matting, prior
from model.foreground import estimate_foreground

GRID = 64  # windows and pieces begin at multiples of it, pictures are padded to them
CONTEXT = 192  # pixels around the unknown ones, and around a piece, that count
WIDE_CONTEXT = 256  # around a piece, for a network that sees half of the resolution
PIECE = 896  # side of what the network is given at a time, without its context
ONCE = (1.0,)  # the views of a picture: its scales
FINE_VIEWS = (1.0, 1.5)
LARGEST_VIEW = 6.1e6  # pixels; what is larger has no details that are too small

Window = tuple[slice, slice]  # rows and columns


class Matte(NamedTuple):
    """What matting gives.

    Attributes:
        alpha: (H, W) float32 in [0, 1].
        foreground: (H, W, 3) float32 in [0, 1], not premultiplied.
    """

    alpha: np.ndarray
    foreground: np.ndarray

    def cutout(self) -> Image.Image:
        """Gives foreground and alpha as one RGBA picture, not premultiplied."""
        layers = images.to_uint8(self.foreground), images.to_uint8(self.alpha)
        return Image.fromarray(np.dstack(layers))

    def composite(self, background: ArrayLike | Image.Image) -> np.ndarray:
        """Puts the foreground over a new background, adding up light as a camera does.

        Args:
            background: A picture, or (H, W, 3) uint8, or float in [0, 1], or what
                broadcasts to it, such as one colour (3,).

        Returns:
            (H, W, 3) float32 in [0, 1].

        Raises:
            ValueError: If it is of another size, or not in [0, 1].
        """
        if isinstance(background, Image.Image):
            background = images.rgb_of(background)
        if not isinstance(background, np.ndarray):
            background = np.float32(background)
        behind = images.to_unit(background, "background")
        behind = np.broadcast_to(behind, self.foreground.shape)
        return matting.composite(
            self.foreground, behind, self.alpha, matting.CAMERA_GAMMA
        )


def predict(
    network, image: np.ndarray, trimap: np.ndarray, views: tuple[float, ...] = ONCE
) -> Matte:
    """Mattes one picture.

    Args:
        network: As `network.load_network` or `checkpoint.load_generator` gives it.
        image: (H, W, 3) float32 in [0, 1], of any size.
        trimap: (H, W) uint8.
        views: As of `run`.

    Returns:
        Alpha, exactly 0 and 1 where the trimap is known, and foreground, equal
        to the image where alpha is 1 when it is rounded to 8 bits.
    """
    return finish(image, run(network, image, trimap, views))


def finish(image: np.ndarray, outputs: dict[str, np.ndarray]) -> Matte:
    """Adds the foreground's colours.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        outputs: As of `run`.

    Returns:
        The matte.
    """
    alpha = outputs["alpha"]
    if "foreground" in outputs:
        foreground = outputs["foreground"]
    else:
        foreground = estimate_foreground(image, alpha)
    is_opaque = (images.to_uint8(alpha) == 255).astype(np.uint8)  # as a file has it
    cv2.copyTo(np.ascontiguousarray(image, np.float32), is_opaque, foreground)
    return Matte(alpha, foreground)


def run(
    network, image: np.ndarray, trimap: np.ndarray, views: tuple[float, ...] = ONCE
) -> dict[str, np.ndarray]:
    """Runs the prior and the network, without estimating colours.

    Args:
        network: As of `predict`.
        image: (H, W, 3) float32 in [0, 1].
        trimap: (H, W) uint8.
        views: Scales at which the picture is looked at; the first is 1. Alpha is the
            mean over those, but for views of more than `LARGEST_VIEW` pixels.

    Returns:
        `alpha` (H, W) float32 in [0, 1], exact where the trimap is known, and
        `foreground` (H, W, 3), if the network has one and something is unknown: the
        image where nothing is unknown around.
    """
    outputs = _run_view(network, image, trimap)
    alphas = [outputs["alpha"]]
    for scale in views[1:]:
        if trimap.size * scale**2 > LARGEST_VIEW:
            continue
        size = tuple(round(length * scale) for length in trimap.shape[::-1])
        view = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
        codes = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
        alpha = _run_view(network, view, codes)["alpha"]
        way = cv2.INTER_AREA
        alphas.append(cv2.resize(alpha, trimap.shape[::-1], interpolation=way))
    if len(alphas) > 1:
        alpha = np.mean(alphas, axis=0, dtype=np.float32)
        outputs["alpha"] = matting.paste_known(alpha, trimap)
    return outputs


def _run_view(network, image: np.ndarray, trimap: np.ndarray) -> dict[str, np.ndarray]:
    """Runs both on the picture as it is given; see `run`."""
    window = find_window(trimap)
    if window is None:
        nothing = np.zeros(trimap.shape, np.float32)
        return {"alpha": matting.paste_known(nothing, trimap)}
    inputs = prepare(network, image[window], trimap[window])
    results: dict[str, np.ndarray] = {}
    context = WIDE_CONTEXT if "coarse_samples" in inputs else CONTEXT
    for inner, outer in pieces(inputs["trimap"][..., 0], context):
        part = {
            name: values[_scaled(outer, prior.REDUCED.get(name, 1))]
            for name, values in inputs.items()
        }
        for name, values in _call(network, part).items():
            if name not in results:
                shape = (*inputs["trimap"].shape[:2], values.shape[2])
                start = inputs["image"] if name == "foreground" else np.float32(0)
                results[name] = np.broadcast_to(start, shape).copy()
            whole = results[name]
            whole[inner] = values[_within(inner, outer)]
    height, width = trimap[window].shape
    outputs = {"alpha": np.zeros(trimap.shape, np.float32)}
    outputs["alpha"][window] = results["alpha"][:height, :width, 0]
    outputs["alpha"] = matting.paste_known(outputs["alpha"], trimap)
    if "foreground" in results:
        outputs["foreground"] = image.astype(np.float32)
        colours = np.clip(results["foreground"][:height, :width], 0, 1)
        outputs["foreground"][window] = colours
    return outputs


def find_window(trimap: np.ndarray) -> Window | None:
    """Finds the part of a picture that the unknown pixels depend on.

    Args:
        trimap: (H, W) uint8.

    Returns:
        Rows and columns of the rectangle around all unknown pixels, with their
        context; the whole picture if a known region lies beyond that; None if nothing
        is unknown.
    """
    is_unknown = trimap == matting.UNKNOWN
    if not is_unknown.any():
        return None
    window = []
    for axis, length in zip((1, 0), trimap.shape, strict=True):
        places = np.flatnonzero(is_unknown.any(axis))
        first = max(0, places[0] - CONTEXT) // GRID * GRID
        window.append(slice(first, min(length, places[-1] + 1 + CONTEXT)))
    window = tuple(window)
    for code in (matting.FOREGROUND, matting.BACKGROUND):
        if (trimap == code).any() and not (trimap[window] == code).any():
            return (slice(0, trimap.shape[0]), slice(0, trimap.shape[1]))
    return window


def prepare(network, image: np.ndarray, trimap: np.ndarray) -> dict[str, np.ndarray]:
    """Pads a picture to what a network takes, and makes the first guess if it asks.

    Args:
        network: As of `predict`.
        image: (h, w, 3) float32 in [0, 1].
        trimap: (h, w) uint8.

    Returns:
        The inputs by name: (H, W, C), H and W the next multiples of `GRID`, those of
        the guess smaller as `prior.REDUCED` says.
    """
    below, right = (-length % GRID for length in trimap.shape)
    inputs = {
        name: np.atleast_3d(
            cv2.copyMakeBorder(values, 0, below, 0, right, cv2.BORDER_REFLECT)
        )
        for name, values in (("image", image), ("trimap", trimap))
    }
    wanted = {tensor.name for tensor in network.inputs}
    if "prior" in wanted:
        guess = prior.first_guess(
            inputs["image"], inputs["trimap"][..., 0], is_fine="samples" in wanted
        )
        for name, levels in guess.levels().items():  # levels as in training
            inputs[name] = levels / np.float32(255)
    return inputs


def pieces(
    trimap: np.ndarray, context: int = CONTEXT
) -> Iterator[tuple[Window, Window]]:
    """Divides a picture into pieces with unknown pixels.

    Args:
        trimap: (H, W) uint8, both sides multiples of `GRID`.
        context: Pixels around a piece that are given with it, a multiple of `GRID`.

    Yields:
        Rows and columns of a piece, and of the same with its context.
    """
    spans = []
    if trimap.size <= (PIECE + 2 * context) ** 2:  # no more than a piece with context
        if (trimap == matting.UNKNOWN).any():
            whole = tuple(slice(0, length) for length in trimap.shape)
            yield whole, whole
        return
    for length in trimap.shape:
        count = -(-length // PIECE)
        side = -(-length // count // GRID) * GRID
        starts = range(0, length, side)
        spans.append([slice(first, min(first + side, length)) for first in starts])
    for rows in spans[0]:
        for columns in spans[1]:
            if (trimap[rows, columns] == matting.UNKNOWN).any():
                outer = (
                    slice(
                        max(0, span.start - context), min(length, span.stop + context)
                    )
                    for span, length in zip((rows, columns), trimap.shape, strict=True)
                )
                yield (rows, columns), tuple(outer)


def _call(network, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runs the network on (H, W, C) arrays; gives the same by the outputs' names."""
    batch = {name: values[None] for name, values in inputs.items()}
    outputs = network.predict_on_batch(batch)  # twice as fast as calling it
    return {name: np.asarray(values[0]) for name, values in outputs.items()}


def _scaled(window: Window, factor: int) -> Window:
    """Gives the rows and columns of a window in a picture that is so much smaller."""
    return tuple(slice(span.start // factor, span.stop // factor) for span in window)


def _within(inner: Window, outer: Window) -> Window:
    """Gives the rows and columns of a window as counted from another's corner."""
    return tuple(
        slice(span.start - around.start, span.stop - around.start)
        for span, around in zip(inner, outer, strict=True)
    )
