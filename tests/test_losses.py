import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model import losses

SHAPE = (2, 32, 48, 1)


def random_pair(seed):
    random = np.random.default_rng(seed)
    true = random.random(SHAPE).astype(np.float32)
    pred = random.random(SHAPE).astype(np.float32)
    return tf.constant(true), tf.constant(pred), tf.ones(SHAPE)


@pytest.mark.parametrize("loss", [losses.alpha_loss, losses.laplacian_loss])
def test_alpha_losses_are_zero_at_the_truth_and_above_zero_off_it(loss):
    true, pred, is_unknown = random_pair(0)
    assert np.all(loss(true, true, is_unknown).numpy() == 0)
    assert np.all(loss(true, pred, is_unknown).numpy() > 0)


def test_the_loss_of_rgba_is_zero_at_the_truth_and_above_zero_off_it():
    true, pred, _ = random_pair(1)
    colour_true, colour_pred = tf.repeat(true, 3, -1), tf.repeat(pred, 3, -1)
    rgba = losses.rgba_loss
    assert np.all(rgba(colour_true, colour_true, true, true).numpy() == 0)
    assert np.all(rgba(colour_true, colour_true, true, pred).numpy() > 0)
    assert np.all(rgba(colour_true, colour_pred, true, true).numpy() > 0)


def test_a_constant_offset_costs_in_every_loss_of_alpha():
    true, _, is_unknown = random_pair(3)
    for loss in (losses.alpha_loss, losses.laplacian_loss):
        assert np.all(loss(true, true + 0.25, is_unknown).numpy() > 0.001)


def test_alpha_loss_is_the_mean_over_the_unknown_region_of_each_sample():
    true = tf.zeros((2, 1, 4, 1))
    pred = tf.reshape([1.0, 1, 0, 0, 0.5, 0.5, 0.5, 0.5], (2, 1, 4, 1))
    unknown = tf.reshape([1.0, 0, 1, 0, 1, 0, 0, 0], (2, 1, 4, 1))
    np.testing.assert_allclose(losses.alpha_loss(true, pred, unknown), [0.5, 0.5], 1e-5)


def test_overshooting_an_opaque_or_empty_pixel_is_forgiven_and_pulls_at_nothing():
    true = tf.reshape([1.0, 0, 1, 0, 0.5, 0.5], (1, 1, 6, 1))
    pred = tf.reshape([1.2, -0.2, 0.8, 0.2, 1.2, -0.2], (1, 1, 6, 1))
    with tf.GradientTape() as tape:
        tape.watch(pred)
        error = losses.forgive_overshoot(true, pred) - true
        loss = tf.reduce_sum(tf.abs(error))
    expected = [0, 0, -0.2, 0.2, 0.7, -0.7]
    np.testing.assert_allclose(tf.reshape(error, [-1]), expected, atol=1e-6)
    gradient = tf.reshape(tape.gradient(loss, pred), [-1])
    np.testing.assert_array_equal(gradient, [0, 0, -1, 1, 1, -1])


def test_a_sample_without_unknown_pixels_costs_nothing():
    true, pred, _ = random_pair(2)
    assert np.all(losses.alpha_loss(true, pred, tf.zeros(SHAPE)).numpy() == 0)


def test_colour_under_alpha_zero_is_never_a_target():
    alpha = tf.constant(
        np.kron([[0.0, 1.0]], np.ones((8, 8)))[None, ..., None], tf.float32
    )
    true = tf.zeros((1, 8, 16, 3))
    wrong_where_hidden = tf.repeat(1 - alpha, 3, -1)
    assert losses.rgba_loss(true, wrong_where_hidden, alpha, alpha).numpy() == 0


def test_adversarial_losses_use_logits_and_fall_towards_their_goals():
    weight = tf.ones((1, 3, 3, 1))
    sure_real, sure_generated = (
        tf.fill((1, 3, 3, 1), 20.0),
        tf.fill((1, 3, 3, 1), -20.0),
    )
    unsure = tf.zeros((1, 3, 3, 1))
    assert losses.adversarial_loss(sure_real, weight).numpy() < 1e-6
    assert losses.discriminator_loss(sure_real, sure_generated, weight).numpy() < 1e-6
    np.testing.assert_allclose(
        losses.adversarial_loss(unsure, weight), [np.log(2)], 1e-5
    )
    extreme = tf.fill((1, 3, 3, 1), -1e4)
    assert np.isfinite(losses.adversarial_loss(extreme, weight).numpy())
    assert losses.adversarial_loss(extreme, weight).numpy() > 1e3


def test_the_gradient_of_the_adversarial_loss_does_not_vanish_when_it_loses():
    logits = tf.Variable(tf.fill((1, 1, 1, 1), -30.0))
    with tf.GradientTape() as tape:
        loss = losses.adversarial_loss(logits, tf.ones((1, 1, 1, 1)))
    assert abs(tape.gradient(loss, logits).numpy().item()) > 0.9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 1))
def test_losses_grow_with_the_error(seed, share):
    true, pred, is_unknown = random_pair(seed)
    nearer = true + (1 - share) * (pred - true)
    for loss in (losses.alpha_loss, losses.laplacian_loss):
        assert np.all(
            loss(true, nearer, is_unknown) <= loss(true, pred, is_unknown) + 1e-5
        )
