"""Keras layers that the generator is made of, beside Keras' own."""

import keras
import tensorflow as tf

from model import matting


class OneHotTrimap(keras.layers.Layer):
    """Trimap codes (B, H, W, 1) to (B, H, W, 3): background, unknown, foreground."""

    def call(self, trimap):
        codes = tf.squeeze(tf.cast(trimap, tf.float32), -1)
        is_unknown, is_foreground = split_regions(codes)
        one_hot = [1 - is_unknown - is_foreground, is_unknown, is_foreground]
        return tf.cast(tf.stack(one_hot, axis=-1), self.compute_dtype)


class SpaceToDepth(keras.layers.Layer):
    """Two by two pixels into channels: (B, H, W, C) -> (B, H/2, W/2, 4C)."""

    def call(self, x, training=None):
        x = tf.cast(x, self.compute_dtype)  # older ONNX Runtimes fold floats only
        if not training:
            return tf.nn.space_to_depth(x, 2)
        # the same in steps, of which TensorFlow takes less than half of the time
        batch, height, width, depth = *tf.unstack(tf.shape(x)[:3]), x.shape[-1]
        x = tf.reshape(x, (batch, height // 2, 2, width // 2, 2 * depth))
        x = tf.transpose(x, (0, 1, 3, 2, 4))
        return tf.reshape(x, (batch, height // 2, width // 2, 4 * depth))


class DepthToSpace(keras.layers.Layer):
    """The inverse of `SpaceToDepth`: (B, H, W, 4C) -> (B, 2H, 2W, C)."""

    def call(self, x):
        return tf.nn.depth_to_space(x, 2)


class Regions(keras.layers.Layer):
    """Trimap codes to what is unknown and what is foreground, 1 there, else 0.

    (B, h, w, C) each, the three codes only.
    """

    def call(self, trimap):
        return split_regions(tf.cast(trimap, self.compute_dtype))


def split_regions(codes):
    """Gives what is unknown and what is foreground, 1 there, else 0.

    By arithmetic, since ONNX Runtime is slow at comparing; and better of arrays whose
    last axis is long, which is the one that it goes along at once.

    Args:
        codes: (..., N) float32, the three codes of trimaps.

    Returns:
        Two of the same shape.
    """
    highest = float(matting.FOREGROUND - matting.UNKNOWN)
    above = (codes - float(matting.UNKNOWN)) / highest  # -1.008, 0 or 1
    return tf.nn.relu(1 - tf.abs(above)), tf.nn.relu(above)


class Centre(keras.layers.Layer):
    """One channel in [0, 1] to [-1, 1]: (B, H, W, 1), without its last axis on the way.

    See `split_regions`.
    """

    def call(self, x):
        plane = tf.squeeze(tf.cast(x, self.compute_dtype), -1)
        return tf.expand_dims(2 * plane - 1, -1)  # LiteRT knows no other new axis


class BlockMean(keras.layers.Layer):
    """Mean of the pixels that `SpaceToDepth` folded: (B, h, w, 4C) -> (B, h, w, C)."""

    def call(self, x):
        width = x.shape[-1] // 4
        kernel = tf.tile(tf.eye(width, dtype=x.dtype) / 4, [4, 1])
        return tf.nn.conv2d(x, kernel[None, None], 1, "SAME")


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch norm, which learns in one operation of TensorFlow instead of ten.

    It has Keras' name, by which weights are saved. That over several replicas, and a
    frozen or finished one, is Keras' own.
    """

    def call(self, inputs, training=None, mask=None):
        is_learning = training and self.trainable
        if not is_learning or self.synchronized or inputs.shape.rank != 4:
            return super().call(inputs, training=training, mask=mask)
        normal, mean, variance, *_ = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            tf.cast(self.gamma, tf.float32),
            tf.cast(self.beta, tf.float32),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), tf.float32)
        variance *= (count - 1) / count  # that of the batch, not of what it is from
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(self.momentum * moving + (1 - self.momentum) * value)
        return normal


class Enlarge(keras.layers.Layer):
    """Doubles both sides, bilinear: (B, h, w, C) -> (B, 2h, 2w, C).

    What `keras.layers.UpSampling2D` does, but also where the size is known only when
    the graph runs.
    """

    def call(self, x):
        larger = tf.image.resize(x, 2 * tf.shape(x)[1:3], "bilinear")
        return tf.cast(larger, x.dtype)  # float32 whatever it was


class Projection(keras.layers.Layer):
    """Alpha as far as the image (B, h, w, 3) lies between two colours (B, h, w, 6).

    The place of I on the line from background to foreground, clipped to [0, 1]
    (Eq. 2 of Wang and Cohen, CVPR 2007): once as the values stand in the file, once
    of their squares, nearly the light that a camera has added up; (B, h, w, 2).
    """

    def call(self, inputs):
        image, colours = inputs
        foreground, background = tf.split(colours, 2, axis=-1)
        places = [
            _place(image, foreground, background),
            _place(*(tf.square(x) for x in (image, foreground, background))),
        ]
        return tf.stack(places, axis=-1)


def _place(image, foreground, background):
    """Projects colours onto the line between two others: (B, h, w) in [0, 1]."""
    across = foreground - background
    along = tf.reduce_sum((image - background) * across, -1)
    length = tf.reduce_sum(tf.square(across), -1)
    return tf.clip_by_value(along / (length + 1e-3), 0.0, 1.0)


class Residual(keras.layers.Layer):
    """Adds the network's output to the first guess and keeps what is known.

    Takes the residual (B, H, W, 1), the one-hot trimap and, if there is one, the
    prior; without it alpha starts at one half. It is not clipped here: that would
    leave pixels that start outside of [0, 1] without a gradient.
    """

    def call(self, inputs):
        residual, one_hot, *prior = (tf.cast(x, tf.float32) for x in inputs)
        start = prior[0] if prior else 0.5
        return join(residual, one_hot[..., 1:2], one_hot[..., 2:3], start)


def join(residual, is_unknown, is_foreground, start):
    """Gives alpha: exact where it is known, the sum of start and residual elsewhere.

    Args:
        residual: (B, h, w, C).
        is_unknown: (B, h, w, C), 0 or 1.
        is_foreground: (B, h, w, C), 0 or 1.
        start: (B, h, w, C) or a number.

    Returns:
        (B, h, w, C).
    """
    return is_unknown * (start + residual) + is_foreground
