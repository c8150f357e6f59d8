"""The generator: a U-Net from image and trimap to alpha and foreground.

Both presets take a dict of `image` (B, H, W, 3) float32 in [0, 1] and `trimap`
(B, H, W, 1) uint8 codes, and give a dict of `alpha` (B, H, W, 1) float32; that of
the baseline has `foreground` (B, H, W, 3) too. Height and width are multiples of
32.
"""

import keras
import tensorflow as tf

from model import encoder, operations

PRESETS = ("matting", "paper2018")
DETAIL = 12  # channels at full resolution
# channels of the levels, fine to coarse: from half of the resolution on, or from all
WIDTHS = {"matting": (32, 64, 96, 128, 160), "paper2018": (16, 32, 64, 128)}
BLOCKS = {16: 1, 8: 2, 4: 1, 2: 1}  # residual blocks by divisor of the sides


def build_generator(
    preset: str = "matting",
    widths: tuple[int, ...] | None = None,
    use_prior: bool = True,
) -> keras.Model:
    """Builds the generator of a preset.

    Args:
        preset: `matting`, or `paper2018` for the published baseline.
        widths: Channels of each level from fine to coarse, five for `matting`; the
            preset's own if None.
        use_prior: Whether `matting` also takes the first guess (`prior.Guess`) as
            `prior` (B, H, W, 1), `colours` (B, H/4, W/4, 6) and `samples` (B, H/2,
            W/2, 2), float32 in [0, 1], and predicts the difference to it.

    Returns:
        The functional network, named after its preset.

    Raises:
        ValueError: If the preset is unknown or the number of levels is wrong.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset: got {preset!r}; use one of {', '.join(PRESETS)}")
    widths = tuple(widths or WIDTHS[preset])
    if preset == "paper2018":
        if not 2 <= len(widths) <= 5:
            raise ValueError(f"widths: got {len(widths)} levels; give 2 to 5")
        network = _paper2018(widths)
    else:
        if len(widths) != 5:
            raise ValueError(f"widths: got {len(widths)} levels; give 5")
        network = _matting(widths, use_prior)
    network.jit_compile = False  # XLA is slow at depthwise convolutions on processors
    return network


def _matting(widths: tuple[int, ...], use_prior: bool) -> keras.Model:
    """Builds a U-Net whose way down is a pretrained encoder.

    The decoder works from a thirty-second up to a half of the resolution, where
    the last layer predicts four pixels at a time: thin layers at full resolution are
    slow for what they learn. What is known beside the image (`_guides`) joins the
    decoder, and the encoder before each of its reductions. The last layer starts
    at zero, so that training starts from the prior itself.
    """
    inputs = {
        "image": keras.Input((None, None, 3), name="image"),
        "trimap": keras.Input((None, None, 1), name="trimap", dtype="uint8"),
    }
    if use_prior:
        inputs |= {
            "prior": keras.Input((None, None, 1), name="prior"),
            "colours": keras.Input((None, None, 6), name="colours"),
            "samples": keras.Input((None, None, 2), name="samples"),
        }
    one_hot = operations.OneHotTrimap(name="one_hot")(inputs["trimap"])
    guides = _guides(inputs, one_hot)
    features = encoder.encode(inputs["image"], guides)

    x = keras.layers.MaxPooling2D()(features[16])  # -> (B, H/32, W/32, 112)
    x = _convolution(x, widths[-1])
    x = _convolution(x, widths[-1], dilation=2)
    factor = 32
    for width in reversed(widths[:-1]):
        factor //= 2
        x = _convolution(x, width, kernel=1)
        x = operations.Enlarge()(x)  # -> (B, 2h, 2w, C)
        joined = [part[factor] for part in (features, guides) if factor in part]
        x = keras.layers.Concatenate()([x, *joined])
        x = _double_convolution(x, width)
        x = _residual_blocks(x, BLOCKS.get(factor, 0))
    residual = _sharpen(x, inputs, one_hot)
    alpha = operations.Residual(name="output", dtype="float32")(
        [residual, one_hot] + ([inputs["prior"]] if use_prior else [])
    )
    return keras.Model(inputs, {"alpha": alpha}, name="matting")


def _sharpen(
    x: keras.KerasTensor, inputs: dict[str, keras.KerasTensor], one_hot
) -> keras.KerasTensor:
    """Predicts the residual: most of it from half of the resolution, edges from all.

    The part at half of the resolution gives four pixels at a time. What is thinner
    than its pixels comes from a few channels at full resolution that see the image
    again. Both start at zero.

    Args:
        x: (B, H/2, W/2, C), the finest level.
        inputs: Of the network.
        one_hot: The trimap, (B, H, W, 3).

    Returns:
        (B, H, W, 1).
    """
    coarse = keras.layers.Conv2D(
        4, 3, padding="same", kernel_initializer="zeros", name="residual"
    )(x)
    coarse = operations.DepthToSpace(name="depth_to_space")(coarse)  # -> (B, H, W, 1)
    x = keras.layers.Conv2D(4 * DETAIL, 1)(x)
    x = operations.DepthToSpace(name="unfold")(x)  # -> (B, H, W, DETAIL)
    seen = [inputs[name] for name in ("image", "prior") if name in inputs]
    seen = [keras.layers.Rescaling(2, -1)(values) for values in seen]
    x = keras.layers.Concatenate()([x, coarse, one_hot[..., 1:2], *seen])
    x = _convolution(x, DETAIL)
    fine = keras.layers.Conv2D(
        1, 3, padding="same", kernel_initializer="zeros", name="detail"
    )(x)
    return coarse + fine


def _guides(
    inputs: dict[str, keras.KerasTensor], one_hot: keras.KerasTensor
) -> dict[int, keras.KerasTensor]:
    """Gathers what is known beside the image, all around zero.

    Args:
        inputs: Of the network.
        one_hot: The trimap, (B, H, W, 3).

    Returns:
        (B, H/2, W/2, C), (B, H/4, W/4, D) and (B, H/8, W/8, D) by the divisor.
    """
    unknown = one_hot[..., 1:2]
    sides = one_hot[..., 2:3] - one_hot[..., :1]  # background -1, foreground 1
    full = [keras.layers.Rescaling(2, -1)(inputs["image"]), unknown, sides]
    half, quarter = [], []
    if "prior" in inputs:
        full.append(keras.layers.Rescaling(2, -1)(inputs["prior"]))
        colours = operations.Enlarge()(inputs["colours"])  # -> (B, H/2, W/2, 6)
        image = keras.layers.AveragePooling2D(2)(inputs["image"])  # -> (B, H/2, W/2, 3)
        half.append(
            operations.Projection(name="projection", dtype="float32")([image, colours])
        )
        half.append(inputs["samples"])
        quarter.append(keras.layers.Rescaling(2, -1)(inputs["colours"]))
    x = operations.SpaceToDepth(name="space_to_depth")(keras.layers.Concatenate()(full))
    x = keras.layers.Concatenate()([x, *half]) if half else x
    guides = {2: x}
    x = keras.layers.AveragePooling2D(2)(x)
    guides[4] = keras.layers.Concatenate()([x, *quarter]) if quarter else x
    guides[8] = keras.layers.AveragePooling2D(2)(guides[4])
    return guides


def _paper2018(widths: tuple[int, ...]) -> keras.Model:
    """Builds the baseline as the tables of its 2018 report give it.

    Four input channels, RGB and trimap; double 3x3 convolutions with batch
    norm and ReLU, pooling between the levels; three more convolutions at the
    bottom; transposed convolutions back with skips; a 1x1 sigmoid to RGBA.
    """
    inputs = {
        "image": keras.Input((None, None, 3), name="image"),
        "trimap": keras.Input((None, None, 1), name="trimap", dtype="uint8"),
    }
    grey = keras.layers.Rescaling(1 / 255)(inputs["trimap"])  # codes -> [0, 1]
    x = keras.layers.Concatenate()([inputs["image"], grey])
    skips = []
    for width in widths[:-1]:
        x = _double_convolution(x, width)
        skips.append(x)
        x = keras.layers.MaxPooling2D()(x)  # (B, h, w, C) -> (B, h/2, w/2, C)
    x = _double_convolution(x, widths[-1])
    for _ in range(3):
        x = _convolution(x, widths[-1])
    for width in reversed(widths[:-1]):
        x = keras.layers.Conv2DTranspose(width, 3, 2, padding="same")(x)  # -> 2h, 2w
        x = keras.layers.Concatenate()([x, skips.pop()])
        x = _double_convolution(x, width)
    rgba = keras.layers.Conv2D(
        4, 1, activation="sigmoid", name="rgba", dtype="float32"
    )(x)
    outputs = {"alpha": rgba[..., 3:], "foreground": rgba[..., :3]}
    return keras.Model(inputs, outputs, name="paper2018")


def _double_convolution(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Applies two 3x3 convolutions: (B, h, w, C) -> (B, h, w, width)."""
    return _convolution(_convolution(x, width), width)


