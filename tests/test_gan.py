import keras
import numpy as np
import pytest
import tensorflow as tf

from model import dataset, discriminator, gan, generator, losses, matting, stock


@pytest.fixture(scope="module", autouse=True)
def small_networks(short_encoder):
    with short_encoder():
        yield


def build(d_coeff=0.01, use_prior=True, preset="matting"):
    keras.utils.set_random_seed(0)
    return gan.MattingGAN(
        generator=generator.build_generator(preset, (8, 8, 8, 8, 16), use_prior),
        discriminator=discriminator.build_discriminator(8),
        generator_optimizer=keras.optimizers.Adam(1e-3),
        discriminator_optimizer=keras.optimizers.Adam(1e-3),
        d_coeff=d_coeff,
        use_rgba_loss=preset == "paper2018",
        jit_compile=False,
    )


@pytest.fixture(scope="module")
def batch(data_directory):
    return first_batch(data_directory, is_fine=True)


def first_batch(data_directory, is_fine):
    stream = dataset.batches(
        stock.Layers(data_directory, "train"),
        seed=0,
        first=0,
        steps=1,
        batch_size=2,
        size=64,
        workers=1,
        use_prior=True,
        is_fine=is_fine,
    )
    return next(iter(stream))


@pytest.fixture(scope="module")
def built():
    """Both networks, traced once for many tests, and all that they begin with."""
    pair = build()
    return pair, [(each, each.numpy()) for each in variables(pair)]


@pytest.fixture
def pair(built):
    """Both networks as `build` gives them."""
    pair, first = built
    for variable, value in first:
        variable.assign(value)
    return pair


def variables(pair):
    parts = (pair.generator, pair.discriminator)
    parts += (pair.generator_optimizer, pair.discriminator_optimizer)
    return [variable for part in parts for variable in part.variables]


def learn_at(pair, rate):
    for optimizer in (pair.generator_optimizer, pair.discriminator_optimizer):
        optimizer.learning_rate.assign(rate)


def weights(network):
    return [variable.numpy().copy() for variable in network.trainable_variables]


def changed(before, after):
    return any(np.any(a != b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("phase", "generator_learns", "discriminator_learns"),
    [
        ("generator", True, False),
        ("discriminator", False, True),
        ("adversarial", True, True),
    ],
)
def test_each_phase_trains_what_it_should_and_nothing_else(
    batch, pair, phase, generator_learns, discriminator_learns
):
    before = weights(pair.generator), weights(pair.discriminator)
    statistics = [v.numpy().copy() for v in pair.generator.non_trainable_variables]
    for _ in range(2):  # a head that starts at zero hides the others' gradients once
        pair.apply(pair.compute(batch, phase)[1])
    assert changed(before[0], weights(pair.generator)) is generator_learns
    assert changed(before[1], weights(pair.discriminator)) is discriminator_learns
    after = [v.numpy() for v in pair.generator.non_trainable_variables]
    moved = any(np.any(a != b) for a, b in zip(statistics, after, strict=True))
    assert moved is generator_learns


def test_the_discriminator_keeps_learning_in_the_adversarial_phase(batch, pair):
    learn_at(pair, 2e-3)
    noisy = dict(batch)
    noisy["prior"] = tf.random.stateless_uniform(batch["prior"].shape, (1, 2))
    first = float(pair.compute(noisy, "adversarial")[0]["discriminator_loss"])
    pair.generator_optimizer.learning_rate.assign(0.0)
    for _ in range(40):
        values, gradients = pair.compute(noisy, "adversarial")
        pair.apply(gradients)
    assert float(values["discriminator_loss"]) < 0.8 * first


def test_computing_changes_no_weight(batch, pair):
    before = weights(pair.generator), weights(pair.discriminator)
    pair.compute(batch, "adversarial")
    assert not changed(before[0], weights(pair.generator))
    assert not changed(before[1], weights(pair.discriminator))


def test_the_coefficient_decides_whether_the_generator_listens(batch, pair):
    moved = []
    for d_coeff in (0.0, 1.0):
        other = build(d_coeff=d_coeff)
        other.apply(other.compute(batch, "adversarial")[1])
        other.apply(other.compute(batch, "adversarial")[1])
        moved.append(weights(other.generator))
    pair.apply(pair.compute(batch, "generator")[1])
    pair.apply(pair.compute(batch, "generator")[1])
    assert not changed(moved[0], weights(pair.generator))
    assert changed(moved[1], moved[0])


def test_the_average_of_the_weights_is_lent_and_given_back(batch):
    pair = build()
    pair.generator_optimizer = keras.optimizers.Adam(
        1e-3, use_ema=True, ema_momentum=0.5
    )
    pair.generator_optimizer.build(pair.generator.trainable_variables)
    seen = []
    for _ in range(3):
        pair.apply(pair.compute(batch, "generator")[1])
        seen.append(weights(pair.generator))
    expected = seen[0]
    for later in seen[1:]:
        expected = [0.5 * a + 0.5 * b for a, b in zip(expected, later, strict=True)]
    with pair.averaged():
        lent = weights(pair.generator)
    assert not changed(seen[-1], weights(pair.generator))
    for actual, wanted in zip(lent, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=1e-6)
    assert changed(lent, seen[-1])


def test_patches_without_unknown_pixels_do_not_count(batch, pair):
    trimap = np.full((2, 64, 64, 1), matting.FOREGROUND, np.uint8)
    trimap[:, 28:36, 28:36] = matting.UNKNOWN
    changed_batch = dict(batch, trimap=tf.constant(trimap))
    _, _, weight = pair._judge(changed_batch, batch["alpha"])
    assert weight.shape == (2, 14, 14, 1)
    assert weight.numpy()[0, 6:8, 6:8].all()
    assert weight.numpy().sum() == 2 * 4


def test_samples_count_by_their_weights(batch, pair):
    """The untrained network returns the guess, whose error is known."""
    is_unknown = gan.region(batch["trimap"], matting.UNKNOWN)
    error = losses.alpha_loss(batch["alpha"], batch["prior"], is_unknown).numpy()
    weight = np.float32([1.0, 0.25])
    weighted = batch | {"weight": tf.reshape(weight, (2, 1, 1, 1))}
    values, _ = pair.compute(weighted, "generator")
    np.testing.assert_allclose(values["alpha_loss"], (weight * error).mean(), rtol=1e-4)


def test_one_batch_overfits(batch, pair):
    learn_at(pair, 3e-3)
    first = float(pair.compute(batch, "generator")[0]["alpha_loss"])
    for _ in range(150):
        values, gradients = pair.compute(batch, "generator")
        pair.apply(gradients)
    assert float(values["alpha_loss"]) < 0.5 * first


def test_the_fast_preset_learns_from_coarse_guesses(data_directory):
    pair, coarse = build(preset="fast"), first_batch(data_directory, is_fine=False)
    first = None
    for _ in range(30):
        values, gradients = pair.compute(coarse, "generator")
        pair.apply(gradients)
        first = first or float(values["alpha_loss"])
    assert float(values["alpha_loss"]) < 0.8 * first


def test_the_baseline_trains_on_rgba_alone(batch):
    pair = build(preset="paper2018", use_prior=False)
    values, _ = pair.compute(batch, "generator")
    assert {"rgba_loss", "gradient_norm"} == set(values)


def test_two_replicas_compute_what_one_does(batch):
    """Two logical devices with half of the batch each, in a process of their own."""
    import subprocess
    import sys

    result = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]


