"""The discriminator: a PatchGAN that judges composites together with their trimap.

It takes a dict of `composite` (B, H, W, 3) float32 in [0, 1] and `trimap`
(B, H, W, 1) uint8 codes, and gives one logit for every patch: real or generated.
"""

import keras

RECEPTIVE_FIELDS = {1: 16, 2: 34, 3: 70}  # strided layers -> patch side in pixels


def build_discriminator(width: int = 32, strided_layers: int = 2) -> keras.Model:
    """Builds the PatchGAN of Isola et al. ("Image-to-Image Translation", 2017).

    Args:
        width: Channels of the first layer, doubled at each following one.
        strided_layers: 2 sees patches of 34 pixels, 3 of 70 (`RECEPTIVE_FIELDS`).

    Returns:
        The functional network, whose output is (B, h, w, 1) float32 logits.

    Raises:
        ValueError: If the number of strided layers is not 1, 2 or 3.
    """
    if strided_layers not in RECEPTIVE_FIELDS:
        raise ValueError(f"discriminator: got {strided_layers} strided layers; use 1-3")
    inputs = {
        "composite": keras.Input((None, None, 3), name="composite"),
        "trimap": keras.Input((None, None, 1), name="trimap", dtype="uint8"),
    }
    x = keras.layers.Concatenate()(
        [
            keras.layers.Rescaling(2, -1)(inputs["composite"]),  # [0, 1] -> [-1, 1]
            keras.layers.Rescaling(2 / 255, -1)(inputs["trimap"]),  # codes -> [-1, 1]
        ]
    )
    for layer in range(strided_layers + 1):
        strides = 2 if layer < strided_layers else 1
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.Conv2D(width * 2**layer, 4, strides)(x)  # -> (B, h/2, w/2, C)
        if layer > 0:
            x = keras.layers.GroupNormalization(8)(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    x = keras.layers.ZeroPadding2D(1)(x)
    logits = keras.layers.Conv2D(1, 4, name="logits", dtype="float32")(x)
    return keras.Model(inputs, logits)
