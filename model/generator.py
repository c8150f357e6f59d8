"""The generator: a U-Net from image and trimap to alpha and foreground.

Both presets take a dict of `image` (B, H, W, 3) float32 in [0, 1] and `trimap`
(B, H, W, 1) uint8 codes, and give a dict of `alpha` (B, H, W, 1) and
`foreground` (B, H, W, 3), float32. Height and width are multiples of `DIVISOR`.
"""

import keras
import tensorflow as tf

from model import matting

DIVISOR = 32  # of height and width, for every preset
PRESETS = ("matting", "paper2018")
WIDTHS = {"matting": (16, 32, 64, 96, 128), "paper2018": (16, 32, 64, 128)}


def build_generator(
    preset: str = "matting",
    widths: tuple[int, ...] | None = None,
    use_prior: bool = True,
    use_colours: bool = True,
) -> keras.Model:
    """Builds the generator of a preset.

    Args:
        preset: `matting`, or `paper2018` for the published baseline.
        widths: Channels of each level from fine to coarse; the preset's own if
            None.
        use_prior: Whether `matting` also takes `prior` (B, H, W, 1) float32 in
            [0, 1], a first guess at alpha, and predicts the difference to it.
        use_colours: Whether it takes `colours` (B, H/4, W/4, 6) as well, the guessed
            RGB of foreground and background; not without the prior.

    Returns:
        The functional network, named after its preset.

    Raises:
        ValueError: If the preset is unknown or there are too many levels.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset: got {preset!r}; use one of {', '.join(PRESETS)}")
    widths = tuple(widths or WIDTHS[preset])
    if not 2 <= len(widths) <= 5:
        raise ValueError(f"widths: got {len(widths)} levels; give 2 to 5")
    if preset == "paper2018":
        return _paper2018(widths)
    return _matting(widths, use_prior, use_prior and use_colours)


def _matting(
    widths: tuple[int, ...], use_prior: bool, use_colours: bool
) -> keras.Model:
    """Builds a residual U-Net that starts at half of the resolution.

    Full-resolution layers are slow for what they learn: two pixels by two go
    into the channels first and come out of them last. The last layer starts at
    zero, so that training starts from the prior and the image themselves.
    """
    inputs = {
        "image": keras.Input((None, None, 3), name="image"),
        "trimap": keras.Input((None, None, 1), name="trimap", dtype="uint8"),
    }
    one_hot = OneHotTrimap(name="one_hot")(inputs["trimap"])
    features = [keras.layers.Rescaling(2, -1)(inputs["image"]), one_hot]
    if use_prior:
        inputs["prior"] = keras.Input((None, None, 1), name="prior")
        features.append(keras.layers.Rescaling(2, -1)(inputs["prior"]))
    if use_colours:
        inputs["colours"] = keras.Input((None, None, 6), name="colours")
        colours = keras.layers.UpSampling2D(4, interpolation="bilinear")(
            inputs["colours"]
        )  # (B, H/4, W/4, 6) -> (B, H, W, 6)
        projection = Projection(name="projection")([inputs["image"], colours])
        features.append(keras.layers.Rescaling(2, -1)(colours))
        features.append(keras.layers.Rescaling(2, -1)(projection))
    x = keras.layers.Concatenate()(features)
    x = SpaceToDepth(name="space_to_depth")(x)  # (B, H, W, C) -> (B, H/2, W/2, 4C)

    skips = []
    for width in widths[:-1]:
        x = _double_convolution(x, width)
        skips.append(x)
        x = keras.layers.MaxPooling2D()(x)  # (B, h, w, C) -> (B, h/2, w/2, C)
    x = _double_convolution(x, widths[-1])
    for width in reversed(widths[:-1]):
        x = _convolution(x, width, kernel=1)
        x = keras.layers.UpSampling2D(interpolation="bilinear")(x)  # -> (B, 2h, 2w, C)
        x = keras.layers.Concatenate()([x, skips.pop()])
        x = _double_convolution(x, width)
    x = keras.layers.Conv2D(
        16, 3, padding="same", kernel_initializer="zeros", name="residual"
    )(x)
    x = DepthToSpace(name="depth_to_space")(x)  # (B, H/2, W/2, 16) -> (B, H, W, 4)

    alpha, foreground = Residual(name="output")(
        [x, inputs["image"], one_hot]
        + ([inputs["prior"]] if use_prior else [])
        + ([colours] if use_colours else [])
    )
    outputs = {"alpha": alpha, "foreground": foreground}
    return keras.Model(inputs, outputs, name="matting")


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
    rgba = keras.layers.Conv2D(4, 1, activation="sigmoid", name="rgba")(x)
    outputs = {"alpha": rgba[..., 3:], "foreground": rgba[..., :3]}
    return keras.Model(inputs, outputs, name="paper2018")


def _double_convolution(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Applies two 3x3 convolutions: (B, h, w, C) -> (B, h, w, width)."""
    return _convolution(_convolution(x, width), width)


