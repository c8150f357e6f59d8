"""Places a whole cut-out in a whole background: the stored composites.

A cut-out and a background go in as float32 in [0, 1]; the uint8 arrays that
`scripts/combine.py` writes come out. Where `compose.py` makes crops for training,
this makes pictures to look at and to validate on.
"""

import cv2
import numpy as np

from model import frame, images, matting, rgba

SCALES = (0.6, 1.1)  # of the largest cut-out that fits into the frame
OVERHANG = 0.15  # of a side of the cut-out that may leave the frame
VISIBLE = 0.7  # of the cut-out's alpha that must stay in the frame
VISIBLE_CLOSE = 0.35  # the same of one that fills the frame from side to side
CLOSE_SCALES = (1.0, 1.25)  # of the smallest of those that does
TRIES = 6  # the looser ones first
ZOOM = 1.5  # of the background, at most


def compose_sample(
    foreground: np.ndarray,
    alpha: np.ndarray,
    background: np.ndarray,
    rng: np.random.Generator,
    height: int,
    width: int,
    erosion: tuple[float, float],
    gamma: float = 1.0,
) -> tuple[dict[str, np.ndarray], dict]:
    """Places a cut-out at random in a random part of a background.

    Alpha and colours are rounded to 8 bits before the image is made of them, so
    that the written layers compose to the written image.

    Args:
        foreground: (H, W, 3) float32 in [0, 1], without large empty margins.
        alpha: (H, W) float32 in [0, 1].
        background: (any, any, 3) float32 in [0, 1].
        rng: Source of every choice.
        height: Of the result, in pixels.
        width: Of the result, in pixels.
        erosion: Smallest and largest trimap radius, as fractions of the longer side.
        gamma: As in `matting.composite`.

    Returns:
        The uint8 arrays `image`, `trimap`, `alpha`, `foreground` and `background`
        of the given size, and what was chosen, in pixels, as plain numbers.

    Raises:
        ValueError: If nothing of the cut-out is left at this size.
    """
    foreground, alpha, placement = place_cutout(foreground, alpha, rng, height, width)
    background, crop = cover(background, rng, height, width)
    layers = {
        "alpha": images.to_uint8(alpha),
        "background": images.to_uint8(background),
    }
    alpha = layers["alpha"] / np.float32(255)
    foreground = rgba.extend_colours(foreground, alpha)
    layers["foreground"] = images.to_uint8(foreground)
    layers["image"] = images.to_uint8(
        matting.composite(
            layers["foreground"] / np.float32(255),
            layers["background"] / np.float32(255),
            alpha,
            gamma,
        )
    )
    radii = np.maximum(np.rint(rng.uniform(*erosion, 2) * max(height, width)), 1)
    radii = {  # at least 1 for the foreground, so that a hard edge is unknown, too
        "foreground_erosion": matting.bounded_radius(
            alpha == 1, int(radii[0]), least=1
        ),
        "background_erosion": matting.bounded_radius(
            alpha == 0, int(radii[1]), least=0
        ),
    }
    layers["trimap"] = matting.trimap_from_alpha(alpha, **radii)
    return layers, {**placement, **crop, **radii}


def place_cutout(
    foreground: np.ndarray,
    alpha: np.ndarray,
    rng: np.random.Generator,
    height: int,
    width: int,
) -> tuple[np.ndarray, np.ndarray, dict]:
    """Flips, scales and moves a cut-out so that it is mostly in an empty frame.

    Where its own picture cuts it off, the frame does, too. If that leaves no pixel
    empty or too little of it to see, it is placed wholly in the frame, cuts and all.
    """
    flip = bool(rng.integers(2))
    if flip:
        foreground, alpha = foreground[:, ::-1], alpha[:, ::-1]
    cuts = frame.find_cuts(alpha)
    is_close = (cuts.top and cuts.bottom) or (cuts.left and cuts.right)
    least = VISIBLE_CLOSE if is_close else VISIBLE
    tries = [(cuts, looseness) for looseness in np.linspace(1, 0, TRIES)]
    if any(cuts):
        tries.append((frame.Cuts(*[False] * 4), 0))  # lies wholly in the frame
    for held, looseness in tries:
        scale = choose_scale(alpha.shape, held, looseness, rng, height, width)
        sides = [max(1, round(side * scale)) for side in alpha.shape]
        corner = [
            choose_start(side, room, looseness, *ends, rng)
            for side, room, ends in (
                (sides[0], height - sides[0], held[:2]),
                (sides[1], width - sides[1], held[2:]),
            )
        ]
        small, small_alpha = rgba.resize_cutout(foreground, alpha, *sides)
        layers = np.dstack([small, small_alpha])
        layers = paste(layers, *corner, height, width)
        placed = layers[..., 3]
        if placed.min() == 0 and placed.sum() >= least * small_alpha.sum() > 0:
            break
    if not images.to_uint8(placed).any():
        raise ValueError(f"nothing to see at {width}x{height} pixels; leave it out")
    placement = {"top": corner[0], "left": corner[1], "flip": flip}
    placement |= {"cutout_height": sides[0], "cutout_width": sides[1]}
    return layers[..., :3], placed, placement


