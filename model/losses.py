"""The losses: pure functions of named tensors, one value for each sample.

True tensors come first, predictions second. Alpha is (B, H, W, 1), colours are
(B, H, W, 3), both float32 in [0, 1]; `is_unknown` is (B, H, W, 1) float32, 1 where
the trimap is unknown. Every loss returns (B,) float32, so that the mean over a
global batch is right however it is spread over devices.
"""

import tensorflow as tf

LAPLACIAN_LEVELS = 4


def masked_mean(values: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Averages over the pixels of a region, for each sample by its own area.

    Args:
        values: (B, H, W, C) float32.
        weight: (B, H, W, 1) float32, the region.

    Returns:
        (B,) float32; 0 where the region is empty.
    """
    channels = tf.cast(tf.shape(values)[-1], tf.float32)
    total = tf.reduce_sum(values * weight, (1, 2, 3))
    return total / (channels * tf.reduce_sum(weight, (1, 2, 3)) + 1e-6)


def forgive_overshoot(alpha_true: tf.Tensor, alpha_pred: tf.Tensor) -> tf.Tensor:
    """Takes a prediction beyond 0 or 1 for exact where the truth is 0 or 1.

    Whoever uses alpha clips it. A loss of the values as they are would hold a pixel
    that is surely opaque at 1 on both sides, and of the scatter that is left, clipping
    keeps the half that is too low. Where the truth is a mixture, overshooting
    costs what it does, so that the gradient leads back.

    Args:
        alpha_true: (B, H, W, 1) float32 in [0, 1].
        alpha_pred: (B, H, W, 1) float32, not clipped.

    Returns:
        (B, H, W, 1) float32, the truth where it is overshot, else the prediction.
    """
    is_over = tf.logical_and(alpha_true >= 1, alpha_pred > 1)
    is_under = tf.logical_and(alpha_true <= 0, alpha_pred < 0)
    return tf.where(tf.logical_or(is_over, is_under), alpha_true, alpha_pred)


def alpha_loss(
    alpha_true: tf.Tensor, alpha_pred: tf.Tensor, is_unknown: tf.Tensor
) -> tf.Tensor:
    """Mean absolute error of alpha over the unknown region (Xu et al., 2017)."""
    return masked_mean(tf.abs(alpha_true - alpha_pred), is_unknown)


def laplacian_loss(
    alpha_true: tf.Tensor, alpha_pred: tf.Tensor, is_unknown: tf.Tensor
) -> tf.Tensor:
    """Absolute error of the levels of a Laplacian pyramid and of its last average.

    As in Hou and Liu, "Context-Aware Image Matting" (2019), Eq. 3: level l
    weighs 2^l; here it is normalised by the area of the unknown region.
    """
    difference = alpha_true - alpha_pred
    area = tf.reduce_sum(is_unknown, (1, 2, 3)) + 1.0
    loss = 0.0
    for level in range(LAPLACIAN_LEVELS):
        smaller = tf.nn.avg_pool2d(_binomial(difference), 2, 2, "SAME")
        larger = _enlarge(smaller, tf.shape(difference))
        detail = tf.reduce_sum(tf.abs(difference - larger), (1, 2, 3))
        loss += 2.0**level * detail / area
        difference = smaller
    rest = tf.reduce_sum(tf.abs(difference), (1, 2, 3))  # what no level has seen
    loss += 2.0**LAPLACIAN_LEVELS * rest / area
    return loss / LAPLACIAN_LEVELS


def rgba_loss(
    foreground_true: tf.Tensor,
    foreground_pred: tf.Tensor,
    alpha_true: tf.Tensor,
    alpha_pred: tf.Tensor,
) -> tf.Tensor:
    """Mean squared error of RGBA, the loss of the 2018 baseline.

    One difference from it: colour counts only where alpha is above 0.
    """
    is_visible = tf.cast(alpha_true > 0, tf.float32)
    colour = tf.reduce_sum(tf.square(foreground_true - foreground_pred), -1, True)
    error = is_visible * colour + tf.square(alpha_true - alpha_pred)
    return tf.reduce_mean(error, (1, 2, 3)) / 4


def adversarial_loss(generated_logits: tf.Tensor, patch_weight: tf.Tensor) -> tf.Tensor:
    """What the generator wants of the discriminator: generated -> 1.

    Args:
        generated_logits: (B, h, w, 1) float32.
        patch_weight: (B, h, w, 1) float32, 1 for patches that count.

    Returns:
        (B,) float32.
    """
    return masked_mean(tf.nn.softplus(-generated_logits), patch_weight)


def discriminator_loss(
    real_logits: tf.Tensor, generated_logits: tf.Tensor, patch_weight: tf.Tensor
) -> tf.Tensor:
    """What the discriminator wants: real -> 1, generated -> 0.

    Args:
        real_logits: (B, h, w, 1) float32.
        generated_logits: (B, h, w, 1) float32.
        patch_weight: (B, h, w, 1) float32, 1 for patches that count.

    Returns:
        (B,) float32.
    """
    real = masked_mean(tf.nn.softplus(-real_logits), patch_weight)
    generated = masked_mean(tf.nn.softplus(generated_logits), patch_weight)
    return (real + generated) / 2


def _binomial(x: tf.Tensor) -> tf.Tensor:
    """Blurs (B, H, W, 1) by the binomial filter 1 4 6 4 1 in both directions."""
    taps = tf.constant([1, 4, 6, 4, 1], tf.float32) / 16
    padded = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    rows = tf.nn.conv2d(padded, tf.reshape(taps, (5, 1, 1, 1)), 1, "VALID")
    return tf.nn.conv2d(rows, tf.reshape(taps, (1, 5, 1, 1)), 1, "VALID")


def _enlarge(x: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Doubles (B, h, w, 1) by repetition, cut to the given (B, H, W, 1)."""
    x = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
    return x[:, : shape[1], : shape[2]]