TWO_REPLICAS = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from model import discriminator, encoder, gan, generator
from model.optimizer import GentleAdam
random = np.random.default_rng(0)
batch = {
    "image": random.random((2, 64, 64, 3)).astype("f"),
    "foreground": random.random((2, 64, 64, 3)).astype("f"),
    "alpha": random.random((2, 64, 64, 1)).astype("f"),
    "prior": random.random((2, 64, 64, 1)).astype("f"),
    "colours": random.random((2, 16, 16, 6)).astype("f"),
    "samples": random.random((2, 32, 32, 2)).astype("f"),
    "trimap": np.full((2, 64, 64, 1), 128, np.uint8),
}
losses, weights = [], []
for strategy in (tf.distribute.get_strategy(),
                 tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        pair = gan.MattingGAN(
            generator=generator.build_generator("matting", (8,) * 5),
            discriminator=discriminator.build_discriminator(8),
            generator_optimizer=GentleAdam(  # with a norm that does clip
                1e-5, global_clipnorm=0.01, gentle=encoder.PRETRAINED,
                use_ema=True, ema_momentum=0.5),
            discriminator_optimizer=keras.optimizers.Adam(1e-3),
            d_coeff=0.01, jit_compile=False)
    count = strategy.num_replicas_in_sync
    def part(context):
        i = context.replica_id_in_sync_group
        return {k: tf.constant(v[i::count]) for k, v in batch.items()}
    spread = strategy.experimental_distribute_values_from_function(part)
    for _ in range(3):
        values, gradients = pair.compute(spread, "generator")
        pair.apply(gradients)
    losses.append({k: float(v) for k, v in values.items()})
    weights.append([v.numpy() for v in pair.generator.variables])
    with pair.averaged():
        weights[-1] += [v.numpy() for v in pair.generator.variables]
assert 0.01 < losses[0]["gradient_norm"]
for name, value in losses[0].items():
    # a gradient jumps where rounding decides about a ReLU of nearly 0, as residual
    # blocks that begin as nothing have many
    tolerance = 1e-3 if name == "gradient_norm" else 1e-5
    assert abs(value - losses[1][name]) < tolerance * max(1, value), losses
for one, two in zip(*weights, strict=True):
    assert np.abs(one - two).max() < 1e-5, np.abs(one - two).max()
"""
