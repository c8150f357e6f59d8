"""Makes one training crop out of layers: a new composite for every sample.

In go the decoded layers (cut-outs and backgrounds) and a random generator, out
comes one crop as the named arrays that `dataset.py` batches. NumPy and OpenCV
only; the augmentations and their strengths follow the pipelines that paid off
in published matting work (GCA, AEMatter, RMat).
"""

from typing import NamedTuple

import cv2
import numpy as np

from model import camera, frame, images, matting, rgba, smoke, strands, woven

PAIR_PROBABILITY = 0.2  # two cut-outs together (GCA uses 0.5)
ROTATION = 30.0  # degrees either way
ZOOM = (0.5, 1.6)  # scale of a cut-out, log-uniform
DENSITY = (1.0, 10.0)  # how many times as dense a cut-out becomes, log-uniform
LEAST_SOLID = 0.01  # share of a cut-out that is opaque, to become denser
WIDEST_BAND = 0.1  # erosion of a known region, as a share of the crop's side
FOREGROUND_BAND, BACKGROUND_BAND = 0.4, 1.5  # powers: wide bands are likelier below 1
TEXTURE_PROBABILITY = 0.3  # of a photograph's colours in the shape of a cut-out
STRANDS_SHARE = 0.4  # of those: strands instead of the cut-out
SMOKE_SHARE = 0.35  # of translucent crops: drawn smoke instead of a cut-out
TINT_PROBABILITY = 0.7  # of the others, if they are opaque somewhere: as of glass
FRINGE_SHARE = 0.4  # of woven crops: a fringe instead of a basket
WHOLE = (0.5, 1.5)  # longer side of a translucent cut-out, in sides of the crop
DEFOCUS_PROBABILITY = 0.6  # of the background
RECOLOUR = (  # logarithms of gamma, gain and saturation, least and most
    (-0.25, -0.35, -0.25),  # photographs are darker and more saturated than cut-outs
    (0.55, 0.35, 0.65),
)
LENS_PROBABILITY = 0.9  # of a lens that softens all alike, alpha too
LENS = (0.3, 0.8)  # its blur, as a deviation in pixels
EDITOR_PROBABILITY = 0.2  # values added up as in an editor, not light as in a camera
GAMMA = (1.8, 2.4)  # of cameras
SPILL_PROBABILITY = 0.3  # light of the background on the foreground
SPILL = 0.25  # the most of it
GLINT_PROBABILITY = 0.3  # highlights that come and go along a strand
GLINT = 1.5  # the most that they brighten, for each deviation of their noise


class Cutout(NamedTuple):
    """A foreground kept in memory.

    Attributes:
        foreground: (H, W, 3) uint8, colours extended under alpha 0.
        alpha: (H, W) uint8.
        edge: (N, 2) int, rows and columns of fractional pixels, crop centres.
        cuts: The sides of the picture beyond which the object goes on.
        is_solid: Whether some of it is opaque, which smoke and glass are nowhere.
    """

    foreground: np.ndarray
    alpha: np.ndarray
    edge: np.ndarray
    cuts: frame.Cuts
    is_solid: bool


