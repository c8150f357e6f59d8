"""Exported networks: equal to the checkpoint, current, and made again when not."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from model import checkpoint, export, generator, network, prior

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module", autouse=True)
def small_networks(short_encoder):
    with short_encoder():
        yield


def small_generator(preset, seed):
    keras.utils.set_random_seed(seed)
    built = generator.build_generator(preset, (4,) * 5, use_prior=preset != "paper2018")
    random = np.random.default_rng(seed)
    for variable in built.trainable_variables:
        if not variable.numpy().any():  # the last layer and the biases start at 0
            variable.assign(random.normal(0, 0.3, variable.shape))
    return built


def random_inputs(built, height, width):
    random = np.random.default_rng(0)
    batch = {}
    for tensor in built.inputs:
        factor = prior.REDUCED.get(tensor.name, 1)
        shape = (1, height // factor, width // factor, tensor.shape[-1])
        batch[tensor.name] = random.random(shape, np.float32)
    codes = np.uint8([0, 128, 255])
    batch["trimap"] = codes[random.integers(0, 3, batch["trimap"].shape)]
    return batch


@pytest.fixture(scope="module", params=generator.PRESETS)
def run_directory(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    built = small_generator(request.param, 1)
    config = {"preset": request.param, "widths": [4] * 5}
    config["use_prior"] = request.param != "paper2018"
    (directory / "config.json").write_text(json.dumps(config))
    built.save_weights(directory / "generator-7.weights.h5")
    return directory


def test_the_exported_network_is_the_checkpoint(run_directory):
    exported = network.load_network(run_directory)
    built = checkpoint.load_generator(run_directory)
    names = {tensor.name for tensor in built.inputs}
    assert {tensor.name for tensor in exported.inputs} == names
    for size in ((64, 128), (192, 64)):
        batch = random_inputs(built, *size)
        expected = built.predict_on_batch(batch)
        outputs = exported.predict_on_batch(batch)
        assert outputs.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(outputs[name], values, 1e-5, 1e-5)
            assert np.ptp(values) > 0.01


def test_the_file_is_used_while_the_weights_are_the_same(run_directory, monkeypatch):
    network.load_network(run_directory)
    made = []
    to_onnx = export.to_onnx
    monkeypatch.setattr(
        export, "to_onnx", lambda *args: made.append(1) or to_onnx(*args)
    )
    path = run_directory / "generator-7.onnx"
    network.load_network(run_directory)
    assert not made
    path.write_bytes(path.read_bytes()[:1000])
    network.load_network(run_directory)
    assert len(made) == 1
    preset = json.loads((run_directory / "config.json").read_text())["preset"]
    small_generator(preset, 2).save_weights(run_directory / "generator-7.weights.h5")
    fresh = network.load_network(run_directory)
    assert len(made) == 2
    assert fresh.fingerprint == network.fingerprint(run_directory, 7)
    assert not list(run_directory.glob(".part*"))


def test_a_folder_that_cannot_be_written_is_no_obstacle(run_directory, monkeypatch):
    (run_directory / "generator-7.onnx").unlink(missing_ok=True)

    def refuse(self, content):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    loaded = network.load_network(run_directory)
    assert loaded.fingerprint == network.fingerprint(run_directory, 7)
    assert not (run_directory / "generator-7.onnx").exists()


def test_the_shipped_network_runs_without_tensorflow():
    code = (
        "import sys; from model import network; network.load_network('log/matting'); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_what_the_runtime_refuses_is_a_runtime_error():
    shipped = network.load_network(ROOT / "log/matting")
    with pytest.raises(RuntimeError, match="image"):
        shipped.predict_on_batch({"image": np.zeros((1, 2, 2, 1), np.float32)})


def test_a_network_leaves_nothing_among_the_caches(tmp_path, run_directory):
    """ONNX Runtime would: the number by which it reports this machine."""
    code = "import sys; from model import network; network.load_network(sys.argv[1])"
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    network.load_network(run_directory)  # exports it
    subprocess.run(
        [sys.executable, "-c", code, run_directory],
        env=environment,
        cwd=ROOT,
        check=True,
    )
    assert not list(tmp_path.iterdir())
