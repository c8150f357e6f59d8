import json

import numpy as np
import pytest
import tensorflow as tf

from model import composites, storage


@pytest.fixture(scope="module")
def bucket(record_directory):
    """The composites in TensorFlow's filesystem in memory, as in a bucket."""
    address = "ram://bucket/data"
    for path in sorted(record_directory.rglob("*")):
        target = f"{address}/{path.relative_to(record_directory).as_posix()}"
        if path.is_dir():
            tf.io.gfile.makedirs(target)
        else:
            with tf.io.gfile.GFile(target, "wb") as file:
                file.write(path.read_bytes())
    return storage.locate(address)


@pytest.mark.parametrize("split", ["train", "val"])
def test_records_elsewhere_are_those_of_a_local_folder(bucket, record_directory, split):
    here = composites.Composites(record_directory, split)
    there = composites.Composites(bucket, split)
    assert here.names == there.names
    for name in here.names[:3]:
        for part, values in here.read_levels(name).items():
            np.testing.assert_array_equal(there.read_levels(name)[part], values)
    if split == "train":
        sample = there.crop(1, 2, 64)
        np.testing.assert_array_equal(sample["image"], here.crop(1, 2, 64)["image"])


def test_an_address_has_the_verbs_of_a_path(bucket, record_directory):
    assert storage.locate("some/folder").name == "folder"
    assert str(bucket / "train") == "ram://bucket/data/train"
    assert bucket.is_dir() and not bucket.is_file()
    listed = bucket / "layers.json"
    assert listed.is_file() and not (bucket / "none").exists()
    content = (record_directory / "layers.json").read_bytes()
    assert listed.read_bytes() == content and listed.stat().st_size == len(content)
    assert json.loads(listed.read_text()) == json.loads(content)
    files = sorted(path.name for path in (bucket / "train").glob("*.tfrecord"))
    assert files == sorted(p.name for p in record_directory.glob("train/*.tfrecord"))
    assert not list((bucket / "none").glob("*"))


def test_what_is_damaged_or_missing_elsewhere_is_named(bucket):
    path = next((bucket / "train").glob("*.tfrecord"))
    content = path.read_bytes()
    with pytest.raises(FileNotFoundError, match=r"ram://bucket/none: no such file"):
        storage.locate("ram://bucket/none").open("rb")

    def write(part):
        tf.io.gfile.remove(str(path))  # this filesystem would append
        with tf.io.gfile.GFile(str(path), "wb") as file:
            file.write(part)

    try:
        write(content[: len(content) // 2])
        with pytest.raises(ValueError, match=r"tfrecord: cut short, \d+ bytes of"):
            composites.Composites(bucket, "train")
    finally:
        write(content)
    with pytest.raises(FileNotFoundError, match=r"val/train: no \*.tfrecord; make"):
        composites.Composites(bucket / "val", "train")


def test_a_filesystem_without_its_plugin_is_told_in_one_line():
    with pytest.raises(ValueError, match="nosuch://x/data: TensorFlow has no such"):
        storage.locate("nosuch://x/data").is_dir()
