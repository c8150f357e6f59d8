"""The generator: a U-Net from image and trimap to alpha.

All presets take a dict of `image` (B, H, W, 3) float32 in [0, 1] and `trimap`
(B, H, W, 1) uint8 codes, and give a dict of `alpha` (B, H, W, 1) float32; that of
the baseline has `foreground` (B, H, W, 3) too. Height and width are multiples of
32, of `fast` multiples of 64.
"""

import keras
import tensorflow as tf

from model import encoder, operations

PRESETS = ("matting", "fast", "paper2018")
DETAIL = 16  # channels between the last two layers
# channels of the levels, from fine to coarse
WIDTHS = {
    "matting": (32, 64, 96, 128, 160),
    "fast": (32, 64, 96, 128, 160),
    "paper2018": (16, 32, 64, 128),
}
BLOCKS = {  # residual blocks by divisor of the sides
    "matting": {16: 1, 8: 2, 4: 1, 2: 1},
    "fast": {16: 1, 8: 2},
}
NARROWED = (8, 4, 2)  # divisors of the levels that first mix what joins them
# channels of the features of the last layers, which make 16 and 32 with what joins
# them: ONNX Runtime computes in blocks of 16
FEATURES = {"matting": 10, "fast": 12}


def build_generator(
    preset: str = "matting",
    widths: tuple[int, ...] | None = None,
    use_prior: bool = True,
) -> keras.Model:
    """Builds the generator of a preset.

    Args:
        preset: `matting`; `fast` for the same at half of the resolution; or
            `paper2018` for the published baseline.
        widths: Channels of each level from fine to coarse, five but for the baseline;
            the preset's own if None.
        use_prior: Whether it also takes the first guess (`prior.Guess`) as
            `prior` (B, H, W, 1), `colours` (B, H/4, W/4, 6) and `samples` (B, H/2,
            W/2, 2), for `fast` `coarse_samples` (B, H/4, W/4, 2), float32 in [0, 1],
            and predicts the difference to it; the baseline never does.

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
        network = (_fast if preset == "fast" else _matting)(widths, use_prior)
    network.jit_compile = False  # XLA is slow at depthwise convolutions on processors
    return network


def _matting(widths: tuple[int, ...], use_prior: bool) -> keras.Model:
    """Builds the U-Net on all of the resolution."""
    inputs = _inputs("samples" if use_prior else None)
    view = dict(inputs)
    view["one_hot"] = operations.OneHotTrimap(name="one_hot")(inputs["trimap"])
    if use_prior:
        view["fine_colours"] = operations.Enlarge()(inputs["colours"])
    features, residual = _predict_residual(view, widths, "matting")
    seen = [keras.layers.Rescaling(2, -1)(view["image"])]
    if use_prior:
        seen.append(operations.Centre()(view["prior"]))
    features = keras.layers.Concatenate()(
        [features, residual, view["one_hot"][..., 1:2], *seen]
    )
    fine = _last(_convolution(features, DETAIL), 1, "detail")
    start = [inputs["prior"]] if use_prior else []
    alpha = operations.Residual(name="output", dtype="float32")(
        [residual + fine, view["one_hot"], *start]
    )
    return keras.Model(inputs, {"alpha": alpha}, name="matting")


def _fast(widths: tuple[int, ...], use_prior: bool) -> keras.Model:
    """Builds the U-Net on half of the resolution, of which it sees means.

    The last layers see all pixels again, four at a time, and add to the enlarged
    residual what it lacks of each. All that is of full resolution stays folded
    like that up to the end: elementwise work on large planes is slow.
    """
    inputs = _inputs("coarse_samples" if use_prior else None)
    fold = operations.SpaceToDepth(name="fold", dtype="float32")
    regions = operations.Regions(name="regions", dtype="float32")
    is_unknown, is_foreground = regions(fold(inputs["trimap"]))
    pixels = {name: fold(inputs[name]) for name in ("image", "prior") if name in inputs}
    pool = keras.layers.AveragePooling2D(2, name="pool", dtype="float32")
    view = {name: pool(inputs[name]) for name in pixels}
    mean = operations.BlockMean(name="mean", dtype="float32")
    unknown, foreground = mean(is_unknown), mean(is_foreground)
    view["one_hot"] = keras.layers.Concatenate()(
        [1 - unknown - foreground, unknown, foreground]
    )
    if use_prior:
        view["colours"] = keras.layers.AveragePooling2D(2)(inputs["colours"])
        view["fine_colours"] = inputs["colours"]
        view["samples"] = inputs["coarse_samples"]
    features, residual = _predict_residual(view, widths, "fast")
    features = keras.layers.Concatenate()(
        [features, residual, view["one_hot"], *pixels.values()]
    )
    features = _convolution(features, DETAIL)
    residual = fold(operations.Enlarge()(residual)) + _last(features, 4, "detail")
    start = pixels.get("prior", 0.5)
    alpha = operations.join(residual, is_unknown, is_foreground, start)
    alpha = operations.DepthToSpace(name="output", dtype="float32")(alpha)
    return keras.Model(inputs, {"alpha": alpha}, name="fast")


def _inputs(samples: str | None) -> dict[str, keras.KerasTensor]:
    """Makes the inputs of a network by name.

    Args:
        samples: Name of what the colour samples say; None without a first guess.
    """
    inputs = {
        "image": keras.Input((None, None, 3), name="image"),
        "trimap": keras.Input((None, None, 1), name="trimap", dtype="uint8"),
    }
    if samples:
        inputs |= {
            "prior": keras.Input((None, None, 1), name="prior"),
            "colours": keras.Input((None, None, 6), name="colours"),
            samples: keras.Input((None, None, 2), name=samples),
        }
    return inputs


def _predict_residual(
    view: dict[str, keras.KerasTensor],
    widths: tuple[int, ...],
    preset: str,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Predicts the residual by a U-Net whose way down is a pretrained encoder.

    The decoder works from a thirty-second up to a half of the resolution, where
    the last layer predicts four pixels at a time: thin layers at full resolution are
    slow for what they learn. What is known beside the image (`_guides`) joins the
    decoder, and the encoder before each of its reductions. The last layer starts
    at zero, so that training starts from the prior itself.

    Args:
        view: What the network sees, by name: `image` (B, H, W, 3), `one_hot` (B, H,
            W, 3); with a first guess `prior` (B, H, W, 1), `colours` (B, H/4, W/4, 6),
            `fine_colours` (B, H/2, W/2, 6), `samples` (B, H/2, W/2, 2).
        widths: Channels of the levels.
        preset: Whose residual blocks and features it has.

    Returns:
        Features for what is thinner than four pixels, (B, H, W, C), and the residual,
        (B, H, W, 1).
    """
    guides = _guides(view)
    features = encoder.encode(view["image"], guides)
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
        if factor in NARROWED:
            x = keras.layers.Conv2D(width, 1, use_bias=False)(x)
        x = _double_convolution(x, width)
        x = _residual_blocks(x, BLOCKS[preset].get(factor, 0))
    residual = _last(x, 4, "residual")
    residual = operations.DepthToSpace(name="depth_to_space")(residual)
    x = keras.layers.Conv2D(4 * FEATURES[preset], 1)(x)
    return operations.DepthToSpace(name="unfold")(x), residual


