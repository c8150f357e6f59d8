import json
import shutil

import numpy as np
import pytest

from model import dataset, example, records
from model.composites import Composites


@pytest.fixture
def damaged(record_directory, tmp_path):
    """A copy that may be damaged, and one file of it."""
    shutil.copytree(record_directory, tmp_path / "data")
    return tmp_path / "data", sorted(tmp_path.glob("data/train/*.tfrecord"))[0]


@pytest.mark.parametrize("split", ["train", "val"])
def test_records_and_files_hold_the_same_composites(
    data_directory, record_directory, split
):
    stored, recorded = (
        Composites(directory, split) for directory in (data_directory, record_directory)
    )
    assert stored.names == recorded.names
    for name in stored.names:
        one, other = stored.read(name), recorded.read(name)
        assert one.keys() == other.keys()
        for part in one:
            np.testing.assert_array_equal(one[part], other[part])
            assert one[part].dtype == other[part].dtype


def test_a_choice_is_spread_over_the_foregrounds(data_directory):
    composites = Composites(data_directory, "train")
    foregrounds = {name.partition("--")[0] for name in composites.names}
    chosen = composites.spread(len(foregrounds))
    assert {name.partition("--")[0] for name in chosen} == foregrounds
    assert composites.spread(1) == composites.names[:1]
    assert composites.spread(1000) == composites.names


def test_crops_do_not_depend_on_how_composites_are_stored(
    data_directory, record_directory
):
    stored, recorded = (
        Composites(directory, "train")
        for directory in (data_directory, record_directory)
    )
    for index in range(10):
        one, other = stored.crop(3, index, 64), recorded.crop(3, index, 64)
        for part in one:
            np.testing.assert_array_equal(one[part], other[part])


def test_batches_of_records_begin_anywhere(record_directory):
    source = Composites(record_directory, "train")

    def collect(first, steps):
        stream = dataset.batches(
            source,
            seed=1,
            first=first,
            steps=steps,
            batch_size=2,
            size=64,
            workers=2,
            use_prior=False,
        )
        return list(stream.as_numpy_iterator())

    whole, rest = collect(0, 4), collect(2, 2)
    for expected, actual in zip(whole[2:], rest, strict=True):
        for name in expected:
            np.testing.assert_array_equal(actual[name], expected[name])


def test_validation_reads_records(record_directory):
    pairs = list(dataset.validation_pairs(Composites(record_directory, "val"), 2))
    assert len(pairs) == 2
    assert pairs[0]["image"].shape == (128, 160, 3)


def test_a_damaged_record_is_named_when_it_is_read(damaged):
    directory, path = damaged
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    composites = Composites(directory, "train")
    with pytest.raises(ValueError, match=rf"^{path}: damaged or cut short at byte \d+"):
        for name in composites.names:
            composites.read(name)


def test_a_file_cut_short_is_refused_at_once(damaged):
    directory, path = damaged
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match=rf"^{path}: cut short, \d+ bytes of \d+; del"):
        Composites(directory, "train")


def test_a_lost_file_is_named(damaged):
    directory, path = damaged
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"^{path}: no such file, but the man"):
        Composites(directory, "train")


def test_records_without_their_manifest_are_refused(damaged):
    directory, _ = damaged
    for line in ("{", "{}", "[]", "5"):
        (directory / "manifest.jsonl").write_text(f"{line}\n")
        with pytest.raises(ValueError, match=r"manifest\.jsonl: line 1 is damaged"):
            Composites(directory, "train")
    (directory / "manifest.jsonl").unlink()
    with pytest.raises(
        ValueError, match=r"no manifest\*\.jsonl that lists the records"
    ):
        Composites(directory, "train")


def test_records_of_something_else_are_refused(damaged):
    directory, path = damaged
    row = {"name": "other", "split": "train", "records": "train/other.tfrecord"}
    other = directory / "train" / "other.tfrecord"
    ((offset, length),) = records.write(other, [example.encode({"text": b"none"})])
    row |= {"offset": offset, "length": length}
    with open(directory / "manifest.jsonl", "a") as manifest:
        manifest.write(json.dumps(row) + "\n")
    with pytest.raises(ValueError, match=r"other\.tfrecord: no composite at byte 0"):
        Composites(directory, "train").read("other")
