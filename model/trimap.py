"""Trimaps that nobody painted: from a mask, from a box, from a few strokes.

What comes out is foreground and background where they are sure, and a band between
them in which matting has to find out. Box and strokes go through GrabCut (Rother et
al., SIGGRAPH 2004; OpenCV's), which needs colours that tell both apart.
"""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

import cv2
import numpy as np

from model import guides, images, matting

BAND = 0.012  # half of the unknown band's width, as a share of the picture's side
SOFT = 0.05  # a mask's value is soft if it is farther than this from 0 and from 1
WORKING_SIDE = 640  # pixels of the longer side at which GrabCut works
ROUNDS = 5  # of GrabCut
SPECK = 5  # side of the median that takes single pixels out of its result

Box = tuple[int, int, int, int]  # x, y of the upper left corner, width, height


def parse_box(text: str) -> Box:
    """Reads a box as it is written on a command line.

    Args:
        text: `x,y,w,h` in pixels.

    Returns:
        The four numbers.

    Raises:
        ArgumentTypeError: If it is something else.

    >>> parse_box("40,30,300,400")
    (40, 30, 300, 400)
    """
    try:
        x, y, width, height = (int(number) for number in text.split(","))
    except ValueError as error:
        raise ArgumentTypeError(
            f"got {text!r}; give four whole numbers x,y,w,h"
        ) from error
    return x, y, width, height


def add_options(parser: ArgumentParser) -> None:
    """Adds what a trimap can be made from: --mask, --box, --scribbles, and --band.

    Args:
        parser: Of a program.
    """
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--mask", type=Path, help="rough mask, any grey or alpha")
    source.add_argument(
        "--box", type=parse_box, metavar="X,Y,W,H", help="around the object"
    )
    source.add_argument(
        "--scribbles", type=Path, help="picture of strokes, white and black on grey"
    )
    parser.add_argument(
        "--band",
        type=parse_band,
        default=BAND,
        help="half of the unknown band's width over the picture's side "
        "(default: %(default)s)",
    )


def parse_band(text: str) -> float:
    """Reads a band as it is written on a command line.

    Args:
        text: A share between 0 and 0.5.

    Returns:
        The number.

    Raises:
        ArgumentTypeError: If it is something else.
    """
    try:
        band = float(text)
    except ValueError:
        band = 0
    if not 0 < band < 0.5:
        raise ArgumentTypeError(f"got {text!r}; give a share between 0 and 0.5")
    return band


def from_options(
    image: np.ndarray,
    mask: Path | None,
    strokes: Path | None,
    box: Box | None,
    band: float,
) -> np.ndarray:
    """Makes a trimap from whichever of a mask, strokes and a box is given.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        mask: A file, or None.
        strokes: A file, or None.
        box: As of `from_box`, or None.
        band: As of `from_mask`.

    Returns:
        (H, W) uint8 trimap of the size of the image.

    Raises:
        OSError: If a file is missing or not readable.
        ValueError: If it does not fit the image or nothing was found; the message
            begins with the file, or with --box.
    """
    place = mask or strokes or "--box"
    try:
        if mask:
            trimap = from_mask(guides.read_mask(mask), band)
        elif strokes:
            trimap = from_scribbles(image, guides.read_strokes(strokes), band)
        else:
            trimap = from_box(image, box, band)
        matting.check_pair(image, trimap)
    except ValueError as error:
        known = str(error).startswith(str(place))
        raise ValueError(str(error) if known else f"{place}: {error}") from error
    return trimap


def from_mask(mask: np.ndarray, band: float = BAND) -> np.ndarray:
    """Makes the surroundings of a mask's edge unknown.

    Args:
        mask: (H, W) float32 in [0, 1]: an alpha, or a segmentation, hard or soft.
        band: Pixels to either side of the edge, and around soft values, as a share
            of the side of a square as large as the picture; so the band is wider
            where the mask is soft.

    Returns:
        (H, W) uint8 trimap.

    Raises:
        ValueError: If nothing, or everything, is foreground, or the band is no share.
    """
    if not 0 < band < 0.5:
        raise ValueError(f"band: got {band:g}; give a share between 0 and 0.5")
    is_foreground, is_background = mask >= 1 - SOFT, mask <= SOFT
    for region, name, least in (
        (is_foreground, "foreground", "nothing is as white as 0.95"),
        (is_background, "background", "nothing is as black as 0.05"),
    ):
        if not region.any():
            raise ValueError(f"mask has no {name} ({least}); give one that shows it")
    radius = max(2, round(band * np.sqrt(mask.size)))
    trimap = np.full(mask.shape, matting.UNKNOWN, np.uint8)
    for region, code in (
        (is_foreground, matting.FOREGROUND),
        (is_background, matting.BACKGROUND),
    ):
        kept = matting.bounded_radius(region, radius, least=1)
        trimap[matting.erode(region, kept)] = code
    return trimap


