"""Networks that compute in 16 bits, and the scale that float16 needs for it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model import cluster, discriminator, gan, generator, plan, saving, training
from model.optimizer import FIRST_SCALE, PATIENCE, LossScale


def build(policy, preset="paper2018", widths=(8, 8)):
    """Builds small networks that compute in a policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    try:
        return gan.MattingGAN(
            generator=generator.build_generator(preset, widths),
            discriminator=discriminator.build_discriminator(8),
            generator_optimizer=keras.optimizers.Adam(1e-3),
            discriminator_optimizer=keras.optimizers.Adam(1e-3),
            d_coeff=0.01,
            use_rgba_loss=preset == "paper2018",
            jit_compile=False,
        )
    finally:
        keras.config.set_dtype_policy(before)


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    depths = {"image": 3, "foreground": 3, "alpha": 1}
    arrays = {
        name: random.random((2, 64, 64, depth)).astype(np.float32)
        for name, depth in depths.items()
    }
    arrays["trimap"] = np.full((2, 64, 64, 1), 128, np.uint8)
    return {name: tf.constant(values) for name, values in arrays.items()}


def weights(pair):
    return [variable.numpy() for variable in pair.generator.variables]


@pytest.fixture(scope="module")
def exact(batch):
    pair = build("float32")
    assert pair.loss_scale is None
    return pair.compute(batch, "adversarial")


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("mixed_float16", 0.01), ("mixed_bfloat16", 0.05)]
)
def test_sixteen_bits_give_nearly_the_same(batch, exact, policy, tolerance):
    pair = build(policy)
    values, gradients = pair.compute(batch, "adversarial")
    assert {variable.dtype for variable in pair.generator.variables} == {"float32"}
    assert pair.generator.get_layer("rgba").compute_dtype == "float32"
    differ = False
    for name, value in exact[0].items():
        assert float(values[name]) == pytest.approx(float(value), rel=tolerance)
        differ |= float(values[name]) != float(value)
    assert differ
    a, b = (
        np.concatenate([np.ravel(gradient) for gradient in tf.nest.flatten(part)])
        for part in (exact[1], gradients)
    )
    assert np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b) > 0.99
    before = weights(pair)
    pair.apply(gradients)
    assert np.isfinite(weights(pair)[0]).all()
    assert any(np.any(x != y) for x, y in zip(before, weights(pair), strict=True))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("mixed_bfloat16", "float32"), ("mixed_float16", "float16")],
)
def test_depthwise_convolutions_are_in_float32_beside_bfloat16(policy, expected):
    network = build(policy, "fast", (8,) * 5).generator
    depthwise = [layer for layer in network.layers if "depthwise" in layer.name]
    assert depthwise and {layer.compute_dtype for layer in depthwise} == {expected}


@pytest.mark.parametrize("preset", ["matting", "fast"])
def test_a_network_keeps_its_guess_in_all_bits(preset):
    network = build("mixed_float16", preset, (8,) * 5).generator
    random = np.random.default_rng(1)
    depths = {"image": (64, 3), "prior": (64, 1), "colours": (16, 6)}
    depths |= (
        {"samples": (32, 2)} if preset == "matting" else {"coarse_samples": (16, 2)}
    )
    inputs = {
        name: random.random((1, side, side, depth)).astype(np.float32)
        for name, (side, depth) in depths.items()
    }
    inputs["trimap"] = np.full((1, 64, 64, 1), 128, np.uint8)
    alpha = network(inputs)["alpha"]
    assert alpha.dtype == tf.float32
    np.testing.assert_array_equal(alpha, inputs["prior"])  # before any training


class Silent:
    """Stands in for checkpoints, history and validation."""

    best = None

    def __init__(self):
        self.saved, self.told = [], []

    def save(self, step, val_sad):
        self.saved.append(step)

    def collect(self, values):
        self.told.append(values)

    def write(self, step, phase, values):
        return values


def train(pair):
    silent = Silent()
    run = training.Training(
        gan=pair,
        cluster=cluster.Cluster(tf.distribute.get_strategy(), cluster.Place()),
        batch_size=2,
        plan=plan.Plan(10, 0, 0),
        highest_rate=1e-3,
        schedule="constant",
        checkpoints=silent,
        history=silent,
        validation=silent,
        save_every=100,
        validate_every=100,
        is_quiet=True,
    )
    return run, silent


def test_a_batch_whose_gradients_overflow_is_left_out_and_the_scale_falls(batch):
    pair = build("mixed_float16")
    run, silent = train(pair)
    before = weights(pair)
    pair.loss_scale.factor.assign(2.0**100)
    run._take_step(batch, 0)
    for old, new in zip(before, weights(pair), strict=True):
        np.testing.assert_array_equal(new, old)
    assert float(pair.loss_scale.factor) == 2.0**99
    assert "gradient_norm" not in silent.told[0] and "rgba_loss" in silent.told[0]
    pair.loss_scale.factor.assign(FIRST_SCALE)
    run._take_step(batch, 1)
    assert any(np.any(a != b) for a, b in zip(before, weights(pair), strict=True))
    assert 0 < silent.told[1]["gradient_norm"] < 100
    assert int(pair.loss_scale.calm) == 1


def test_losses_that_are_not_finite_stop_in_float16_too(batch):
    run, silent = train(build("mixed_float16"))
    broken = dict(batch, foreground=batch["foreground"] * np.inf)
    with pytest.raises(training.Stop, match="batch 4: not finite"):
        run.run([batch, broken], 3, 9)
    assert silent.saved == [4]


def test_the_scale_rises_after_a_while_and_says_when_it_cannot_fall():
    scale = LossScale()
    scale.calm.assign(PATIENCE - 2)
    scale.keep()
    assert float(scale.factor) == FIRST_SCALE
    scale.keep()
    assert (float(scale.factor), int(scale.calm)) == (2 * FIRST_SCALE, 0)
    scale.factor.assign(2.0)
    assert scale.lower() and not scale.lower()


def test_the_scale_is_saved_and_restored(tmp_path):
    saved, restored = build("mixed_float16"), build("mixed_float16")
    saved.loss_scale.factor.assign(123.0)
    saved.loss_scale.calm.assign(45)
    saving.Checkpoints(tmp_path, saved, keep=1).save(7)
    assert saving.Checkpoints(tmp_path, restored, keep=1).restore(-1) == 7
    assert float(restored.loss_scale.factor) == 123
    assert int(restored.loss_scale.calm) == 45