def _last(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    """Applies a convolution that starts at zero: (B, h, w, C) -> (B, h, w, width)."""
    return keras.layers.Conv2D(
        width, 3, padding="same", kernel_initializer="zeros", name=name
    )(x)


def _guides(view: dict[str, keras.KerasTensor]) -> dict[int, keras.KerasTensor]:
    """Gathers what is known beside the image, all around zero.

    Args:
        view: As of `_predict_residual`.

    Returns:
        (B, H/2, W/2, C), (B, H/4, W/4, D) and (B, H/8, W/8, D) by the divisor.
    """
    one_hot = view["one_hot"]
    unknown = one_hot[..., 1:2]
    sides = one_hot[..., 2:3] - one_hot[..., :1]  # background -1, foreground 1
    full = [keras.layers.Rescaling(2, -1)(view["image"]), unknown, sides]
    half, quarter = [], []
    if "prior" in view:
        full.append(operations.Centre()(view["prior"]))
        image = keras.layers.AveragePooling2D(2)(view["image"])  # -> (B, H/2, W/2, 3)
        projection = operations.Projection(name="projection", dtype="float32")
        half.append(projection([image, view["fine_colours"]]))
        half.append(view["samples"])
        quarter.append(keras.layers.Rescaling(2, -1)(view["colours"]))
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
    return operations.BatchNormalization(
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
