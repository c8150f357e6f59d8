"""One photograph and its trimap to alpha and foreground: the only road there.

The picture is padded to what the network needs, the prior is solved, the network
runs, the padding comes off, what the trimap knows is kept exactly, and the colours
are estimated from the alpha, unless the network has some of its own.
"""

from typing import NamedTuple

import numpy as np

from model import images, matting, prior
from model.foreground import estimate_foreground
from model.generator import DIVISOR


class Matte(NamedTuple):
    """What matting gives.

    Attributes:
        alpha: (H, W) float32 in [0, 1].
        foreground: (H, W, 3) float32 in [0, 1], not premultiplied.
    """

    alpha: np.ndarray
    foreground: np.ndarray


def predict(generator, image: np.ndarray, trimap: np.ndarray) -> Matte:
    """Mattes one picture.

    Args:
        generator: As `checkpoint.load_generator` gives it.
        image: (H, W, 3) float32 in [0, 1], of any size.
        trimap: (H, W) uint8.

    Returns:
        Alpha, exactly 0 and 1 where the trimap is known, and foreground, equal
        to the image where alpha is 1.
    """
    height, width = trimap.shape
    padding = ((0, -height % DIVISOR), (0, -width % DIVISOR))
    inputs = {
        "image": np.pad(image, (*padding, (0, 0)), mode="symmetric"),
        "trimap": np.pad(trimap, padding, mode="symmetric"),
    }
    asked = {tensor.name for tensor in generator.inputs}
    if "prior" in asked:
        guess = prior.first_guess(inputs["image"], inputs["trimap"])
        for name, values in zip(("prior", "colours", "samples"), guess, strict=True):
            inputs[name] = images.to_uint8(values) / np.float32(255)  # as in training
    batch = {
        name: np.atleast_3d(values)[None]
        for name, values in inputs.items()
        if name in asked
    }
    outputs = generator.predict_on_batch(batch)  # twice as fast as calling it
    alpha = outputs["alpha"][0, :height, :width, 0]
    alpha = matting.paste_known(alpha, trimap)
    if "foreground" not in outputs:
        return Matte(alpha, estimate_foreground(image, alpha))
    colour = outputs["foreground"][0, :height, :width]
    return Matte(alpha, np.where(alpha[..., None] == 1, image, np.clip(colour, 0, 1)))
