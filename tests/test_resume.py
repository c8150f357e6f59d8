"""Nothing is lost: whatever ends a run, it resumes to the end of an undisturbed one.

The real command with networks of a few weights, so that all of it runs in seconds.
"""

import csv
import importlib.util
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from model import checkpoint, discriminator, gan, saving, training, validation

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    "--preset paper2018 --crop 64 --batch_size 2 --workers 1 --average 0.5".split()
)
OPTIONS += "--validation-images 2 --validate-every 2 --save-every 2 --keep 9".split()
PHASES = "--gen_epoch 1 --disc_epoch 0.5 --adv_epoch 0.5".split()
LAST = 8  # batches of the three phases, of 8 composites
spec = importlib.util.spec_from_file_location("small_train", ROOT / "train.py")
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


def build_small(options):
    """Stands in for `train.build_gan`."""
    inputs = {
        "image": keras.Input((None, None, 3), name="image"),
        "trimap": keras.Input((None, None, 1), name="trimap", dtype="uint8"),
    }
    trimap = keras.layers.Rescaling(1 / 255)(inputs["trimap"])
    x = keras.layers.Concatenate()([inputs["image"], trimap])
    x = keras.layers.Conv2D(4, 3, padding="same")(x)
    x = keras.layers.BatchNormalization()(x)
    alpha = keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32")(x)
    return gan.MattingGAN(
        generator=keras.Model(inputs, {"alpha": alpha}),
        discriminator=discriminator.build_discriminator(8, strided_layers=1),
        generator_optimizer=keras.optimizers.Adam(
            1e-2, use_ema=True, ema_momentum=options.average
        ),
        discriminator_optimizer=keras.optimizers.Adam(options.disc_lr, beta_1=0.5),
        d_coeff=0.01,
        jit_compile=False,
    )


train.build_gan = build_small


@pytest.fixture(scope="module")
def start(data_directory):
    """Gives the function that runs the command in this process."""

    def run(logdir, *options, phases=PHASES):
        line = [data_directory, "--logdir", logdir, *OPTIONS, "--lr", "1e-2"]
        environment = dict(os.environ)
        try:
            return train.main([str(part) for part in (*line, *phases, *options)])
        finally:
            os.environ.clear()
            os.environ.update(environment)

    return run


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    logdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    assert start(logdir) == 0
    return logdir


def weights(logdir, step=LAST):
    found = {}

    def keep(name, node):
        if isinstance(node, h5py.Dataset):
            found[name] = node[()]

    with h5py.File(logdir / f"generator-{step}.weights.h5") as file:
        file.visititems(keep)
    return found


def assert_equal_runs(logdir, expected):
    """Compares weights, and what was measured of each picture, to the last bit."""
    for step in (LAST - 2, LAST):
        for name, array in weights(expected, step).items():
            np.testing.assert_array_equal(weights(logdir, step)[name], array)
    text = (logdir / "validation.csv").read_text()
    assert text == (expected / "validation.csv").read_text()
    assert (logdir / "best.json").read_text() == (expected / "best.json").read_text()


