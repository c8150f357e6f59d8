import json

import keras
import numpy as np
import pytest

from model import checkpoint, discriminator, gan, generator


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


def randomise(pair, seed):
    keras.utils.set_random_seed(seed)
    for network in (pair.generator, pair.discriminator):
        for variable in network.variables:
            variable.assign(keras.random.normal(variable.shape))
    for optimizer in (pair.generator_optimizer, pair.discriminator_optimizer):
        for variable in optimizer.variables[2:]:
            variable.assign(keras.random.uniform(variable.shape))
        optimizer.iterations.assign(seed)


def everything(pair):
    parts = (
        pair.generator,
        pair.discriminator,
        pair.generator_optimizer,
        pair.discriminator_optimizer,
    )
    return [np.asarray(variable) for part in parts for variable in part.variables]


def test_restoring_gives_back_networks_optimisers_and_step(run_directory):
    saved, restored = build(), build()
    randomise(saved, 7)
    checkpoint.Checkpoints(run_directory, saved, keep=3).save(42)
    randomise(restored, 8)
    step = checkpoint.Checkpoints(run_directory, restored, keep=3).restore(-1)
    assert step == 42
    for expected, actual in zip(everything(saved), everything(restored), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_only_the_newest_checkpoints_stay_and_both_files_of_each(run_directory):
    checkpoints = checkpoint.Checkpoints(run_directory, build(), keep=2)
    for step in (1, 2, 3, 10):
        checkpoints.save(step)
    assert checkpoint.snapshots(run_directory) == [3, 10]
    states = sorted(path.stem for path in run_directory.glob("*.index"))
    assert states == ["matting.ckpt-10", "matting.ckpt-3"]


def test_a_shipped_generator_is_not_deleted_by_a_run_beside_it(run_directory):
    pair = build()
    pair.generator.save_weights(run_directory / "generator-5.weights.h5")
    checkpoints = checkpoint.Checkpoints(run_directory, pair, keep=1)
    for step in (6, 7):
        checkpoints.save(step)
    assert checkpoint.snapshots(run_directory) == [5, 7]


def test_weights_alone_cannot_be_resumed_but_another_run_can_start_from_them(
    run_directory,
):
    saved, restored = build(), build()
    randomise(saved, 3)
    saved.generator.save_weights(run_directory / "generator-9.weights.h5")
    with pytest.raises(FileNotFoundError, match="only the generator is here.*--init"):
        checkpoint.Checkpoints(run_directory, restored, keep=1).restore(-1)
    checkpoint.load_weights(restored.generator, run_directory)
    for expected, actual in zip(
        saved.generator.weights, restored.generator.weights, strict=True
    ):
        np.testing.assert_array_equal(actual.numpy(), expected.numpy())


def test_going_back_moves_later_checkpoints_aside_and_goes_on_from_there(
    run_directory,
):
    pair = build()
    checkpoints = checkpoint.Checkpoints(run_directory, pair, keep=3)
    for step in (1, 2, 3):
        checkpoints.save(step)
    resumed = checkpoint.Checkpoints(run_directory, pair, keep=3)
    assert resumed.restore(1) == 1
    assert checkpoint.states(run_directory) == [1]
    aside = {path.name for path in (run_directory / "abandoned").iterdir()}
    assert {"generator-3.weights.h5", "matting.ckpt-3.index"} <= aside
    resumed.save(4)
    assert checkpoint.states(run_directory) == [1, 4]
    assert checkpoint.Checkpoints(run_directory, pair, keep=3).restore(-1) == 4


def test_a_generator_is_rebuilt_from_its_directory_alone(run_directory):
    pair = build()
    randomise(pair, 1)
    checkpoint.Checkpoints(run_directory, pair, keep=1).save(3)
    loaded = checkpoint.load_generator(run_directory)
    for expected, actual in zip(pair.generator.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(actual.numpy(), expected.numpy())


def test_what_is_missing_or_damaged_is_named_in_one_line(run_directory, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint here; train one"):
        checkpoint.find_snapshot(tmp_path / "nothing")
    pair = build()
    checkpoint.Checkpoints(run_directory, pair, keep=1).save(3)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint 4; there are 3 \(or"):
        checkpoint.load_generator(run_directory, 4)
    (run_directory / "generator-3.weights.h5").write_bytes(b"not weights")
    with pytest.raises(ValueError, match="not the weights of this network") as error:
        checkpoint.load_generator(run_directory)
    assert "\n" not in str(error.value)
    (run_directory / "config.json").write_text('{"preset": "matting"}')
    with pytest.raises(ValueError, match="damaged"):
        checkpoint.load_generator(run_directory)
    (run_directory / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="is no run directory"):
        checkpoint.load_generator(run_directory)


def test_a_state_of_another_architecture_is_refused_in_one_line(run_directory):
    checkpoint.Checkpoints(run_directory, build(), keep=1).save(3)
    other = build()
    other.discriminator = discriminator.build_discriminator(16)
    other.discriminator_optimizer = keras.optimizers.Adam(1e-3)
    other.discriminator_optimizer.build(other.discriminator.trainable_variables)
    with pytest.raises(ValueError, match="does not fit these options") as error:
        checkpoint.Checkpoints(run_directory, other, keep=1).restore(-1)
    assert "\n" not in str(error.value)
