"""Several devices and several processes: they compute what one does, or say why not.

Four processes, and a chief that dies, are tested where SCALING_TESTS=all.
"""

import csv
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model import checkpoint, gan

ROOT = Path(__file__).resolve().parents[1]
# 8 batches of the generator, 2 of the discriminator, 2 of both
RUN = ["--preset", "paper2018", "--widths", "8", "8", "--stored", "--crop", "64"]
RUN += ["--batch_size", "4", "--save-every", "1", "--keep", "99", "--average", "0.5"]
RUN += ["--validation-images", "1", "--gen_epoch", "4", "--disc_epoch", "1"]
RUN += ["--adv_epoch", "1"]
LAST = 12
NEAR = {"rtol": 0, "atol": 1e-5}
# share of the largest mean gradient: a leaky ReLU whose input is nearly 0 falls on
# either side, of one process too where its weights differ by 4e-7
KINK = 2e-3
spec = importlib.util.spec_from_file_location("train", ROOT / "train.py")
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)
all_of_them = pytest.mark.skipif(
    os.environ.get("SCALING_TESTS") != "all", reason="SCALING_TESTS=all runs it"
)


def start(workers, *arguments):
    """Starts a process for each worker; gives them, the chief first."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    hosts = [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
    for probe in probes:
        probe.close()
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    processes = []
    for index in range(workers):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": hosts}, "task": task})
        environment = dict(os.environ, TF_CONFIG=config)
        processes.append(
            subprocess.Popen(
                command, env=environment, stderr=subprocess.PIPE, text=True
            )
        )
    return processes


def end(processes, timeout=900):
    """Waits for all; gives exit code and stderr of each."""
    try:
        told = [process.communicate(timeout=timeout)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, text) for p, text in zip(processes, told, strict=True)]


def rows(logdir):
    with (logdir / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def losses(logdir):
    names = ("rgba_loss", "adversarial_loss", "discriminator_loss", *gan.NORMS)
    return np.array(
        [[float(row[name] or -1) for name in names] for row in rows(logdir)]
    )


def state(logdir, step):
    """Reads all variables of both networks and both optimisers by their names."""
    reader = tf.train.load_checkpoint(str(logdir / f"{checkpoint.STATE}-{step}"))
    names = reader.get_variable_to_shape_map()
    return {
        name: reader.get_tensor(name)
        for name in names
        if name.endswith("VARIABLE_VALUE") and "seed_generator" not in name
    }


def assert_equal_runs(one, other):
    """Compares the losses of every batch and, at the end, all that is saved."""
    np.testing.assert_allclose(losses(other), losses(one), rtol=1e-4, atol=1e-5)
    expected, actual = state(one, LAST), state(other, LAST)
    assert set(expected) == set(actual) and len(expected) > 50
    for name, values in expected.items():
        near = NEAR
        if name.startswith("discriminator_optimizer/"):  # see KINK
            near = {"rtol": 0, "atol": max(NEAR["atol"], KINK * np.abs(values).max())}
        np.testing.assert_allclose(actual[name], values, **near, err_msg=name)
    early = state(one, 1)
    moved = [np.abs(values - early[name]).max() for name, values in expected.items()]
    assert np.max(moved) > 0.05 and np.median(moved) > 5e-5  # so that near says much
    first, shipped, same = (
        checkpoint.load_generator(run, step).weights
        for run, step in ((one, 1), (one, LAST), (other, LAST))
    )
    for a, b in zip(shipped, same, strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), **NEAR)
    assert max(np.abs(a - b).max() for a, b in zip(first, shipped, strict=True)) > 0.05


@pytest.fixture(scope="module")
def alone(data_directory, tmp_path_factory):
    """The run of one process."""
    logdir = tmp_path_factory.mktemp("runs") / "alone"
    environment = dict(os.environ)
    try:
        code = train.main([str(data_directory), "--logdir", str(logdir), *RUN, "-q"])
    finally:
        os.environ.clear()
        os.environ.update(environment)
    assert code == 0
    return logdir


def test_two_processes_train_what_one_does(alone, data_directory, tmp_path):
    logdir = tmp_path / "run"
    for code, text in end(start(2, data_directory, "--logdir", logdir, *RUN)):
        assert code == 0, text[-3000:]
    assert_equal_runs(alone, logdir)
    assert [float(row["val_sad"]) for row in rows(logdir)[-1:]] == pytest.approx(
        [float(row["val_sad"]) for row in rows(alone)[-1:]], rel=1e-3
    )


@all_of_them
def test_four_processes_train_what_one_does(alone, data_directory, tmp_path):
    logdir = tmp_path / "run"
    for code, text in end(start(4, data_directory, "--logdir", logdir, *RUN)):
        assert code == 0, text[-3000:]
    assert_equal_runs(alone, logdir)


@pytest.mark.parametrize("number", [1, pytest.param(0, marks=all_of_them)])
def test_a_worker_that_is_killed_costs_at_most_what_was_not_saved(
    alone, data_directory, tmp_path, number
):
    logdir = tmp_path / "run"
    arguments = (data_directory, "--logdir", logdir, *RUN)
    processes = start(2, *arguments)
    deadline = time.monotonic() + 900
    while 2 not in checkpoint.states(logdir) and time.monotonic() < deadline:
        assert processes[0].poll() is None, processes[0].communicate()[1][-3000:]
        time.sleep(0.01)
    processes[number].kill()
    code, text = end(processes)[1 - number]
    saved = checkpoint.states(logdir)[-1]
    assert 2 <= saved < LAST
    if number:  # the chief survives, and can tell
        assert code == 1 and "Traceback" not in text, text[-3000:]
        last = text.strip().splitlines()[-1]
        assert last.startswith("train.py: a worker is gone (")
        assert last.endswith(
            f"; start all of them again; the last state is saved, that of batch {saved}"
            "; resume with --checkpoint -1"
        )
    else:
        assert code != 0
    for code, text in end(start(2, *arguments, "--checkpoint", "-1")):
        assert code == 0 and f"resumed after {saved} batches" in text, text[-3000:]
    assert_equal_runs(alone, logdir)


TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import train
sys.exit(train.main(sys.argv[1:]))
"""


def test_two_devices_of_one_process_train_what_one_does(
    alone, data_directory, tmp_path
):
    logdir = tmp_path / "run"
    options = [str(data_directory), "--logdir", str(logdir), *RUN]
    command = [sys.executable, "-c", TWO_DEVICES, *options, "--strategy", "mirrored"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert_equal_runs(alone, logdir)
