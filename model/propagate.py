"""Trimaps between key frames: carried from those before and after by optical flow.

What both sides say is kept, and what only one can say; where they disagree, where the
flow was lost on both, and in a seam between the known regions, the trimap is unknown,
so that the network has to find out. What came to light on the way is background where
that is the nearest that is known: an object that comes into view needs a key frame.
"""

import tempfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np

from model import flow, matting, rgba

SEAM = 0.006  # half of the band between known regions, as a share of the frame's side
LOST, REVEALED = 64, 192  # codes of what no key frame tells, lost or come to light

Read = Callable[[int, np.ndarray], np.ndarray]  # trimap of a key frame and its image


class Guide(NamedTuple):
    """The trimap of a frame.

    Attributes:
        trimap: (H, W) uint8.
        is_propagated: Whether it comes from other frames.
    """

    trimap: np.ndarray
    is_propagated: bool


def propagate(
    frames: Iterable[np.ndarray], keys: Container[int], read: Read
) -> Iterator[Guide]:
    """Gives a trimap to each frame; reads on to the next key frame before it does.

    Between two key frames only small grey pictures, in a temporary file, and packed
    trimaps are held.

    Args:
        frames: The images, (H, W, 3) float32 in [0, 1].
        keys: Numbers of the key frames, from 0; at least one is there.
        read: Gives the trimap of such a frame, (H, W) uint8, from number and image.

    Yields:
        The trimaps, in the order of the frames.
    """
    before = None  # trimap of the last key frame
    with tempfile.TemporaryFile() as file:
        greys = Greys(file)
        for number, image in enumerate(frames):
            greys.append(flow.shrink_grey(image))
            if number in keys:
                after = read(number, image)
                yield from _between(greys, before, after)
                yield Guide(after, False)
                before = after
                greys.clear()
                greys.append(flow.shrink_grey(image))
        yield from _between(greys, before, None)


class Greys:
    """Small grey pictures of one size, kept in a file."""

    def __init__(self, file: BinaryIO):
        """Begins with none.

        Args:
            file: To write and read.
        """
        self.file = file
        self.shape = (0, 0)
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def append(self, grey: np.ndarray) -> None:
        """Adds a picture, (h, w) uint8."""
        self.shape = grey.shape
        self.file.seek(self.count * grey.size)
        self.file.write(grey.tobytes())
        self.count += 1

    def clear(self) -> None:
        """Forgets all."""
        self.count = 0

    def __getitem__(self, at: int) -> np.ndarray:
        size = self.shape[0] * self.shape[1]
        self.file.seek(at * size)
        return np.frombuffer(self.file.read(size), np.uint8).reshape(self.shape)


def _between(
    greys: Greys, before: np.ndarray | None, after: np.ndarray | None
) -> Iterator[Guide]:
    """Gives trimaps to the frames between two key frames.

    Args:
        greys: Of all frames there, the key frames too, as far as there are.
        before: Trimap of the first, or None if that is no key frame.
        after: Trimap of the last, or None if that is no key frame.

    Yields:
        The trimaps of all that are no key frames.
    """
    known = before if after is None else after
    first, end = int(before is not None), len(greys) - int(after is not None)
    packed = {}
    if after is not None:
        for at, codes in _carry(greys, after, range(len(greys) - 1, first - 1, -1)):
            packed[at] = zlib.compress(codes.tobytes(), 1)
    nothing = np.full(known.shape, LOST, np.uint8)
    if before is None:
        carried = ((at, nothing) for at in range(first, end))
    else:
        carried = _carry(greys, before, range(end))
    for at, codes in carried:
        other = nothing
        if at in packed:
            content = zlib.decompress(packed.pop(at))
            other = np.frombuffer(content, np.uint8).reshape(known.shape)
        yield Guide(merge(codes, other), True)


def _carry(
    greys: Greys, trimap: np.ndarray, places: range
) -> Iterator[tuple[int, np.ndarray]]:
    """Carries the trimap of a key frame along, from frame to frame.

    Args:
        greys: Small greys.
        trimap: Of the first of the places.
        places: In the greys, forwards or backwards.

    Yields:
        Each further place, and (H, W) uint8 codes, `LOST` where the flow is not sure.
    """
    way, last = None, None
    for at in places:
        grey = greys[at]
        if last is None:
            way = flow.stay(grey.shape)
        else:
            way = flow.follow(flow.connect(grey, last)[0], way)
            yield at, carry_trimap(trimap, way)
        last = grey


def carry_trimap(trimap: np.ndarray, way: flow.Way) -> np.ndarray:
    """Brings a trimap to another frame.

    What is unknown goes along with the object, too: the flow of fine strands is often
    that of what is seen between them.

    Args:
        trimap: (H, W) uint8.
        way: From that frame to the trimap's.

    Returns:
        (H, W) uint8 codes; `LOST` or `REVEALED` where the way is not sure.
    """
    codes = flow.carry(trimap, way, cv2.INTER_NEAREST)
    trust = flow.enlarge_trust(way, trimap.shape)
    codes[trust == flow.LOST] = LOST
    codes[trust == flow.REVEALED] = REVEALED
    small = way.trust.shape
    is_object = (codes == matting.FOREGROUND).astype(np.float32)
    if is_object.any():
        weight = cv2.resize(is_object, small[::-1], interpolation=cv2.INTER_AREA)
        here = flow.stay(small).places
        shifts = rgba.push_pull(way.places - here, weight)  # (h, w, 2)
        along = flow.Way(here + shifts, way.trust)
        is_band = flow.carry(trimap, along, cv2.INTER_NEAREST) == matting.UNKNOWN
        codes[is_band & (codes != matting.FOREGROUND)] = matting.UNKNOWN
    return codes


def merge(codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Makes one trimap of what two key frames tell.

    Args:
        codes: (H, W) uint8, codes of a trimap, `LOST` and `REVEALED`.
        others: The same from the other side.

    Returns:
        (H, W) uint8 trimap.

    >>> merge(np.uint8([[0, 0, 64, 64]]), np.uint8([[0, 128, 128, 64]]))
    array([[  0, 128, 128, 128]], dtype=uint8)
    """
    is_told, is_told_too = (np.isin(one, matting.CODES) for one in (codes, others))
    trimap = np.where(is_told, codes, others)
    is_denied = is_told & is_told_too & (codes != others)
    trimap[is_denied] = matting.UNKNOWN
    is_revealed = ~is_told & ~is_told_too & ((codes == REVEALED) | (others == REVEALED))
    if is_revealed.any():
        ground, *rest = (
            _distance(trimap == code)
            for code in (matting.BACKGROUND, matting.UNKNOWN, matting.FOREGROUND)
        )
        trimap[is_revealed & (ground < np.minimum(*rest))] = matting.BACKGROUND
    trimap[~np.isin(trimap, matting.CODES)] = matting.UNKNOWN
    radius = max(1, round(SEAM * np.sqrt(trimap.size)))
    is_seam = np.ones(trimap.shape, bool)
    for code in (matting.FOREGROUND, matting.BACKGROUND):
        is_seam &= ~matting.erode(trimap != code, radius)
    trimap[is_seam] = matting.UNKNOWN
    return trimap


def _distance(region: np.ndarray) -> np.ndarray:
    """Gives each pixel's distance to a region, (H, W) float32; far if it is empty."""
    if not region.any():
        return np.full(region.shape, np.inf, np.float32)
    return cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5)
