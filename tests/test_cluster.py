"""Which part of a batch each process and device has, and where a process stands."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import cluster, dataset, training


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
