import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model import example, records


def write_long(path):
    """Three records, of 1000, 0 and 70001 bytes."""
    random = np.random.default_rng(0)
    payloads = [random.bytes(length) for length in (1000, 0, 70001)]
    return payloads, records.write(path, payloads)


@settings(deadline=None)
@given(payloads=st.lists(st.binary(max_size=300), max_size=5))
def test_tensorflow_reads_what_is_written_and_the_other_way_round(
    payloads, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("records")
    records.write(folder / "ours", payloads)
    read = tf.data.TFRecordDataset(str(folder / "ours"), buffer_size=8192)
    assert list(read.as_numpy_iterator()) == payloads
    with tf.io.TFRecordWriter(str(folder / "theirs")) as writer:
        for payload in payloads:
            writer.write(payload)
    assert [payload for _, payload in records.scan(folder / "theirs")] == payloads
    assert (folder / "theirs").read_bytes() == (folder / "ours").read_bytes()


def test_a_record_is_read_by_its_place(tmp_path):
    payloads, places = write_long(tmp_path / "file")
    for payload, (offset, length) in zip(payloads, places, strict=True):
        assert records.read(tmp_path / "file", offset) == payload
        assert length == len(payload)


@pytest.mark.parametrize("byte", [0, 9, 500, 1012, 1016, 1040, 71000, -1])
def test_a_changed_byte_is_noticed_and_named_in_one_line(tmp_path, byte):
    write_long(tmp_path / "file")
    data = bytearray((tmp_path / "file").read_bytes())
    data[byte] ^= 1
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(ValueError, match=r"^\S+file: damaged or cut short at byte \d+"):
        list(records.scan(tmp_path / "file"))


@pytest.mark.parametrize("length", [5, 600, 1014, 1020, 2000])
def test_a_file_cut_short_is_noticed(tmp_path, length):
    write_long(tmp_path / "file")
    data = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(data[:length])
    with pytest.raises(ValueError, match="damaged or cut short"):
        list(records.scan(tmp_path / "file"))


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    write_long(tmp_path / "file")
    before = (tmp_path / "file").read_bytes()

    def payloads():
        yield b"new"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        records.write(tmp_path / "file", payloads())
    assert (tmp_path / "file").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


FEATURES = st.dictionaries(
    st.text(max_size=8), st.binary(max_size=300) | st.integers(0, 2**63 - 1)
)


@settings(deadline=None)
@given(features=FEATURES)
def test_examples_are_those_of_tensorflow(features):
    theirs = tf.train.Example()
    for name, value in features.items():
        if isinstance(value, int):
            theirs.features.feature[name].int64_list.value.append(value)
        else:
            theirs.features.feature[name].bytes_list.value.append(value)
    theirs.features.SetInParent()
    assert tf.train.Example.FromString(example.encode(features)) == theirs
    assert example.decode(theirs.SerializeToString()) == features


@settings(deadline=None)
@given(data=st.binary(max_size=60))
def test_what_is_no_example_is_refused_if_at_all_by_a_value_error(data):
    try:
        example.decode(data)
    except ValueError:
        pass


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_a_picture_survives(shape):
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(
        example.decode_picture(example.encode_picture(levels)), levels
    )


def test_tensorflow_decodes_the_documented_schema(record_directory):
    schema = {
        name: tf.io.FixedLenFeature([], tf.string)
        for name in "name split seed row image foreground alpha trimap".split()
    }
    schema |= {
        name: tf.io.FixedLenFeature([], tf.int64) for name in ("height", "width")
    }
    files = sorted(map(str, record_directory.glob("train/*.tfrecord")))
    dataset = tf.data.TFRecordDataset(files, buffer_size=8192).map(
        lambda record: tf.io.parse_single_example(record, schema)
    )
    rows = (record_directory / "manifest.jsonl").read_text().splitlines()
    rows = {row["name"]: row for row in map(json.loads, rows)}
    count = 0
    for features in dataset:
        count += 1
        row = rows[features["name"].numpy().decode()]
        assert int(features["seed"].numpy()) == row["seed"]
        assert features["split"].numpy().decode() == row["split"] == "train"
        inner = json.loads(features["row"].numpy())
        assert row == {**row, **inner}
        for name, channels in {
            "image": 3,
            "foreground": 3,
            "alpha": 1,
            "trimap": 1,
        }.items():
            shape = (*map(int, (features["height"], features["width"])), channels)
            assert (
                tf.io.decode_png(features[name]).shape == shape == (128, 160, channels)
            )
    assert count == sum(row["split"] == "train" for row in rows.values())
