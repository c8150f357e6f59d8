import gc
import logging
import os
import resource
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from model import checkpoint, gan, saving


def network(width=16, depth=1):
    x = inputs = keras.Input((width,))
    for _ in range(depth):
        x = keras.layers.BatchNormalization()(keras.layers.Dense(width)(x))
    return keras.Model(inputs, x)


def build(width=16):
    """Everything that a checkpoint holds, but networks of one layer."""
    return gan.MattingGAN(
        generator=network(),
        discriminator=network(width),
        generator_optimizer=keras.optimizers.Adam(use_ema=True, ema_momentum=0.5),
        discriminator_optimizer=keras.optimizers.Adam(),
        d_coeff=0.01,
    )


def variables(pair):
    parts = (pair.generator, pair.discriminator)
    parts += (pair.generator_optimizer, pair.discriminator_optimizer)
    return [variable for part in parts for variable in part.variables]


def fill(pair, value):
    for variable in variables(pair):
        variable.assign(np.full(variable.shape, value, variable.dtype))


def holds(pair, value):
    return all(np.all(np.asarray(each) == value) for each in variables(pair))


def save(directory, *steps, keep=3):
    """Saves states in which every number is the step's."""
    pair = build()
    checkpoints = saving.Checkpoints(directory, pair, keep)
    for step in steps:
        fill(pair, step)
        checkpoints.save(step)
    return checkpoints


def holds_weights(directory, step):
    network_ = network()
    network_.load_weights(directory / f"generator-{step}.weights.h5")
    return all(np.all(variable.numpy() == step) for variable in network_.variables)


def test_restoring_gives_back_networks_optimisers_and_step(tmp_path):
    save(tmp_path, 42)
    pair = build()
    assert saving.Checkpoints(tmp_path, pair, keep=3).restore(-1) == 42
    assert holds(pair, 42) and holds_weights(tmp_path, 42)


def test_only_the_newest_checkpoints_stay_and_both_files_of_each(tmp_path):
    save(tmp_path, 1, 2, 3, 10, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "generator-10.weights.h5",
        "generator-3.weights.h5",
        "matting.ckpt-10.data-00000-of-00001",
        "matting.ckpt-10.index",
        "matting.ckpt-3.data-00000-of-00001",
        "matting.ckpt-3.index",
    ]


def test_the_best_checkpoint_stays_too_until_there_is_a_better_one(tmp_path):
    checkpoints = save(tmp_path, keep=1)
    for step, val_sad in ((1, 5.0), (2, None), (3, None)):
        checkpoints.save(step, val_sad)
    assert checkpoint.states(tmp_path) == checkpoint.snapshots(tmp_path) == [1, 3]
    assert checkpoint.find_snapshot(tmp_path, "best") == 1
    checkpoints.save(4, 4.0)
    assert checkpoint.states(tmp_path) == checkpoint.snapshots(tmp_path) == [4]
    assert checkpoint.find_state(tmp_path, "best") == 4


def test_a_mark_on_what_is_gone_is_taken_away(tmp_path):
    checkpoints = save(tmp_path, 1, 2)
    checkpoints.mark_best((1, 5.0))
    assert checkpoint.find_snapshot(tmp_path, "best") == 1
    checkpoints.mark_best((9, 4.0))
    assert not (tmp_path / "best.json").exists()


def test_a_shipped_generator_is_not_deleted_by_a_run_beside_it(tmp_path):
    network().save_weights(tmp_path / "generator-5.weights.h5")
    save(tmp_path, 6, 7, keep=1)
    assert checkpoint.snapshots(tmp_path) == [5, 7]


def test_weights_alone_cannot_be_resumed_but_another_run_can_start_from_them(tmp_path):
    pair, shipped = build(), network()
    shipped.layers[1].kernel.assign(np.full((16, 16), 9.0))
    shipped.save_weights(tmp_path / "generator-9.weights.h5")
    with pytest.raises(FileNotFoundError, match="only the generator is here.*--init"):
        saving.Checkpoints(tmp_path, pair, keep=1).restore(-1)
    checkpoint.load_weights(pair.generator, tmp_path)
    assert np.all(pair.generator.layers[1].kernel.numpy() == 9)


