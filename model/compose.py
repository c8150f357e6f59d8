"""Makes one training crop out of layers: a new composite for every sample.

In go the decoded layers (cut-outs and backgrounds) and a random generator, out
comes one crop as the named arrays that `dataset.py` batches. Some foregrounds are
drawn instead: strands, smoke, baskets. NumPy and OpenCV only; the augmentations and
their strengths follow the pipelines that paid off in published matting work (GCA,
AEMatter, RMat).
"""

import cv2
import numpy as np

from model import basket, camera, cutout, fringe, images, matting, pelt, smoke, strands

PAIR_PROBABILITY = 0.2  # two cut-outs together (GCA uses 0.5)
DENSITY = (1.0, 10.0)  # how many times as dense a cut-out becomes, log-uniform
WIDEST_BAND = 0.1  # erosion of a known region, as a share of the crop's side
WIDEST_SIDE = 256  # pixels: of larger crops it is a share of this
FOREGROUND_BAND, BACKGROUND_BAND = 0.4, 1.5  # powers: wide bands are likelier below 1
TEXTURE_PROBABILITY = 0.4  # of a photograph's colours in the shape of a cut-out
STRANDS_SHARE = 0.3  # of those: strands instead of the cut-out
PELT_SHARE = 0.4  # of those: something hairy instead
SMOKE_SHARE = 0.35  # of translucent crops: drawn smoke instead of a cut-out
TINT_PROBABILITY = 0.7  # of the others, if they are opaque somewhere: as of glass
HIGHLIGHT_PROBABILITY = 0.5  # of translucent crops
FRINGE_SHARE = 0.4  # of woven crops: a fringe instead of a basket
BACKGROUND_ZOOM = (0.6, 2.5)  # its scale, log-uniform
DEFOCUS_PROBABILITY = 0.7  # of the background
LENS_PROBABILITY = 0.9  # of a lens that softens all alike, alpha too
LENS = (0.3, 0.8)  # its blur, as a deviation in pixels
EDITOR_PROBABILITY = 0.2  # values added up as in an editor, not light as in a camera
GAMMA = (1.8, 2.4)  # of cameras
EVEN_PROBABILITY = 0.5  # of a foreground with less texture
EVEN = (0.3, 0.9)  # share of it that is lost
EVEN_BLUR = (2.0, 12.0)  # deviation in pixels below which it is texture, log-uniform
SPILL_PROBABILITY = 0.3  # light of the background on the foreground
SPILL = 0.25  # the most of it
SHADE_PROBABILITY = 0.3  # of a rim in another light
SHADE = (-1.2, 0.6)  # logarithm of that light
GLINT_PROBABILITY = 0.3  # highlights that come and go along a strand
GLINT = 1.5  # the most that they brighten, for each deviation of their noise


def compose_crop(
    upper: cutout.Cutout,
    lower: cutout.Cutout | None,
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
    drawn = random.random() if texture is not None else 1.0
    if drawn < STRANDS_SHARE:
        foreground, alpha = strands.draw_strands(texture, size, random)
        alpha = cutout.thicken(alpha, density)
    elif drawn < STRANDS_SHARE + PELT_SHARE:
        foreground, alpha = pelt.draw_pelt(texture, size, random)
        foreground = camera.recolour(foreground, random, strength=1.0)
    else:
        foreground, alpha = cutout.crop(upper, size, random)
        if texture is not None:
            colours = crop_background(texture, size, random)
            foreground = camera.recolour(colours, random, strength=1.0)
        if upper.is_solid:
            alpha = cutout.thicken(alpha, density)
    if lower is not None:
        foreground, alpha = matting.overlay(
            foreground, alpha, *cutout.crop(lower, size, random)
        )
    return take_picture(foreground, alpha, background, random)


def compose_translucent(
    upper: cutout.Cutout,
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
        foreground = camera.recolour(foreground, random, strength=1.0)
    else:
        foreground, alpha = cutout.crop(upper, size, random, is_whole=True)
        if upper.is_solid and random.random() < TINT_PROBABILITY:
            alpha = smoke.tint(alpha, random)
    if random.random() < HIGHLIGHT_PROBABILITY:
        foreground, alpha = smoke.highlight(foreground, alpha, random)
    return take_picture(foreground, alpha, background, random)


def compose_woven(
    inside: list[cutout.Cutout],
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
        foreground, alpha = fringe.draw_fringe(texture, size, random)
    else:
        things = [cutout.crop(thing, size, random) for thing in inside]
        foreground, alpha = basket.draw_basket(texture, things, size, random)
    foreground = camera.recolour(foreground, random, strength=1.0)
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
    if random.random() < EVEN_PROBABILITY:
        blur = float(np.exp(random.uniform(*np.log(EVEN_BLUR))))
        strength = random.uniform(*EVEN)
        foreground = camera.even_out(foreground, alpha, strength, blur)
    if random.random() < SHADE_PROBABILITY:
        strength = random.uniform(*SHADE)
        foreground = camera.shade(foreground, alpha, strength, random)
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
    zoom = np.exp(random.uniform(*np.log(BACKGROUND_ZOOM)))
    side = min(shorter, round(size / zoom))
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
    return camera.recolour(piece, random, strength=0.5)


def random_trimap(alpha: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draws a trimap whose two known regions are eroded independently.

    Args:
        alpha: (H, W) uint8.
        random: Source of every choice made here.

    Returns:
        (H, W) uint8 trimap.
    """
    widest = WIDEST_BAND * min(*alpha.shape, WIDEST_SIDE)
    shares = random.uniform(0, 1, 2) ** (FOREGROUND_BAND, BACKGROUND_BAND)
    radii = 1 + np.round(widest * shares).astype(int)
    return matting.trimap_from_alpha(
        alpha.astype(np.float32) / 255,
        matting.bounded_radius(alpha == 255, int(radii[0]), least=1),
        matting.bounded_radius(alpha == 0, int(radii[1]), least=1),
    )