def cutout(foreground: np.ndarray, alpha: np.ndarray) -> Cutout:
    """Prepares a cut-out for cropping.

    Args:
        foreground: (H, W, 3) float32 in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        The cut-out in 8 bits with the list of its fractional pixels; if there
        are none, of the pixels along its border.
    """
    foreground = rgba.extend_colours(foreground, alpha)
    levels = images.to_uint8(alpha)
    edge = np.argwhere((levels > 12) & (levels < 243))
    if len(edge) < 64:
        edge = np.argwhere(matting.trimap_from_alpha(alpha, 2, 2) == matting.UNKNOWN)
    if not len(edge):  # all of it is as opaque
        edge = np.array([levels.shape]) // 2
    edge = edge[:: max(1, len(edge) // 8192)]
    is_solid = bool(np.mean(levels == 255) > LEAST_SOLID * np.mean(levels > 0))
    colours, cuts = images.to_uint8(foreground), frame.find_cuts(levels)
    return Cutout(colours, levels, edge, cuts, is_solid)


def compose_crop(
    upper: Cutout,
    lower: Cutout | None,
    background: np.ndarray,
    size: int,
    random: np.random.Generator,
    texture: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Composites one augmented crop around a fractional pixel.

    Args:
        upper: The cut-out whose edge the crop is centred on.
        lower: A second cut-out to lie under the first, or None.
        background: (H, W, 3) uint8.
        size: Side of the crop in pixels.
        random: Source of every choice made here.
        texture: (H, W, 3) uint8, a photograph whose colours the upper cut-out is to
            have instead of its own, or of strands in its place; neither if
            None.

    Returns:
        `image` (size, size, 3), `foreground` (size, size, 3), `alpha` and
        `trimap` (size, size), all uint8. The foreground is the clean colour,
        before noise and compression.
    """
    density = np.exp(random.uniform(*np.log(DENSITY)))
    if texture is not None and random.random() < STRANDS_SHARE:
        foreground, alpha = strands.draw_strands(texture, size, random)
        alpha = thicken(alpha, density)
    else:
        foreground, alpha = crop_cutout(upper, size, random)
        if texture is not None:
            colours = crop_background(texture, size, random)
            foreground = recolour(colours, random, strength=1.0)
        if upper.is_solid:
            alpha = thicken(alpha, density)
    if lower is not None:
        foreground, alpha = matting.overlay(
            foreground, alpha, *crop_cutout(lower, size, random)
        )
    return take_picture(foreground, alpha, background, random)


def compose_translucent(
    upper: Cutout,
    background: np.ndarray,
    size: int,
    random: np.random.Generator,
    texture: np.ndarray,
) -> dict[str, np.ndarray]:
    """Composites one augmented crop of a thing that is opaque hardly anywhere.

    The middle of it is in the crop, with most of it and some of what is around, as its
    density cannot be told from a piece.

    Args:
        upper: A cut-out; if it is opaque, glass is made of it, or all of it is unknown.
        background: (H, W, 3) uint8.
        size: Side of the crop in pixels.
        random: Source of every choice made here.
        texture: (H, W, 3) uint8, a photograph with colours for smoke.

    Returns:
        As `compose_crop`.
    """
    if random.random() < SMOKE_SHARE:
        foreground, alpha = smoke.draw_smoke(texture, size, random)
        foreground = recolour(foreground, random, strength=1.0)
    else:
        foreground, alpha = crop_cutout(upper, size, random, is_whole=True)
        if upper.is_solid and random.random() < TINT_PROBABILITY:
            alpha = smoke.tint(alpha, random)
    return take_picture(foreground, alpha, background, random)


def compose_woven(
    inside: list[Cutout],
    background: np.ndarray,
    size: int,
    random: np.random.Generator,
    texture: np.ndarray,
) -> dict[str, np.ndarray]:
    """Composites one augmented crop of a thing full of holes.

    Args:
        inside: Cut-outs to be in a basket.
        background: (H, W, 3) uint8.
        size: Side of the crop in pixels.
        random: Source of every choice made here.
        texture: (H, W, 3) uint8, a photograph with colours for wires or yarn.

    Returns:
        As `compose_crop`.
    """
    if random.random() < FRINGE_SHARE:
        foreground, alpha = woven.draw_fringe(texture, size, random)
    else:
        things = [crop_cutout(thing, size, random) for thing in inside]
        foreground, alpha = woven.draw_basket(texture, things, size, random)
    foreground = recolour(foreground, random, strength=1.0)
    return take_picture(foreground, alpha, background, random)


def take_picture(
    foreground: np.ndarray,
    alpha: np.ndarray,
    background: np.ndarray,
    random: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Takes a picture of a foreground before a background, as a camera would.

    Args:
        foreground: (size, size, 3) float32 in [0, 1].
        alpha: (size, size) float32 in [0, 1].
        background: (H, W, 3) uint8, of which a piece is taken.
        random: Source of every choice made here.

    Returns:
        As `compose_crop`.
    """
    background = crop_background(background, len(alpha), random)
    if random.random() < LENS_PROBABILITY:
        blur = random.uniform(*LENS)
        foreground, alpha = camera.soften(foreground, alpha, blur)
        background = cv2.GaussianBlur(background, (0, 0), blur)
    if random.random() < GLINT_PROBABILITY:
        foreground = camera.glint(foreground, random.uniform(0, GLINT), random)
    if random.random() < SPILL_PROBABILITY:
        foreground = camera.spill(foreground, background, random.uniform(0, SPILL))
    is_edited = random.random() < EDITOR_PROBABILITY
    gamma = 1.0 if is_edited else random.uniform(*GAMMA)
    image = matting.composite(foreground, background, alpha, gamma)
    alpha = images.to_uint8(alpha)
    return {
        "image": camera.degrade(image, random),
        "foreground": images.to_uint8(foreground),
        "alpha": alpha,
        "trimap": random_trimap(alpha, random),
    }


def crop_cutout(
    source: Cutout,
    size: int,
    random: np.random.Generator,
    is_whole: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotates, scales, flips, crops and recolours a cut-out.

    The transform works on premultiplied colours, so hidden ones never show.

    Args:
        source: The cut-out.
        size: Side of the crop in pixels.
        random: Source of every choice made here.
        is_whole: Whether most of it is to be seen, not a piece of its edge at a scale
            of its own.

    Returns:
        Foreground (size, size, 3) and alpha (size, size), float32 in [0, 1].
    """
    layers = premultiply(source.foreground, source.alpha)
    if is_whole:
        zoom = np.exp(random.uniform(*np.log(WHOLE))) * size / max(source.alpha.shape)
        row, column = source.edge.mean(axis=0)
    else:
        zoom = np.exp(random.uniform(*np.log(ZOOM)))
        row, column = source.edge[random.integers(len(source.edge))]
    while zoom < 0.75:  # halve by area first: the warp below would alias
        half = [max(1, length // 2) for length in layers.shape[1::-1]]
        layers = cv2.resize(layers, half, interpolation=cv2.INTER_AREA)
        row, column, zoom = row / 2, column / 2, zoom * 2
    squeeze = np.exp(random.uniform(-0.15, 0.15, 2))
    flip = random.choice([-1, 1])
    angle = np.deg2rad(random.uniform(-ROTATION, ROTATION))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag(zoom * squeeze * [flip, 1])  # acts on (column, row)
    target = size / 2 + random.uniform(-0.3, 0.3, 2) * size
    shift = target - linear @ [column, row]
    interpolation = random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])
    matrix = np.column_stack([linear, shift])
    layers = frame.warp(layers, matrix, size, interpolation, source.cuts)
    foreground, alpha = rgba.unpremultiply(layers[..., :3], layers[..., 3])
    return recolour(foreground, random, strength=1.0), alpha


def premultiply(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Stacks premultiplied colour and alpha.

    Args:
        foreground: (H, W, 3) uint8.
        alpha: (H, W) uint8.

    Returns:
        (H, W, 4) float32 in [0, 1].
    """
    alpha = alpha.astype(np.float32) / 255
    layers = np.empty((*alpha.shape, 4), np.float32)
    np.multiply(foreground, (alpha / 255)[..., None], out=layers[..., :3])
    layers[..., 3] = alpha
    return layers


def thicken(alpha: np.ndarray, density: float) -> np.ndarray:
    """Makes a cut-out denser: 1 - (1 - alpha)^density.

    What shines through several layers alike is the product of what shines through
    each (Beer and Lambert's law), so a density of 2 is two such layers of hair. An
    edge moves outwards by a fraction of a pixel.

    Args:
        alpha: (H, W) float32 in [0, 1].
        density: Above 0.

    Returns:
        (H, W) float32 in [0, 1].

    >>> thicken(np.float32([[0.0, 0.5, 1.0]]), 2)
    array([[0.  , 0.75, 1.  ]], dtype=float32)
    """
    return 1 - (1 - alpha) ** np.float32(density)


def crop_background(
    background: np.ndarray, size: int, random: np.random.Generator
) -> np.ndarray:
    """Takes a random, sometimes defocused piece of a background.

    Args:
        background: (H, W, 3) uint8.
        size: Side of the crop in pixels.
        random: Source of every choice made here.

    Returns:
        (size, size, 3) float32 in [0, 1].
    """
    shorter = min(background.shape[:2])
    side = int(shorter * random.uniform(min(1, size / shorter * 0.7), 1))
    row = random.integers(background.shape[0] - side + 1)
    column = random.integers(background.shape[1] - side + 1)
    piece = background[row : row + side, column : column + side]
    if random.random() < 0.5:
        piece = piece[:, ::-1]
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    piece = cv2.resize(piece, (size, size), interpolation=interpolation)
    piece = piece.astype(np.float32) / 255
    if random.random() < DEFOCUS_PROBABILITY:
        piece = cv2.GaussianBlur(piece, (0, 0), np.exp(random.uniform(0, 2.3)))
    return recolour(piece, random, strength=0.5)


def recolour(
    colour: np.ndarray, random: np.random.Generator, strength: float
) -> np.ndarray:
    """Changes gamma, contrast, brightness, saturation and channel balance.

    Args:
        colour: (H, W, 3) float32 in [0, 1].
        random: Source of every choice made here.
        strength: 1 for the full range of changes, 0 for none.

    Returns:
        (H, W, 3) float32 in [0, 1].
    """
    gamma, gain, saturation = np.exp(strength * random.uniform(*RECOLOUR))
    balance = np.exp(strength * random.uniform(-0.12, 0.12, 3)).astype(np.float32)
    colour = cv2.pow(np.clip(colour, 0, 1), float(gamma)) * (balance * np.float32(gain))
    grey = colour.mean(axis=2, keepdims=True)
    colour = grey + np.float32(saturation) * (colour - grey)
    return np.clip(colour, 0, 1)


def random_trimap(alpha: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draws a trimap whose two known regions are eroded independently.

    Args:
        alpha: (H, W) uint8.
        random: Source of every choice made here.

    Returns:
        (H, W) uint8 trimap.
    """
    widest = WIDEST_BAND * min(alpha.shape)
    shares = random.uniform(0, 1, 2) ** (FOREGROUND_BAND, BACKGROUND_BAND)
    radii = 1 + np.round(widest * shares).astype(int)
    return matting.trimap_from_alpha(
        alpha.astype(np.float32) / 255,
        matting.bounded_radius(alpha == 255, int(radii[0]), least=1),
        matting.bounded_radius(alpha == 0, int(radii[1]), least=1),
    )
