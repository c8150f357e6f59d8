"""scripts/combine.py --format tfrecord: the same composites as records."""

import json
import subprocess

import pytest

from model import example, records
from tests.combining import (
    FOLDERS,
    LARGE,
    command,
    contents,
    dust,
    make_layers,
    read_manifest,
    run,
    run_command,
    save,
    wait_for,
)

RECORDS = ("--format", "tfrecord")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Layers and the files that are written otherwise."""
    root = make_layers(tmp_path_factory.mktemp("made"))
    assert run(root).returncode == 0
    return root


@pytest.fixture
def fresh(tmp_path):
    return make_layers(tmp_path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What one worker makes of the same layers as TFRecord files."""
    root = make_layers(tmp_path_factory.mktemp("recorded"))
    result = run_command(root, *RECORDS)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    return contents(root / "out")


def test_records_hold_the_files_that_are_written_otherwise(made, recorded, tmp_path):
    rows = [json.loads(line) for line in recorded["manifest.jsonl"].splitlines()]
    assert set(recorded) == {
        *("manifest.jsonl", "layers.json", "options.json"),
        *(row["records"] for row in rows),
    }
    assert recorded["layers.json"] == (made / "out" / "layers.json").read_bytes()
    plain = read_manifest(made / "out" / "manifest.jsonl")
    for row, expected in zip(rows, plain, strict=True):
        (tmp_path / "file").write_bytes(recorded[row["records"]])
        features = example.decode(records.read(tmp_path / "file", row["offset"]))
        assert json.loads(features["row"]) == expected
        assert row.items() >= expected.items()
        for folder in FOLDERS:
            name = f"{row['split']}/{folder}/{row['name']}.png"
            assert features[folder] == (made / "out" / name).read_bytes()


def test_workers_shards_and_a_second_run_make_the_same_records(fresh, recorded):
    for index in range(2):
        result = run_command(
            fresh, *RECORDS, "--num-shards", 2, "--shard-index", index, workers=2
        )
        assert result.returncode == 0
    for path in (fresh / "out").glob("manifest-*"):
        path.unlink()
    times = {path: path.stat().st_mtime_ns for path in (fresh / "out").glob("*/*")}
    assert run(fresh, *RECORDS).returncode == 0
    assert contents(fresh / "out") == recorded
    assert times == {path: path.stat().st_mtime_ns for path in times}


def test_what_is_made_anew_is_listed_once_whatever_shards_listed_it(fresh):
    for index in range(2):
        shard = ("--num-shards", 2, "--shard-index", index)
        assert run(fresh, *RECORDS, *shard).returncode == 0
    assert run(fresh, *RECORDS, "--per-foreground", 2).returncode == 0
    other = make_layers(fresh / "other")
    assert run(other, *RECORDS, "--per-foreground", 2).returncode == 0
    assert contents(fresh / "out") == contents(other / "out")


def test_records_that_are_lost_damaged_or_half_written_are_made_again(fresh, recorded):
    assert run(fresh, *RECORDS).returncode == 0
    lost, short, leftover = sorted((fresh / "out").glob("*/*.tfrecord"))
    lost.unlink()
    short.write_bytes(short.read_bytes()[:-9])
    leftover.rename(leftover.with_name(f".{leftover.name}.0123abcd.part"))
    assert run(fresh, *RECORDS).returncode == 0
    assert contents(fresh / "out") == recorded


def test_more_records_of_each_can_be_asked_for_later(fresh, recorded):
    assert run(fresh, *RECORDS, "--per-foreground", 2).returncode == 0
    assert run(fresh, *RECORDS).returncode == 0
    assert contents(fresh / "out") == recorded


def test_a_killed_run_goes_on_to_the_same_records(fresh):
    large = (*LARGE, *RECORDS)
    line = command(fresh, *large, "--workers", 2)
    process = subprocess.Popen(line, stderr=subprocess.PIPE)
    wait_for(lambda: any((fresh / "out").glob("*/*.tfrecord")))
    process.kill()
    process.communicate(timeout=300)
    assert run(fresh, *large).returncode == 0
    other = make_layers(fresh / "other")
    assert run_command(other, *large, workers=2).returncode == 0
    assert contents(fresh / "out") == contents(other / "out")


def test_a_foreground_that_cannot_be_made_is_left_out_of_the_records(fresh):
    save(fresh / "foregrounds" / "dust.png", dust())
    result = run(fresh, *RECORDS)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert all("dust--" in line and "nothing to see at 96x72" in line for line in lines)
    rows = read_manifest(fresh / "out" / "manifest.jsonl")
    assert len(rows) == 9 and not list((fresh / "out").glob("*/dust*"))