def from_box(image: np.ndarray, box: Box, band: float = BAND) -> np.ndarray:
    """Finds the object inside a box by GrabCut.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        box: Around the object, in pixels; all outside is background, but for the
            unknown band of an object that reaches to it.
        band: As of `from_mask`.

    Returns:
        (H, W) uint8 trimap.

    Raises:
        ValueError: If the box is not inside the picture, or nothing was found in it.
    """
    height, width = image.shape[:2]
    x, y, across, down = box
    if (
        min(x, y) < 0
        or min(across, down) < 2
        or x + across > width
        or y + down > height
    ):
        raise ValueError(
            f"box {x},{y},{across},{down} is not inside the picture of {width}x{height}"
        )
    if across * down == width * height:
        raise ValueError("box is the whole picture; leave some background around it")
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    labels[y : y + down, x : x + across] = cv2.GC_PR_FGD
    trimap = from_mask(_cut(image, labels), band)
    if not (trimap == matting.BACKGROUND).any():
        raise ValueError("box leaves no background; leave more of it around the object")
    return trimap


def from_scribbles(
    image: np.ndarray, strokes: np.ndarray, band: float = BAND
) -> np.ndarray:
    """Finds the object that strokes mark by GrabCut.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        strokes: (H, W) uint8 codes as of a trimap: strokes of foreground and of
            background, unknown elsewhere.
        band: As of `from_mask`.

    Returns:
        (H, W) uint8 trimap, in which the strokes stay what they are.

    Raises:
        ValueError: If the sizes differ, strokes of one kind are missing, or nothing
            was found.
    """
    if strokes.shape != image.shape[:2]:
        raise ValueError(
            f"strokes are {strokes.shape[1]}x{strokes.shape[0]} but the picture is "
            f"{image.shape[1]}x{image.shape[0]}; give two of the same size"
        )
    for code, name in (
        (matting.FOREGROUND, "foreground (white)"),
        (matting.BACKGROUND, "background (black)"),
    ):
        if not (strokes == code).any():
            raise ValueError(f"no stroke of {name}; draw one of each")
    labels = np.full(strokes.shape, cv2.GC_PR_BGD, np.uint8)
    labels[strokes == matting.BACKGROUND] = cv2.GC_BGD
    labels[strokes == matting.FOREGROUND] = cv2.GC_FGD
    trimap = from_mask(_cut(image, labels), band)
    is_stroke = strokes != matting.UNKNOWN
    return np.where(is_stroke, strokes, trimap)


def _cut(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Runs GrabCut in small and gives the mask in large, (H, W) float32 in [0, 1]."""
    height, width = labels.shape
    scale = min(1, WORKING_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(images.to_uint8(image), size, interpolation=cv2.INTER_AREA)
    found = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    for sure in (cv2.GC_BGD, cv2.GC_FGD):  # thin strokes must survive the reduction
        part = (labels == sure).astype(np.float32)
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        other = cv2.GC_BGD + cv2.GC_FGD - sure
        found[(part > 0) & (found != other)] = sure
    is_foreground = np.isin(found, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if not is_foreground.any() or not (found == cv2.GC_BGD).any():
        raise ValueError(
            "box or strokes are too small, or leave too little background, for a "
            f"picture of {width}x{height}; give larger ones"
        )
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(
        small[..., ::-1].copy(),
        found,
        None,
        *models,
        ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )
    mask = np.isin(found, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    mask = cv2.medianBlur(mask, SPECK)
    if not mask.any():
        raise ValueError(
            "GrabCut found no foreground: its colours are those of the background; "
            "draw strokes, or paint the trimap"
        )
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