def rows(logdir, name="history.csv"):
    with (logdir / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_seed_gives_one_run_and_another_seed_another(start, undisturbed, tmp_path):
    assert start(tmp_path / "same") == 0
    assert_equal_runs(tmp_path / "same", undisturbed)
    assert start(tmp_path / "other", "--seed", 1, "--steps", 2) == 0
    expected, actual = weights(undisturbed, 2), weights(tmp_path / "other", 2)
    assert any(np.any(expected[name] != actual[name]) for name in expected)


def test_a_signal_ends_a_run_that_goes_on_as_if_undisturbed(
    start, undisturbed, tmp_path, monkeypatch, capsys
):
    take_step = training.Training._take_step

    def terminate(self, batch, step):
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        take_step(self, batch, step)

    monkeypatch.setattr(training.Training, "_take_step", terminate)
    assert start(tmp_path / "run") == 128 + signal.SIGTERM
    assert "SIGTERM after batch 5; resume with" in capsys.readouterr().err
    assert start(tmp_path / "run", "--checkpoint", -1) == 0
    assert "resumed after 5 batches" in capsys.readouterr().err
    assert_equal_runs(tmp_path / "run", undisturbed)
    told = rows(tmp_path / "run")
    assert [row["step"] for row in told] == ["2", "4", "5", "6", "8"]
    assert all(row["alpha_loss"] for row in told)  # of each batch, before and after
    config = checkpoint.read_config(tmp_path / "run")
    assert [start["first"] for start in config["starts"]] == [0, 5]


def test_an_error_of_a_step_keeps_what_was_whole(
    start, undisturbed, tmp_path, monkeypatch, capsys
):
    """One error in the middle of a step, one in the middle of an update."""
    compute, apply = gan.MattingGAN.compute, gan.MattingGAN.apply
    calls = []

    def fail_in_compute(self, batch, phase):
        calls.append(phase)
        result = compute(self, batch, phase)
        if len(calls) == 4:
            raise RuntimeError("out of luck")
        return result

    def fail_in_apply(self, gradients):
        apply(self, gradients)
        if int(self.generator_optimizer.iterations) == 4:
            raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(gan.MattingGAN, "compute", fail_in_compute)
        assert start(tmp_path / "run") == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "train.py: out of luck; the last state is saved, that of batch 3; "
        "resume with --checkpoint -1"
    )
    with monkeypatch.context() as patch:
        patch.setattr(gan.MattingGAN, "apply", fail_in_apply)
        assert start(tmp_path / "run", "--checkpoint", -1) == 1
    assert "out of memory; the last state is saved, that of batch 3" in (
        capsys.readouterr().err
    )
    assert start(tmp_path / "run", "--checkpoint", -1) == 0
    assert_equal_runs(tmp_path / "run", undisturbed)


def test_a_full_disk_stops_a_run_that_goes_on_when_there_is_space(
    start, undisturbed, tmp_path, monkeypatch, capsys
):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    save = saving.Checkpoints.save

    def save_on_full_disk(self, step, *measured):
        if step == 4:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        try:
            save(self, step, *measured)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    with monkeypatch.context() as patch:
        patch.setattr(saving.Checkpoints, "save", save_on_full_disk)
        assert start(tmp_path / "run") == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"{tmp_path}/run: checkpoint 4 cannot be written (" in last
    assert "the last state is saved, that of batch 2; resume with" in last
    assert start(tmp_path / "run", "--checkpoint", -1) == 0
    assert_equal_runs(tmp_path / "run", undisturbed)