def test_going_back_moves_later_checkpoints_aside_and_goes_on_from_there(tmp_path):
    save(tmp_path, 1, 2, 3)
    pair = build()
    resumed = saving.Checkpoints(tmp_path, pair, keep=3)
    assert resumed.restore(1) == 1 and holds(pair, 1)
    assert checkpoint.states(tmp_path) == [1, 2, 3]  # a refusal may still come
    (tmp_path / "history.csv").write_text("what all three measured")
    resumed.go_on_from(1)
    assert checkpoint.states(tmp_path) == [1]
    aside = {path.name for path in (tmp_path / "abandoned/1").iterdir()}
    assert {"generator-3.weights.h5", "matting.ckpt-3.index", "history.csv"} <= aside
    assert (tmp_path / "history.csv").exists() and "validation.csv" not in aside
    resumed.save(4)
    assert checkpoint.states(tmp_path) == [1, 4]
    assert resumed.restore(-1) == 4


def test_what_was_abandoned_before_stays(tmp_path):
    checkpoints = save(tmp_path, 1, 2)
    first = (tmp_path / "generator-2.weights.h5").read_bytes()
    checkpoints.restore(1)
    checkpoints.go_on_from(1)
    checkpoints.gan.generator.layers[1].kernel.assign(np.full((16, 16), 5.0))
    checkpoints.save(2)
    checkpoints.restore(1)
    checkpoints.go_on_from(1)
    kept = [
        (tmp_path / f"abandoned/{number}/generator-2.weights.h5").read_bytes()
        for number in (1, 2)
    ]
    assert kept[0] == first != kept[1]
    checkpoints.go_on_from(1)
    assert len(list((tmp_path / "abandoned").iterdir())) == 2


def test_a_process_that_is_no_writer_restores_and_changes_nothing(tmp_path):
    save(tmp_path, 1, 2).mark_best((1, 5.0))
    (tmp_path / "generator-1.weights.h5").unlink()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    pair = build()
    checkpoints = saving.Checkpoints(tmp_path, pair, keep=1, is_writer=False)
    assert checkpoints.restore(1) == 1 and holds(pair, 1)
    checkpoints.go_on_from(1)
    checkpoints.mark_best(None)
    checkpoints.save(3, 4.0)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.fixture
def tensorflow_says():
    """What TensorFlow logs meanwhile; its level is what it was afterwards."""
    said, handler, logger = [], logging.Handler(), tf.get_logger()
    handler.emit = lambda record: said.append(record.getMessage())
    level = logger.level
    logger.setLevel("WARNING")
    logger.addHandler(handler)
    yield said
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.parametrize(("depth", "width"), [(1, 8), (4, 16), (1, 16)])
def test_a_state_of_another_architecture_is_refused_in_one_line(
    depth, width, tmp_path, tensorflow_says
):
    larger = build()
    larger.generator = network(depth=3)
    saving.Checkpoints(tmp_path, larger, keep=1).save(3)
    other = build(width)
    other.generator = network(width, depth)
    with pytest.raises(ValueError, match="does not fit these options") as error:
        saving.Checkpoints(tmp_path, other, keep=1).restore(-1)
    assert "\n" not in str(error.value)
    del error
    gc.collect()
    assert not tensorflow_says


def test_a_state_of_an_earlier_version_is_restored(tmp_path):
    """They were saved by TensorFlow's own manager, with a counter and a list."""
    pair = build()
    checkpoints = saving.Checkpoints(tmp_path, pair, keep=3)
    manager = tf.train.CheckpointManager(
        checkpoints.state, str(tmp_path), 3, checkpoint_name="matting.ckpt"
    )
    fill(pair, 7)
    checkpoints.step.assign(7)
    manager.save(checkpoint_number=7)
    fill(pair, 0)
    assert checkpoints.restore(-1) == 7 and holds(pair, 7)
    checkpoints.save(8)
    assert checkpoint.states(tmp_path) == [7, 8]
    assert not (tmp_path / "checkpoint").exists()


class Killed(BaseException):
    """Ends a save as SIGKILL would: nothing is tidied up after it."""