def _convolution(
    x: keras.KerasTensor, width: int, kernel: int = 3
) -> keras.KerasTensor:
    """Applies convolution, batch norm and ReLU: (B, h, w, C) -> (B, h, w, width)."""
    x = keras.layers.Conv2D(width, kernel, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.98)(x)
    return keras.layers.ReLU()(x)


class OneHotTrimap(keras.layers.Layer):
    """Trimap codes (B, H, W, 1) to (B, H, W, 3): background, unknown, foreground."""

    def call(self, trimap):
        codes = [matting.BACKGROUND, matting.UNKNOWN, matting.FOREGROUND]
        return tf.cast(
            tf.equal(trimap, tf.constant(codes, tf.uint8)), self.compute_dtype
        )


class SpaceToDepth(keras.layers.Layer):
    """Two by two pixels into channels: (B, H, W, C) -> (B, H/2, W/2, 4C)."""

    def call(self, x):
        return tf.nn.space_to_depth(x, 2)


class DepthToSpace(keras.layers.Layer):
    """The inverse of `SpaceToDepth`: (B, H, W, 4C) -> (B, 2H, 2W, C)."""

    def call(self, x):
        return tf.nn.depth_to_space(x, 2)


class Projection(keras.layers.Layer):
    """Alpha as far as the image (B, H, W, 3) lies between two colours (B, H, W, 6).

    The place of I on the line from background to foreground, clipped to [0, 1]:
    (B, H, W, 1); Eq. 2 of Wang and Cohen (CVPR 2007).
    """

    def call(self, inputs):
        image, colours = inputs
        foreground, background = tf.split(colours, 2, axis=-1)
        across = foreground - background
        along = tf.reduce_sum((image - background) * across, -1, True)
        length = tf.reduce_sum(tf.square(across), -1, True)
        return tf.clip_by_value(along / (length + 1e-3), 0.0, 1.0)


class Residual(keras.layers.Layer):
    """Adds the network's output to the first guess and keeps what is known.

    Takes the residual (B, H, W, 4), the image, the one-hot trimap and, if there
    are any, the prior (without it one half) and the colours (without them those of
    the image). Alpha is not clipped here: that would leave pixels that start outside
    of [0, 1] without a gradient. The foreground starts as the guessed one plus what
    the image has beyond both guessed colours, alpha-weighted (Forte, "Approximate
    Fast Foreground Colour Estimation", ICIP 2021, Eq. 5): the image where alpha is 1.
    """

    def call(self, inputs):
        residual, image, one_hot = (tf.cast(x, tf.float32) for x in inputs[:3])
        prior = tf.cast(inputs[3], tf.float32) if len(inputs) > 3 else 0.5
        is_unknown, is_foreground = one_hot[..., 1:2], one_hot[..., 2:3]
        alpha = is_unknown * (prior + residual[..., 3:]) + is_foreground
        colour = image
        if len(inputs) > 4:
            foreground, background = tf.split(tf.cast(inputs[4], tf.float32), 2, -1)
            weight = tf.stop_gradient(tf.clip_by_value(alpha, 0.0, 1.0))
            mixed = background + weight * (foreground - background)
            colour = foreground + weight * (image - mixed)
        colour = tf.where(is_foreground > 0, image, colour + residual[..., :3])
        return alpha, colour