def test_a_newest_checkpoint_cut_short_is_passed_over_in_one_line(
    start, undisturbed, tmp_path, capsys
):
    logdir = tmp_path / "run"
    shutil.copytree(undisturbed, logdir)
    for path in logdir.glob("matting.ckpt-8.data*"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    capsys.readouterr()
    assert start(logdir, "--checkpoint", -1) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith(f"{logdir}/matting.ckpt-8: damaged (")
    assert told[0].endswith("; going on after 6 batches")
    assert told[1] == "resumed after 6 batches"
    assert_equal_runs(logdir, undisturbed)


def test_a_killed_run_goes_on_as_if_undisturbed(
    start, undisturbed, data_directory, tmp_path
):
    logdir = tmp_path / "run"
    line = [sys.executable, __file__, data_directory, "--logdir", logdir, *OPTIONS]
    line += ["--lr", "1e-2", *PHASES]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [str(part) for part in line], env=environment, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 600
    while not checkpoint.states(logdir) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert start(logdir, "--checkpoint", -1) == 0
    assert_equal_runs(logdir, undisturbed)


def test_a_second_run_in_the_same_folder_is_refused(start, tmp_path, capsys):
    from model import lock

    with lock.hold(tmp_path / "history.csv"):
        assert start(tmp_path) == 2
    assert "another run is filling it; wait for it or give another --logdir" in (
        capsys.readouterr().err
    )


def test_a_run_that_gets_no_better_stops_and_its_best_stays(
    start, tmp_path, monkeypatch, capsys
):
    errors = {2: 5.0, 4: 4.0, 6: 6.0, 8: 4.5, 9: 7.0}

    def measure(self, step, phase):
        return {"val_sad": errors[step], "val_mse": 0.1, "val_foreground": 0.1}

    monkeypatch.setattr(validation.Validation, "measure", measure)
    logdir, phases = tmp_path / "run", ["--gen_epoch", "5"]
    options = ("--keep", 1, "--patience", 2)
    assert start(logdir, *options, phases=phases) == 0
    assert "2 validations after batch 4 (val_sad 4) were no better; that one is " in (
        capsys.readouterr().err
    )
    assert checkpoint.snapshots(logdir) == checkpoint.states(logdir) == [4, 8]
    assert checkpoint.find_snapshot(logdir, "best") == 4
    options = (*options, "--checkpoint", -1)
    assert start(logdir, *options, phases=phases) == 2
    assert "2 validations in a row were no better; raise --patience" in (
        capsys.readouterr().err
    )
    options = ("--keep", 1, "--patience", 4, "--checkpoint", -1, "--steps", 1)
    assert start(logdir, *options, phases=phases) == 0
    assert checkpoint.find_snapshot(logdir, "best") == 4
    assert checkpoint.snapshots(logdir) == [4, 9]


def test_every_validation_tells_of_each_picture_by_both_kinds_of_weights(undisturbed):
    told = rows(undisturbed, "validation.csv")
    assert len(told) == 4 * 2 * 2  # validations, kinds, pictures
    means = {row["step"]: row for row in rows(undisturbed)}
    for weight, column in (("averaged", "val_sad"), ("raw", "val_raw_sad")):
        for step in ("2", "8"):
            found = [
                float(row["sad"])
                for row in told
                if (row["step"], row["weights"]) == (step, weight)
            ]
            assert np.mean(found) == pytest.approx(float(means[step][column]), 1e-4)
    assert means["2"]["val_sad"] != means["2"]["val_raw_sad"]
    best = json.loads((undisturbed / "best.json").read_text())["step"]
    judged = [row for row in rows(undisturbed) if row["phase"] != "discriminator"]
    assert best == int(min(judged, key=lambda row: float(row["val_sad"]))["step"])


def test_a_run_tells_what_it_was_made_with(undisturbed, data_directory):
    import platform

    import tensorflow as tf

    from model import provenance

    config = checkpoint.read_config(undisturbed)
    assert config["python"] == platform.python_version()
    assert config["tensorflow"] == tf.__version__
    assert config["numpy"] == np.__version__
    digest = provenance.hash_files([data_directory / "manifest.jsonl"])
    assert config["manifest_sha256"] == digest and len(digest) == 64
    assert re.fullmatch(r"([0-9a-f]{40}\+?)?", config["commit"])
    assert config["starts"][0] == {
        "first": 0,
        **{name: config[name] for name in provenance.NAMES},
    }


def test_tensorboard_reads_back_numbers_and_pictures_of_each_phase(undisturbed):
    import tensorflow as tf
    from tensorboard.backend.event_processing import event_accumulator

    reader = event_accumulator.EventAccumulator(
        str(undisturbed / "tensorboard"), size_guidance={"tensors": 0}
    )
    reader.Reload()
    steps = {
        tag: [event.step for event in reader.Tensors(tag)]
        for tag in reader.Tags()["tensors"]
    }
    for name in ("learning_rate", "gradient_norm", "samples_per_second", "alpha_loss"):
        assert steps[name] == ([2, 4, 8] if name == "gradient_norm" else [2, 4, 6, 8])
    for name in ("discriminator_loss", "adversarial_loss", "discriminator_rate"):
        assert steps[name] == [6, 8]
    assert steps["discriminator_gradient_norm"] == [6, 8]
    assert steps["val_sad"] == steps["val_raw_sad"] == [2, 4, 6, 8]
    for row in rows(undisturbed):
        event = reader.Tensors("alpha_loss")[int(row["step"]) // 2 - 1]
        value = float(tf.make_ndarray(event.tensor_proto))
        assert value == pytest.approx(float(row["alpha_loss"]), rel=1e-4)
    names = {row["name"] for row in rows(undisturbed, "validation.csv")}
    for name in names:
        assert steps[f"validation/{name}"] == [2, 4, 6, 8]
        assert steps[f"discriminator/{name}"] == [6, 8]
        for kind, count in (("validation", 6), ("discriminator", 4)):
            event = reader.Tensors(f"{kind}/{name}")[-1]
            picture = tf.io.decode_png(tf.make_ndarray(event.tensor_proto)[2]).numpy()
            assert picture.shape == (128, 160 * count, 3)
            parts = np.split(picture, count, axis=1)
            assert all(np.ptp(part) > 0 for part in parts)  # none is blank


if __name__ == "__main__":
    sys.exit(train.main(sys.argv[1:]))
