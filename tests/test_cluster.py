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
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model import checkpoint, cluster, dataset, gan, training

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


def pretend(replicas, rank=0, workers=1):
    strategy = SimpleNamespace(num_replicas_in_sync=replicas)
    return cluster.Cluster(strategy, cluster.Place(rank, workers))


@settings(deadline=None)
@given(workers=st.integers(1, 9), local=st.integers(1, 4), share=st.integers(1, 5))
def test_every_sample_of_a_batch_is_made_by_one_worker(workers, local, share):
    replicas = workers * local
    made = [
        pretend(replicas, rank, workers).positions(replicas * share)
        for rank in range(workers)
    ]
    assert {len(places) for places in made} == {local * share}
    assert sorted(sum(made, [])) == list(range(replicas * share))


def test_a_batch_that_cannot_be_shared_out_is_refused():
    with pytest.raises(ValueError, match="--batch_size: got 6 for 4 replicas; give"):
        pretend(4).positions(6)


def test_the_parts_of_the_workers_make_up_the_batches(data_directory):
    source = dataset.Composites(data_directory, "train")
    options = {"seed": 1, "first": 3, "steps": 2, "size": 64, "workers": 1}
    options |= {"batch_size": 8, "use_prior": False, "reuse": 2}
    whole = list(dataset.batches(source, **options).as_numpy_iterator())
    for rank in range(2):
        places = pretend(4, rank, 2).positions(8)
        parts = dataset.batches(source, **options, places=places, parts=2)
        parts = list(parts.as_numpy_iterator())
        assert len(parts) == 4  # two for either batch, one for each device
        for number, part in enumerate(parts):
            replica = 2 * rank + number % 2
            expected = whole[number // 2]["image"][replica::4]
            np.testing.assert_array_equal(part["image"], expected)


def test_no_worker_needs_a_crop_that_another_has_made():
    for index in range(0, 4 * dataset.POOL, 37):
        crop = dataset.pool_index(3, index, 4)
        assert crop % dataset.LANES == index % dataset.LANES


def test_the_strategy_follows_what_there_is():
    assert cluster.choose("auto", 1, 0) == cluster.choose("auto", 1, 1) == "none"
    assert cluster.choose("auto", 1, 2) == "mirrored"
    assert cluster.choose("auto", 2, 8) == "multiworker"
    assert cluster.choose("none", 2, 8) == "none"
    with pytest.raises(ValueError, match="TF_CONFIG lists no other worker; set it"):
        cluster.choose("multiworker", 1, 0)


def judge(told, stale, best):
    """Lets a process look at its validations; `told` is what all have told so far."""
    parts = dict.fromkeys("gan plan checkpoints validation schedule".split())
    numbers = dict.fromkeys("batch_size highest_rate save_every validate_every".split())
    run = training.Training(
        cluster=SimpleNamespace(total=lambda number: told.append(number) or sum(told)),
        history=SimpleNamespace(best=best, stale=stale),
        patience=2,
        **parts,
        **numbers,
    )
    run._judge(is_measured=best is not None)


def test_all_processes_end_when_validations_of_the_chief_get_no_better():
    told = []
    judge(told, 1, (2, 5.0))
    judge(told, 0, None)
    assert told == [0, 0]
    for stale, best, said in ((2, (2, 5.0), "after batch 2 "), (0, None, "the chief")):
        with pytest.raises(training.Stop, match=said) as stopped:
            judge(told, stale, best)
        assert stopped.value.exit_code == 0
    assert told == [0, 0, 1, 0]


def place_of(**config):
    return cluster.read_place({"TF_CONFIG": json.dumps(config)})


def test_a_process_finds_its_place():
    hosts = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    assert place_of(cluster=hosts, task={"type": "chief", "index": 0}) == (0, 3)
    assert place_of(cluster=hosts, task={"type": "worker", "index": 1}) == (2, 3)
    assert cluster.read_place({}) == (0, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "TF_CONFIG: not a cluster and a task"),
        ("[]", "TF_CONFIG: not a cluster and a task"),
        ('{"cluster": {"worker": ["a:1"]}}', "not a cluster and a task .*'task'"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "got task worker 1 of 0 chiefs and 1 workers; give",
        ),
        (
            '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            "got ps; list workers only",
        ),
    ],
)
def test_a_damaged_tf_config_is_told_in_one_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        cluster.read_place({"TF_CONFIG": text})
    assert "\n" not in str(caught.value)