def choose_scale(
    shape: tuple[int, int],
    cuts: frame.Cuts,
    looseness: float,
    rng: np.random.Generator,
    height: int,
    width: int,
) -> float:
    """Draws by how much a cut-out is enlarged.

    Args:
        shape: Its height and width in pixels.
        cuts: The sides at which the frame has to cut it off.
        looseness: 1 to let it leave the frame, 0 to keep it in.
        rng: Source of the choice.
        height: Of the frame, in pixels.
        width: Of the frame, in pixels.

    Returns:
        The scale.
    """
    spans = []
    if cuts.top and cuts.bottom:
        spans.append(height / shape[0])
    if cuts.left and cuts.right:
        spans.append(width / shape[1])
    if spans:
        return max(spans) * rng.uniform(*CLOSE_SCALES)
    fit = min(height / shape[0], width / shape[1])
    return fit * rng.uniform(SCALES[0], np.interp(looseness, (0, 1), SCALES))


def choose_start(
    side: int,
    room: int,
    looseness: float,
    is_cut_before: bool,
    is_cut_after: bool,
    rng: np.random.Generator,
) -> int:
    """Draws where a cut-out begins along one axis of the frame.

    Args:
        side: Its length along the axis, in pixels.
        room: That of the frame less its own.
        looseness: 1 to let it leave the frame, 0 to keep it in.
        is_cut_before: Whether the frame has to cut it off where the axis begins.
        is_cut_after: Whether the frame has to cut it off where the axis ends.
        rng: Source of the choice.

    Returns:
        The place in pixels, below 0 if it begins outside.
    """
    slack = round(OVERHANG * looseness * side)
    low, high = min(0, room) - slack, max(0, room) + slack
    if is_cut_before:
        high = min(high, 0)
    if is_cut_after:
        low = min(max(low, room), high)
    return int(rng.integers(low, high + 1))


def paste(
    layers: np.ndarray, top: int, left: int, height: int, width: int
) -> np.ndarray:
    """Moves a picture into an empty frame and cuts off what leaves it, maybe all."""
    frame = np.zeros((height, width, layers.shape[2]), np.float32)
    layers = layers[max(-top, 0) :, max(-left, 0) :][
        : max(height - max(top, 0), 0), : max(width - max(left, 0), 0)
    ]
    rows = slice(max(top, 0), max(top, 0) + layers.shape[0])
    columns = slice(max(left, 0), max(left, 0) + layers.shape[1])
    frame[rows, columns] = layers
    return frame


def cover(
    background: np.ndarray, rng: np.random.Generator, height: int, width: int
) -> tuple[np.ndarray, dict]:
    """Cuts a random part of the frame's shape out of a background and resizes it."""
    scale = max(height / background.shape[0], width / background.shape[1])
    scale *= rng.uniform(1, np.clip(1 / scale, 1, ZOOM))  # zooms, but enlarges nothing
    sides = [
        int(np.clip(round(side / scale), 1, limit))
        for side, limit in zip((height, width), background.shape[:2], strict=True)
    ]
    top, left = (
        int(rng.integers(limit - side + 1))
        for side, limit in zip(sides, background.shape[:2], strict=True)
    )
    part = background[top : top + sides[0], left : left + sides[1]]
    shrinks = sides[0] * sides[1] > height * width
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    part = cv2.resize(part, (width, height), interpolation=interpolation)
    crop = {"crop_top": top, "crop_left": left}
    return part, crop | {"crop_height": sides[0], "crop_width": sides[1]}
