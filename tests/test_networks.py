import keras
import numpy as np
import pytest
import tensorflow as tf

from model import discriminator, gan, generator, matting, operations


def random_inputs(height, width, seed=0, batch=1):
    random = np.random.default_rng(seed)
    codes = np.uint8([0, 128, 255])
    return {
        "image": random.random((batch, height, width, 3)).astype(np.float32),
        "trimap": codes[random.integers(0, 3, (batch, height, width, 1))],
        "prior": random.random((batch, height, width, 1)).astype(np.float32),
        "colours": random.random((batch, height // 4, width // 4, 6)).astype("f"),
        "samples": random.random((batch, height // 2, width // 2, 2)).astype("f"),
        "coarse_samples": random.random(
            (batch, height // 4, width // 4, 2), np.float32
        ),
    }


@pytest.mark.parametrize(
    ("preset", "count"),
    [("matting", 2_568_861), ("fast", 2_478_936), ("paper2018", 982_004)],
)
def test_parameter_counts_are_what_they_were(preset, count):
    network = generator.build_generator(preset)
    assert network.count_params() == count


@pytest.mark.parametrize("preset", generator.PRESETS)
def test_outputs_have_the_size_of_the_inputs(preset):
    network = generator.build_generator(preset, (8,) * 5)
    width = 128 if preset == "fast" else 96
    inputs = random_inputs(64, width, batch=2)
    wanted = gan.generator_inputs(inputs, network)
    outputs = network(wanted)
    assert outputs["alpha"].shape == (2, 64, width, 1)
    if preset == "paper2018":
        assert outputs["foreground"].shape == (2, 64, width, 3)


@pytest.mark.parametrize("preset", ["matting", "fast"])
def test_single_pixels_of_the_image_reach_alpha(preset):
    """What half of the resolution cannot tell apart, the last channels can."""
    network = generator.build_generator(preset, (8,) * 5)
    kernel, bias = network.get_layer("detail").get_weights()
    random = np.random.default_rng(0)
    weights = [random.normal(0, 1, kernel.shape), bias]
    network.get_layer("detail").set_weights(weights)
    inputs = random_inputs(64, 64)
    inputs["trimap"][:] = matting.UNKNOWN
    for name in ("image", "prior", "colours", "samples", "coarse_samples"):
        inputs[name][:] = 0.5
    board = np.indices((64, 64)).sum(0) % 2  # its mean over 2 x 2 pixels is the same
    inputs["image"] += np.float32(0.4) * (board[None, ..., None] - 0.5)
    wanted = gan.generator_inputs(inputs, network)
    alpha = network(wanted)["alpha"].numpy()[0, 16:48, 16:48, 0]
    blocks = alpha.reshape(16, 2, 16, 2)
    assert np.abs(blocks[:, 0, :, 0] - blocks[:, 0, :, 1]).mean() > 1e-3


def test_residual_blocks_begin_as_if_there_were_none():
    x = keras.Input((None, None, 8))
    network = keras.Model(x, generator._residual_blocks(x, 2))
    convolutions = [layer for layer in network.layers if "conv2d" in layer.name]
    assert len(convolutions) == 4
    values = np.random.default_rng(0).random((1, 16, 24, 8), np.float32)
    np.testing.assert_array_equal(network(values), values)
    last = [layer for layer in network.layers if "batch_norm" in layer.name][-1]
    last.gamma.assign(np.ones(8, np.float32))
    assert np.any(network(values) != values)


def test_residual_blocks_are_where_they_are_said_to_be(monkeypatch):
    with_blocks = generator.build_generator("matting", (8,) * 5).count_params()
    monkeypatch.setitem(generator.BLOCKS, "matting", {})
    without = generator.build_generator("matting", (8,) * 5).count_params()
    one = 2 * (9 * 8 * 8 + 4 * 8)  # a block's two convolutions and batch norms
    assert with_blocks - without == 5 * one


@pytest.mark.parametrize("preset", ["matting", "fast"])
@pytest.mark.parametrize("use_prior", [True, False])
def test_an_untrained_network_returns_its_prior_or_one_half(preset, use_prior):
    network = generator.build_generator(preset, (8,) * 5, use_prior)
    inputs = random_inputs(64, 64)
    wanted = gan.generator_inputs(inputs, network)
    assert ("prior" in wanted) is use_prior
    outputs = network(wanted)
    is_unknown = inputs["trimap"] == matting.UNKNOWN
    expected = inputs["prior"][is_unknown] if use_prior else 0.5
    np.testing.assert_allclose(outputs["alpha"].numpy()[is_unknown], expected, 0, 1e-6)


def test_the_projection_is_the_place_between_both_colours():
    layer = operations.Projection()
    colours = np.float32([1, 0.5, 0, 0, 0.5, 1]).reshape(1, 1, 1, 6)
    for share in (0.0, 0.25, 1.0):
        image = share * colours[..., :3] + (1 - share) * colours[..., 3:]
        assert float(layer([image, colours])[0, 0, 0, 0]) == pytest.approx(
            share, abs=1e-3
        )


def test_the_projection_of_light_is_that_of_a_camera():
    layer = operations.Projection()
    colours = np.float32([0.9, 0.8, 0.7, 0.2, 0.3, 0.1]).reshape(1, 1, 1, 6)
    light = 0.3 * colours[..., :3] ** 2 + 0.7 * colours[..., 3:] ** 2
    values, of_light = layer([np.sqrt(light), colours])[0, 0, 0].numpy()
    assert of_light == pytest.approx(0.3, abs=1e-3)
    assert values > 0.4  # the values alone overrate the brighter foreground


@pytest.mark.parametrize("preset", ["matting", "fast"])
def test_known_pixels_are_exact(preset):
    network = generator.build_generator(preset, (8,) * 5)
    for variable in network.trainable_variables:
        variable.assign(tf.random.stateless_normal(variable.shape, (1, 2)))
    inputs = random_inputs(64, 64)
    wanted = gan.generator_inputs(inputs, network)
    alpha, trimap = network(wanted)["alpha"].numpy(), inputs["trimap"]
    assert np.all(alpha[trimap == matting.FOREGROUND] == 1)
    assert np.all(alpha[trimap == matting.BACKGROUND] == 0)
    assert np.any(alpha[trimap == matting.UNKNOWN] != inputs["prior"][trimap == 128])


def test_the_regions_of_a_trimap_are_those_of_its_codes():
    codes = np.uint8([0, 128, 255]).reshape(1, 1, 3, 1)
    is_unknown, is_foreground = operations.Regions()(codes)
    assert is_unknown.numpy().ravel().tolist() == [0, 1, 0]
    assert is_foreground.numpy().ravel().tolist() == [0, 0, 1]


def test_the_one_hot_trimap_is_that_of_its_codes():
    codes = np.uint8([0, 128, 255]).reshape(1, 1, 3, 1)
    one_hot = operations.OneHotTrimap()(codes)
    np.testing.assert_array_equal(one_hot, np.eye(3)[None, None])


def test_one_channel_is_put_around_zero():
    values = np.float32([0, 0.25, 1]).reshape(1, 1, 3, 1)
    centred = operations.Centre()(values)
    np.testing.assert_array_equal(centred, 2 * values - 1)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_batch_norm_is_that_of_keras(precision):
    values = np.random.default_rng(0).normal(1, 2, (2, 6, 8, 3)).astype(np.float32)
    tolerance = 1e-5 if precision == "float32" else 0.02
    layers = [
        kind(momentum=0.9, dtype=precision)
        for kind in (keras.layers.BatchNormalization, operations.BatchNormalization)
    ]
    for layer in layers:
        layer.build(values.shape)
        layer.gamma.assign([0.5, 1, 2])
        layer.beta.assign([0, 1, -1])
    for training in (True, True, False):
        found, gradients = [], []
        for layer in layers:
            with tf.GradientTape() as tape:
                inputs = tf.constant(values)
                tape.watch(inputs)
                normal = layer(tf.cast(inputs, layer.compute_dtype), training=training)
                loss = tf.reduce_sum(tf.cast(normal, tf.float32) ** 3)
            found.append(tf.cast(normal, tf.float32))
            gradients.append(tape.gradient(loss, [inputs, layer.gamma, layer.beta]))
        np.testing.assert_allclose(*found, rtol=tolerance, atol=2 * tolerance)
        for one, other in zip(*gradients, strict=True):
            scale = np.abs(one).max()
            np.testing.assert_allclose(one, other, atol=5 * tolerance * scale)
    for one, other in zip(*(layer.get_weights() for layer in layers), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_training_folds_pixels_as_the_exported_network_does():
    values = np.random.default_rng(0).random((2, 6, 8, 3), np.float32)
    fold = operations.SpaceToDepth()
    np.testing.assert_array_equal(fold(values, training=True), fold(values))
    corner = fold(values)[0, 0, 0]  # row by row
    np.testing.assert_array_equal(corner, values[0, :2, :2].reshape(-1))


def test_the_mean_of_a_block_is_that_of_what_was_folded():
    values = np.random.default_rng(0).random((2, 6, 8, 3), np.float32)
    means = operations.BlockMean()(operations.SpaceToDepth()(values))
    expected = values.reshape(2, 3, 2, 4, 2, 3).mean((2, 4))
    np.testing.assert_allclose(means, expected, rtol=1e-6)


def test_the_baseline_has_the_layers_of_its_paper():
    network = generator.build_generator("paper2018")
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("MaxPooling2D") == 3
    assert kinds.count("Conv2DTranspose") == 3
    widths = [
        layer.filters for layer in network.layers if type(layer).__name__ == "Conv2D"
    ]
    assert widths[:8] == [16, 16, 32, 32, 64, 64, 128, 128]
    assert widths[8:11] == [128, 128, 128]
    assert widths[11:] == [64, 64, 32, 32, 16, 16, 4]
    assert network.get_layer("rgba").activation.__name__ == "sigmoid"


def test_unknown_presets_and_depths_are_refused():
    with pytest.raises(ValueError, match="preset: got 'vgg'; use one of matting"):
        generator.build_generator("vgg")
    with pytest.raises(ValueError, match="got 9 levels; give 5"):
        generator.build_generator("matting", (8,) * 9)
    with pytest.raises(ValueError, match="got 9 levels; give 2 to 5"):
        generator.build_generator("paper2018", (8,) * 9)
    with pytest.raises(ValueError, match="got 7 strided layers"):
        discriminator.build_discriminator(strided_layers=7)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_receptive_field_of_the_discriminator_is_the_stated_one(layers):
    network = discriminator.build_discriminator(8, layers)
    for layer in network.layers:  # a group norm would couple all pixels
        if "normalization" in layer.name:
            layer.gamma.assign(tf.zeros_like(layer.gamma) + 1.0)
    picture = tf.Variable(tf.random.stateless_uniform((1, 128, 128, 3), (3, 4)))
    trimap = tf.fill((1, 128, 128, 1), tf.constant(128, tf.uint8))
    bare = remove_normalisation(network, layers)
    with tf.GradientTape() as tape:
        logits = bare({"composite": picture, "trimap": trimap})
        middle = logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]
    seen = np.abs(tape.gradient(middle, picture).numpy()).sum((0, 3)) > 0
    rows, columns = np.where(seen.any(1))[0], np.where(seen.any(0))[0]
    assert np.ptp(rows) + 1 == discriminator.RECEPTIVE_FIELDS[layers]
    assert np.ptp(columns) + 1 == discriminator.RECEPTIVE_FIELDS[layers]


def remove_normalisation(network, layers):
    """Runs the same convolutions without the norms between them."""

    def run(inputs):
        x = tf.concat(
            [inputs["composite"], tf.cast(inputs["trimap"], tf.float32) / 255], -1
        )
        for layer in network.layers:
            kind = type(layer).__name__
            if kind in ("ZeroPadding2D", "Conv2D", "LeakyReLU"):
                x = layer(x)
        return x

    return run


def test_the_discriminator_sees_the_trimap():
    network = discriminator.build_discriminator(8)
    inputs = random_inputs(64, 64)
    one = network({"composite": inputs["image"], "trimap": inputs["trimap"]})
    other = network({"composite": inputs["image"], "trimap": 255 - inputs["trimap"]})
    assert np.abs(one - other).max() > 0
    assert one.shape[1:3] == (14, 14)  # patches, not a verdict on the whole