def _convolution(
    x: keras.KerasTensor, width: int, kernel: int = 3, dilation: int = 1
) -> keras.KerasTensor:
    """Applies convolution, batch norm and ReLU: (B, h, w, C) -> (B, h, w, width)."""
    x = keras.layers.Conv2D(
        width, kernel, padding="same", dilation_rate=dilation, use_bias=False
    )(x)
    return keras.layers.ReLU()(_batch_norm()(x))


def _batch_norm(**options) -> keras.layers.Layer:
    """Makes a batch norm over the batch of all replicas, as if there were one."""
    is_spread = tf.distribute.get_strategy().num_replicas_in_sync > 1
    return keras.layers.BatchNormalization(
        momentum=0.98, synchronized=is_spread, **options
    )


def _residual_blocks(x: keras.KerasTensor, count: int) -> keras.KerasTensor:
    """Adds what two convolutions find to what is there, some times: (B, h, w, C).

    Blocks of He et al. (CVPR 2016) whose last batch norm begins at zero, so that a
    network begins as if it had none.
    """
    width = x.shape[-1]
    for _ in range(count):
        found = _convolution(x, width)
        found = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(found)
        found = _batch_norm(gamma_initializer="zeros")(found)
        x = keras.layers.ReLU()(x + found)
    return x
