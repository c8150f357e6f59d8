"""Where the pixels of a frame were in another one: optical flow, and how sure it is.

The flow is that of OpenCV (DIS: Kroeger et al., "Fast Optical Flow using Dense Inverse
Search", ECCV 2016), taken both ways between two neighbouring frames. A pixel that does
not come back to where it began (Sundaram et al., "Dense Point Trajectories", ECCV 2010,
Eq. 5) came to light between them, if what is found in its place went on to elsewhere,
or was lost. Steps add up to the way to a frame far off, so that what lies there is
sampled once.
"""

from typing import NamedTuple

import cv2
import numpy as np

SIDE = 960  # pixels of the longer side at which flow is estimated, at most
SLACK = 0.5  # pixels by which a pixel may miss where it began
SLACK_SHARE = 0.01  # of the squared lengths of both ways that it may miss, squared
LEAST = 16  # pixels of a side that the flow needs; smaller frames are enlarged
LOST, REVEALED, SURE = 0, 1, 2  # not found; come to light on the way; found


class Way(NamedTuple):
    """Where the pixels of a frame come from.

    Attributes:
        places: (h, w, 2) float32, for each pixel its x and y in another frame, in
            pixels of the size at which flow is estimated.
        trust: (h, w) uint8: `SURE`, `REVEALED` or `LOST`.
    """

    places: np.ndarray
    trust: np.ndarray


def shrink_grey(image: np.ndarray) -> np.ndarray:
    """Gives what the flow is estimated from.

    Args:
        image: (H, W, 3) float32 in [0, 1].

    Returns:
        (h, w) uint8, grey.
    """
    height, width = image.shape[:2]
    scale = min(1, SIDE / max(height, width))
    size = [max(LEAST, round(length * scale)) for length in (width, height)]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if size != [width, height]:
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.round(np.clip(grey, 0, 1) * 255).astype(np.uint8)


def stay(shape: tuple[int, int]) -> Way:
    """Gives the way from a frame to itself.

    Args:
        shape: Height and width of its small grey.
    """
    rows, columns = np.indices(shape, np.float32)
    return Way(np.dstack([columns, rows]), np.full(shape, SURE, np.uint8))


def connect(first: np.ndarray, second: np.ndarray) -> tuple[Way, Way]:
    """Finds the ways between two neighbouring frames.

    Args:
        first: (h, w) uint8, small grey of one frame.
        second: (h, w) uint8, that of the other.

    Returns:
        From the first to places in the second, and from the second to the first.
    """
    first, second = map(np.ascontiguousarray, (first, second))
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there = search.calc(first, second, None)
    back = search.calc(second, first, None)
    ways = _check(there, back), _check(back, there)
    for way, other in (ways, ways[::-1]):
        # another pixel is surely there, or it is outside: so this one was not seen
        is_taken = _sample(other.trust, way.places, cv2.INTER_NEAREST) == SURE
        is_taken |= _is_outside(way.places)
        way.trust[(way.trust == LOST) & is_taken] = REVEALED
    return ways


def follow(step: Way, onward: Way) -> Way:
    """Adds a way to a step that leads to where it begins.

    Args:
        step: From a frame to its neighbour.
        onward: From the neighbour to a frame farther off.

    Returns:
        From the frame to that one.
    """
    places = _sample(onward.places, step.places)
    trust = _sample(onward.trust, step.places, cv2.INTER_NEAREST)
    return Way(places, np.where(step.trust == SURE, trust, step.trust))


def carry(values: np.ndarray, way: Way, interpolation: int) -> np.ndarray:
    """Brings what lies in another frame to where its pixels are now.

    Args:
        values: (H, W) or (H, W, C) of the other frame, at full size.
        way: From the frame that is wanted to the other.
        interpolation: Of OpenCV, such as `cv2.INTER_NEAREST`.

    Returns:
        The same shape and type.
    """
    places = enlarge(way.places - stay(way.trust.shape).places, values.shape[:2])
    places += stay(values.shape[:2]).places
    return _sample(values, places, interpolation)


def enlarge_trust(way: Way, shape: tuple[int, int]) -> np.ndarray:
    """Gives the trust at full size, (H, W) uint8.

    Args:
        way: A way.
        shape: H and W of the full size.
    """
    return cv2.resize(way.trust, shape[::-1], interpolation=cv2.INTER_NEAREST)


def enlarge(shifts: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Scales shifts of pixels to the full size.

    Args:
        shifts: (h, w, 2) float32.
        shape: H and W of the full size.

    Returns:
        (H, W, 2) float32, in pixels of the full size.
    """
    size = shape[::-1]
    scale = np.float32(size) / np.float32(shifts.shape[1::-1])
    if shifts.shape[:2] == tuple(shape):
        return shifts.copy()
    return cv2.resize(shifts, size, interpolation=cv2.INTER_LINEAR) * scale


def _check(there: np.ndarray, back: np.ndarray) -> Way:
    """Makes a way of (h, w, 2) shifts and finds out which of them come back."""
    height, width = there.shape[:2]
    places = there + stay((height, width)).places
    returned = _sample(back, places)
    missed = np.square(there + returned).sum(-1)
    lengths = np.square(there).sum(-1) + np.square(returned).sum(-1)
    is_sure = missed < SLACK**2 + SLACK_SHARE * lengths
    is_sure &= ~_is_outside(places)
    return Way(places, np.where(is_sure, np.uint8(SURE), np.uint8(LOST)))


def _is_outside(places: np.ndarray) -> np.ndarray:
    """Tells which of (h, w, 2) places are outside of the frame, (h, w) bool."""
    last = np.float32(places.shape[1::-1]) - 1
    return ((places < 0) | (places > last)).any(-1)


def _sample(
    values: np.ndarray, places: np.ndarray, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """Takes values at places, (h, w, 2) float32; those outside are at the border."""
    return cv2.remap(
        values, places, None, interpolation, borderMode=cv2.BORDER_REPLICATE
    )