def test_no_moment_of_a_save_loses_anything(tmp_path, monkeypatch):
    """Every change of the directory in turn is the one before which it is killed."""
    pair = build()
    left = [0]

    def count_down(call):
        def changed(*arguments, **options):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return call(*arguments, **options)

        return changed

    moments = 0
    while True:
        directory = tmp_path / str(moments)
        directory.mkdir()
        checkpoints = saving.Checkpoints(directory, pair, keep=1)
        fill(pair, 1)
        checkpoints.save(1, 5.0)
        fill(pair, 2)
        left[0] = moments
        with monkeypatch.context() as patch:
            for owner, name in ((os, "replace"), (Path, "replace"), (Path, "unlink")):
                patch.setattr(owner, name, count_down(getattr(owner, name)))
            try:
                checkpoints.save(2, 4.0)
                break
            except Killed:
                moments += 1
        shipped = checkpoint.find_snapshot(directory)
        assert holds_weights(directory, shipped)
        assert checkpoint.find_snapshot(directory, "best") in (1, 2)
        fill(pair, 0)
        resumed = saving.Checkpoints(directory, pair, keep=1)
        step = resumed.restore(-1)
        assert step in (1, 2) and step >= shipped and holds(pair, step)
        resumed.go_on_from(step)
        assert holds_weights(directory, step)
        resumed.save(3)
        assert checkpoint.states(directory) == [3]
        assert not list(directory.glob(".part-*"))
    assert moments > 6


@pytest.fixture
def full_disk():
    """Lets no file grow beyond a size, as a full disk does not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [500, 3000])  # the state does not fit; the weights
def test_a_full_disk_leaves_what_was_there(tmp_path, full_disk, size, monkeypatch):
    checkpoints = save(tmp_path, 1)
    before = sorted(path.name for path in tmp_path.iterdir())
    fill(checkpoints.gan, 2)
    if size == 3000:
        write = checkpoints._write_weights
        monkeypatch.setattr(
            checkpoints, "_write_weights", lambda step: (full_disk(size), write(step))
        )
    else:
        full_disk(size)
    with pytest.raises(saving.SaveError, match="checkpoint 2 cannot be") as error:
        checkpoints.save(2)
    assert "\n" not in str(error.value)
    after = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in after if "-2." not in name] == before
    assert not any(name.startswith(".part") for name in after)
    full_disk(resource.RLIM_INFINITY)
    pair = build()
    resumed = saving.Checkpoints(tmp_path, pair, keep=3)
    step = resumed.restore(-1)
    assert step == (2 if size == 3000 else 1)
    resumed.go_on_from(step)
    assert holds(pair, step) and holds_weights(tmp_path, step)


@pytest.mark.parametrize("name", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_newest_state_cut_short_is_passed_over_and_named(tmp_path, name, share):
    save(tmp_path, 1, 2)
    path = tmp_path / f"matting.ckpt-2.{name}"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    step, told = saving.find_whole(tmp_path)
    assert step == 1 and "\n" not in told
    assert told.startswith(f"{tmp_path}/matting.ckpt-2: damaged (")
    with pytest.raises(ValueError, match=r"matting.ckpt-2: damaged .*--checkpoint N"):
        saving.find_whole(tmp_path, 2)
    pair = build()
    checkpoints = saving.Checkpoints(tmp_path, pair, keep=3)
    assert checkpoints.restore(-1) == 1
    assert holds(pair, 1)
    checkpoints.go_on_from(1)
    assert (tmp_path / f"abandoned/1/matting.ckpt-2.{name}").exists()


def test_where_all_states_are_damaged_the_newest_is_named(tmp_path):
    save(tmp_path, 1, 2)
    for path in tmp_path.glob("*.index"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"matting.ckpt-2: damaged"):
        saving.find_whole(tmp_path)


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_generator_that_is_gone_or_cut_short_is_made_again(tmp_path, is_gone):
    save(tmp_path, 2)
    path = tmp_path / "generator-2.weights.h5"
    content = path.read_bytes()
    path.unlink() if is_gone else path.write_bytes(content[: len(content) // 2])
    checkpoints = saving.Checkpoints(tmp_path, build(), keep=3)
    checkpoints.go_on_from(checkpoints.restore(-1))
    assert holds_weights(tmp_path, 2)
