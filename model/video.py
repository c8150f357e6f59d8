"""The frames of a clip to mattes, one after the other.

Trimaps come from key frames (`propagate`), alphas are steadied (`steady`), colours are
estimated from the steady alpha. The clip is read twice at the same time, as trimaps
are known only when the next key frame is; few frames are held at once.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from model import images, matting, predict
from model.propagate import Guide, Read, propagate
from model.steady import Look, steady

VAGUE = 0.5  # a trimap of which more than this share is unknown tells little


class Shot(NamedTuple):
    """A frame and its matte.

    Attributes:
        number: From 0.
        photograph: The frame.
        matte: Its matte.
        is_vague: Whether its trimap came from other frames and tells little.
    """

    number: int
    photograph: images.Photograph
    matte: predict.Matte
    is_vague: bool


def matte_clip(
    network,
    clip: Iterable[images.Photograph],
    keys: Collection[int],
    read: Read,
    wanted: Sequence[bool],
    is_steady: bool = True,
    views: tuple[float, ...] = predict.ONCE,
) -> Iterator[Shot]:
    """Mattes the frames of a clip.

    Args:
        network: As of `predict.predict`.
        clip: The frames; read twice.
        keys: Numbers of the frames that have a trimap, from 0.
        read: Gives the trimap of such a frame from its number and image.
        wanted: By frame, whether its matte is to be given; those beside one that is
            are matted too, so that it does not depend on what else is wanted.
        is_steady: Whether alphas are averaged with those of the neighbours.
        views: Scales at which frames are looked at, as of `predict.run`.

    Yields:
        The wanted frames, in their order.
    """
    reach = 1 if is_steady else 0
    held: deque[tuple[images.Photograph, Guide, dict]] = deque()

    def look() -> Iterator[Look]:
        pixels = (photograph.pixels for photograph in clip)
        guides = propagate(pixels, keys, read)
        for at, (photograph, guide) in enumerate(zip(clip, guides, strict=True)):
            outputs = {"alpha": None}
            if any(wanted[max(0, at - reach) : at + reach + 1]):
                image, trimap = photograph.pixels, guide.trimap
                outputs = predict.run(network, image, trimap, views)
            held.append((photograph, guide, outputs))
            yield Look(photograph.pixels, guide.trimap, outputs["alpha"])

    alphas = steady(look()) if is_steady else (one.alpha for one in look())
    for number, alpha in enumerate(alphas):
        photograph, guide, outputs = held.popleft()
        if wanted[number]:
            matte = predict.finish(photograph.pixels, outputs | {"alpha": alpha})
            is_unknown = guide.trimap == matting.UNKNOWN
            is_vague = guide.is_propagated and np.mean(is_unknown) > VAGUE
            yield Shot(number, photograph, matte, bool(is_vague))
