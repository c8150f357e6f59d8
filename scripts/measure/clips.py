"""Short clips with true alpha, to measure video on: a cut-out moves over a photograph.

Both move by themselves, smoothly, so that the background is hidden and comes to light
again; light is added up as in a camera, and each frame has noise of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from model import images, matting, rgba

NOISE = 0.008  # deviation of the camera's noise, of 1
FILL = 0.8  # of the frame's shorter side: the longer one of the cut-out
SHIFT = 0.12  # of the frame's width: how far the cut-out goes to either side
TURN = 6.0  # degrees: how far it turns to either side
GROWTH = 0.06  # how much larger and smaller it becomes
PAN = 0.1  # of the frame's width: how far the background goes the other way
ROUND = 24  # frames in which the cut-out is where it began


class Frame(NamedTuple):
    """One frame of a clip.

    Attributes:
        image: (H, W, 3) float32 in [0, 1], rounded to 8 bits.
        alpha: The true one, (H, W) float32 in [0, 1].
    """

    image: np.ndarray
    alpha: np.ndarray


def make_clip(
    cutout: Path, background: Path, size: tuple[int, int], count: int, seed: int = 0
) -> Iterator[Frame]:
    """Lets a cut-out move over a photograph.

    Args:
        cutout: An RGBA picture.
        background: A photograph.
        size: Width and height in pixels.
        count: Of frames.
        seed: Of the noise.

    Yields:
        The frames.
    """
    random = np.random.default_rng(seed)
    foreground, alpha = images.read_cutout(cutout)
    layers = np.dstack([foreground * alpha[..., None], alpha])
    behind = images.read_image(background)
    for at in range(count):
        angle = 2 * np.pi * at / ROUND
        moved = _move(
            layers,
            size,
            scale=FILL * min(size) / max(alpha.shape) * (1 + GROWTH * np.sin(angle)),
            turn=TURN * np.sin(angle),
            shift=(SHIFT * size[0] * np.sin(angle), 0.03 * size[1] * np.cos(angle)),
            border=cv2.BORDER_CONSTANT,
        )
        cover = (1 + 2 * PAN) * max(
            wanted / got for wanted, got in zip(size, behind.shape[1::-1], strict=True)
        )
        scenery = _move(
            behind,
            size,
            scale=cover,
            turn=0,
            shift=(-PAN * size[0] * np.sin(angle), 0),
            border=cv2.BORDER_REFLECT,
        )
        colours, share = rgba.unpremultiply(moved[..., :3], moved[..., 3])
        share = images.to_uint8(share).astype(np.float32) / 255
        image = matting.composite(colours, scenery, share, matting.CAMERA_GAMMA)
        noisy = image + NOISE * random.standard_normal(image.shape)
        image = images.to_uint8(noisy).astype(np.float32) / 255
        yield Frame(image, share)


def _move(
    picture: np.ndarray,
    size: tuple[int, int],
    scale: float,
    turn: float,
    shift: tuple[float, float],
    border: int,
) -> np.ndarray:
    """Puts the middle of a picture, scaled and turned, near the middle of a frame."""
    height, width = picture.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    way = cv2.getRotationMatrix2D(middle, turn, scale)
    way[:, 2] += np.subtract(size, 1) / 2 + shift - np.array(middle)
    if scale < 1:  # else pixels would be left out
        blur = 0.5 * np.sqrt(1 / scale**2 - 1) + 1e-3
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    moved = cv2.warpAffine(picture, way, size, flags=cv2.INTER_CUBIC, borderMode=border)
    return np.clip(moved, 0, 1)
