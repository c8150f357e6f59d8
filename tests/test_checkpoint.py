import json

import keras
import numpy as np
import pytest

from model import checkpoint, discriminator, gan, generator, saving


@pytest.fixture(scope="module", autouse=True)
def small_networks(short_encoder):
    with short_encoder():
        yield


def build():
    return gan.MattingGAN(
        generator=generator.build_generator("matting", (8,) * 5),
        discriminator=discriminator.build_discriminator(8),
        generator_optimizer=keras.optimizers.Adam(1e-3),
        discriminator_optimizer=keras.optimizers.Adam(1e-3),
        d_coeff=0.01,
        jit_compile=False,
    )


@pytest.fixture
def run_directory(tmp_path):
    config = {"preset": "matting", "widths": [8] * 5, "use_prior": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def test_a_generator_is_rebuilt_from_its_directory_alone(run_directory):
    pair = build()
    for variable in pair.generator.variables:
        variable.assign(keras.random.normal(variable.shape, seed=1))
    saving.Checkpoints(run_directory, pair, keep=1).save(3)
    loaded = checkpoint.load_generator(run_directory)
    for expected, actual in zip(pair.generator.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(actual.numpy(), expected.numpy())


def test_what_is_missing_or_damaged_is_named_in_one_line(run_directory, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint here; train one"):
        checkpoint.find_snapshot(tmp_path / "nothing")
    pair = build()
    saving.Checkpoints(run_directory, pair, keep=1).save(3)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint 4; there are 3 \(or"):
        checkpoint.load_generator(run_directory, 4)
    (run_directory / "generator-3.weights.h5").write_bytes(b"not weights")
    with pytest.raises(ValueError, match="not the weights of this network") as error:
        checkpoint.load_generator(run_directory)
    assert "\n" not in str(error.value)
    for text in (
        '{"preset": "matting"}',
        '{"preset": "matting", "widths": 5, "use_prior": true}',
    ):
        (run_directory / "config.json").write_text(text)
        with pytest.raises(ValueError, match="damaged"):
            checkpoint.load_generator(run_directory)
    (run_directory / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="is no run directory"):
        checkpoint.load_generator(run_directory)


def test_weights_of_an_earlier_network_are_refused_in_one_line(
    run_directory, monkeypatch, recwarn
):
    with monkeypatch.context() as earlier:
        earlier.setitem(generator.BLOCKS, "matting", {8: 1})
        saving.Checkpoints(run_directory, build(), keep=1).save(3)
    recwarn.clear()
    with pytest.raises(ValueError, match="take the version that wrote them") as error:
        checkpoint.load_generator(run_directory)
    assert "\n" not in str(error.value) and not recwarn.list


def test_the_best_is_found_by_its_mark(run_directory):
    for step in (3, 5):
        (run_directory / f"generator-{step}.weights.h5").touch()
    with pytest.raises(FileNotFoundError, match="no checkpoint is marked as the best"):
        checkpoint.find_snapshot(run_directory, "best")
    checkpoint.write_best(run_directory, 3, 1.5)
    assert checkpoint.find_snapshot(run_directory, checkpoint.parse_step("best")) == 3
    assert checkpoint.find_snapshot(run_directory, checkpoint.parse_step("-1")) == 5
    (run_directory / "best.json").write_text("{}")
    with pytest.raises(ValueError, match="damaged .*; give a number"):
        checkpoint.find_snapshot(run_directory, "best")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    checkpoint.replace_text(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        checkpoint.replace_text(tmp_path / "a", "new \udc80")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"
