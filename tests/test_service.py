"""Input workers: real processes on this machine that make samples."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model import dataset, service, stock

SCRIPT = Path(__file__).resolve().parents[1] / "scripts/serve_input.py"
WANTED = {"seed": 4, "first": 2, "batch_size": 4, "size": 64}
WANTED |= {"use_prior": True, "is_fine": False}


@pytest.fixture(scope="module")
def dispatcher():
    """Runs the dispatcher in this process and two workers in their own."""
    server = tf.data.experimental.service.DispatchServer()
    address = server.target.removeprefix("grpc://")
    command = [sys.executable, str(SCRIPT), "worker", "--host", "127.0.0.1"]
    workers = [
        subprocess.Popen(
            [*command, "--dispatcher", address], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "127.0.0.1: ready\n"
    yield address
    for worker in workers:
        worker.kill()
        worker.communicate()


def images_of(batches):
    return {image.tobytes() for batch in batches for image in batch["image"]}


@pytest.mark.parametrize("reuse", [1, 2])
def test_the_workers_make_the_samples_that_training_would_make(
    dispatcher, data_directory, monkeypatch, reuse
):
    monkeypatch.setattr(dataset, "POOL", 4)  # of the numbers handed out, not of those
    source = stock.Layers(data_directory, "train")
    options = WANTED | {"reuse": reuse}
    remote = service.batches(
        dispatcher,
        f"test-{reuse}",
        data=data_directory.resolve(),
        stored=False,
        part_size=2,
        **options,
    )
    taken = list(remote.take(10).as_numpy_iterator())
    assert all(batch["image"].shape == (2, 64, 64, 3) for batch in taken)
    assert taken[0]["alpha"].dtype == np.float32 and taken[0]["alpha"].max() <= 1
    assert taken[0]["coarse_samples"].shape == (2, 16, 16, 2)
    found = images_of(taken)
    assert len(found) == 20  # none twice
    monkeypatch.undo()
    wanted = dataset.batches(source, steps=20, workers=2, **options)
    assert found <= images_of(wanted.as_numpy_iterator())


def test_two_trainers_of_a_run_share_its_samples(dispatcher, data_directory):
    options = WANTED | {"reuse": 1, "data": data_directory.resolve(), "stored": True}
    streams = [
        iter(service.batches(dispatcher, "shared", part_size=2, **options))
        for _ in range(2)
    ]
    taken = [
        {name: values.numpy() for name, values in next(stream).items()}
        for _ in range(6)
        for stream in streams
    ]
    assert len(images_of(taken)) == 24


def test_an_error_of_a_worker_reaches_the_trainer(dispatcher, tmp_path):
    options = WANTED | {"reuse": 1, "data": tmp_path, "stored": False}
    stream = service.batches(dispatcher, "faulty", part_size=2, **options)
    with pytest.raises(tf.errors.OpError, match=r"layers\.json: no such file; run"):
        next(iter(stream))


def test_a_process_that_knows_another_function_is_no_worker():
    with tf.Graph().as_default():
        tf.numpy_function(lambda: np.uint8(0), [], tf.uint8)
    with pytest.raises(RuntimeError, match="input worker: its function is pyfunc_"):
        service.register()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["worker"], "--dispatcher: got None; give HOST:PORT"),
        (["worker", "--dispatcher", "here"], "--dispatcher: got here; give HOST:PORT"),
        (["dispatcher", "--port", "99999"], "--port: got 99999; give 0 to 65535"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(arguments, message):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert (done.returncode, done.stderr) == (2, f"serve_input.py: {message}\n")
