import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from model import encoder, optimizer
from scripts import convert_encoder

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "log/efficientnet-lite0/encoder.npz"


def build(hint=False):
    image = keras.Input((None, None, 3))
    guides = {factor: keras.Input((None, None, 5)) for factor in (2, 4, 8)}
    if hint:
        return keras.Model([image, *guides.values()], encoder.encode(image, guides))
    return keras.Model(image, encoder.encode(image))


@pytest.fixture(scope="module")
def network():
    network = build()
    encoder.load_pretrained(network, SHIPPED)
    return network


def test_features_have_the_stated_sizes(network):
    features = network(np.zeros((1, 64, 96, 3), np.float32))
    shapes = {factor: tuple(x.shape) for factor, x in features.items()}
    assert shapes == {
        2: (1, 32, 48, 16),
        4: (1, 16, 24, 24),
        8: (1, 8, 12, 40),
        16: (1, 4, 6, 112),
    }


def test_the_shipped_weights_tell_pictures_apart(network):
    """Of random weights, features of unlike pictures correlate almost fully."""
    rows = np.linspace(0, 40, 96, dtype=np.float32)
    stripes = np.broadcast_to((np.sin(rows) > 0)[:, None, None], (96, 96, 3))
    flat = np.full((96, 96, 3), 0.5, np.float32)
    features = network(np.stack([stripes, stripes[:, ::-1], flat]).astype("f"))[16]
    same, mirrored, other = (x.numpy().mean((0, 1)) for x in features)
    assert np.corrcoef(same, mirrored)[0, 1] > 0.99
    assert np.corrcoef(same, other)[0, 1] < 0.8
    assert np.isfinite(features).all() and np.abs(features).max() < 100


def test_all_of_it_learns_and_the_hints_start_at_nothing():
    plain, hinted = build(), build(hint=True)
    for network in (plain, hinted):
        encoder.load_pretrained(network, SHIPPED)
    names = {variable.path.split("/")[0] for variable in plain.trainable_variables}
    assert all(name.startswith(encoder.PRETRAINED) for name in names)
    assert {"stem", "block0_depthwise", "block10_project"} <= names
    image = np.random.default_rng(0).random((1, 32, 32, 3)).astype("f")
    guides = [np.ones((1, 32 // n, 32 // n, 5), np.float32) for n in (2, 4, 8)]
    before = hinted([image, *guides])
    for factor, features in plain(image).items():
        np.testing.assert_array_equal(before[factor], features)

    kernel, bias = hinted.get_layer("hint2").get_weights()
    hinted.get_layer("hint2").set_weights([kernel + 1, bias])
    after = hinted([image, *guides])
    np.testing.assert_array_equal(after[2], before[2])  # what is hinted comes later
    assert np.abs(after[4] - before[4]).max() > 0


def test_missing_and_damaged_weights_are_named(network, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file; make it with scripts/"):
        encoder.load_pretrained(network, tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no weights")
    with pytest.raises(ValueError, match=r"text\.npz: not the encoder's weights"):
        encoder.load_pretrained(network, tmp_path / "text.npz")
    (tmp_path / "short.npz").write_bytes(SHIPPED.read_bytes()[:-9000])
    flipped = bytearray(SHIPPED.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (tmp_path / "flipped.npz").write_bytes(flipped)
    for name in ("short", "flipped"):
        with pytest.raises(
            ValueError, match=rf"{name}\.npz: not the encoder's weights"
        ):
            encoder.load_pretrained(network, tmp_path / f"{name}.npz")
    np.savez(tmp_path / "other.npz", **{"stem/kernel": np.ones(3)})
    with pytest.raises(ValueError, match=r"other\.npz: not the encoder's weights"):
        encoder.load_pretrained(network, tmp_path / "other.npz")


def random_state():
    """Tensors as PyTorch names them, with the shapes of the encoder."""
    random = np.random.default_rng(0)
    widths = [32] + [s.width for s in encoder.STAGES for _ in range(s.blocks)]
    expansions = [s.expansion for s in encoder.STAGES for _ in range(s.blocks)]
    kernels = [s.kernel for s in encoder.STAGES for _ in range(s.blocks)]
    shapes = {"_conv_stem": (32, 3, 3, 3)}
    norms = {"_bn0": 32}
    for number, (expansion, kernel) in enumerate(zip(expansions, kernels, strict=True)):
        narrow, wide = widths[number], widths[number] * expansion
        prefix = f"_blocks.{number}."
        if expansion > 1:
            shapes[f"{prefix}_expand_conv"] = (wide, narrow, 1, 1)
            norms[f"{prefix}_bn0"] = wide
        shapes[f"{prefix}_depthwise_conv"] = (wide, 1, kernel, kernel)
        norms[f"{prefix}_bn1"] = wide
        shapes[f"{prefix}_project_conv"] = (widths[number + 1], wide, 1, 1)
        norms[f"{prefix}_bn2"] = widths[number + 1]
    state = {
        f"{name}.weight": random.normal(0, 0.1, shape) for name, shape in shapes.items()
    }
    for name, width in norms.items():
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.{part}"] = random.uniform(0.5, 1.5, width)
    return state


def test_a_folded_batch_norm_does_what_it_did(tmp_path):
    state = random_state()
    np.savez(tmp_path / "encoder.npz", **convert_encoder.convert(state))
    network = build()
    encoder.load_pretrained(network, tmp_path / "encoder.npz")
    image = np.random.default_rng(1).random((1, 32, 32, 3)).astype("f")
    stem = keras.Model(network.input, network.get_layer("stem").output)
    kernel = state["_conv_stem.weight"].transpose(2, 3, 1, 0)
    x = tf.nn.conv2d((image * 255 - 127) / 128, kernel.astype("f"), 2, "SAME").numpy()
    x = (x - state["_bn0.running_mean"]) / np.sqrt(state["_bn0.running_var"] + 1e-3)
    x = x * state["_bn0.weight"] + state["_bn0.bias"]
    np.testing.assert_allclose(stem(image), x, atol=0.01)


def test_a_checkpoint_of_something_else_is_refused(tmp_path, capsys):
    state = random_state()
    del state["_blocks.3._bn1.bias"]
    with pytest.raises(ValueError, match=r"no tensor '_blocks\.3\._bn1\.bias'; give"):
        convert_encoder.convert(state)
    if importlib.util.find_spec("torch") is None:
        path = str(tmp_path / "x.pth")
        assert convert_encoder.main(["--checkpoint", path]) == 2
        assert "pip install -e '.[encoder]'" in capsys.readouterr().err


def test_pretrained_weights_move_less():
    network = build()
    adam = optimizer.GentleAdam(1.0, gentle=("block5_",), share=0.01)
    adam.build(network.trainable_variables)
    before = [v.numpy() for v in network.trainable_variables]
    adam.apply([tf.ones_like(v) for v in network.trainable_variables])
    for variable, old in zip(network.trainable_variables, before, strict=True):
        step = 0.01 if variable.path.startswith("block5_") else 1.0
        np.testing.assert_allclose(variable.numpy(), old - step, rtol=1e-3, atol=1e-4)
    again = optimizer.GentleAdam.from_config(adam.get_config())
    assert (again.gentle, again.share) == (("block5_",), 0.01)
