import numpy as np
import pytest
import tensorflow as tf

from model import board, discriminator


def steps(folder):
    found = []
    for path in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            found += [event.step for value in event.summary.value if value.tag == "a"]
    return found


def write(folder, first_step, *numbers):
    opened = board.Board(folder, first_step)
    for step in numbers:
        opened.scalars(step, {"a": step / 10})
    opened.close()


@pytest.fixture
def pair():
    random = np.random.default_rng(0)
    return {
        "image": random.random((100, 60, 3)).astype(np.float32),
        "foreground": random.random((100, 60, 3)).astype(np.float32),
        "alpha": np.ones((100, 60), np.float32),
        "trimap": np.full((100, 60), 128, np.uint8),
    }


def test_events_after_the_resumed_batch_are_dropped_and_earlier_ones_kept(tmp_path):
    write(tmp_path, 0, 1, 2, 3)
    write(tmp_path, 2, 3, 4)
    assert steps(tmp_path) == [1, 2, 3, 4]


def test_an_event_cut_short_by_a_kill_is_dropped(tmp_path):
    write(tmp_path, 0, 1, 2, 3)
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes()[:-5])
    write(tmp_path, 9)
    assert steps(tmp_path) == [1, 2]


def test_a_panel_shows_six_pictures_side_by_side(pair):
    picture = board.panel(pair, np.full((100, 60), 0.25, np.float32))
    assert picture.shape == (100, 360, 3) and picture.dtype == np.float32
    np.testing.assert_array_equal(picture[:, :60], pair["image"])
    np.testing.assert_allclose(picture[:, 120:180], 0.25)  # predicted
    np.testing.assert_allclose(picture[:, 240:300], 0.75)  # error


def test_a_map_shows_what_the_discriminator_thinks_of_each_patch(pair):
    judge = discriminator.build_discriminator(8)
    kernel, bias = judge.get_layer("logits").weights
    kernel.assign(np.zeros(kernel.shape))
    bias.assign([np.log(3)])  # so sure of everything: three to one
    picture = board.patches(pair, np.zeros((100, 60), np.float32), judge)
    assert picture.shape == (100, 240, 3) and picture.dtype == np.float32
    np.testing.assert_allclose(picture[:, :60], pair["foreground"], atol=1e-6)
    np.testing.assert_allclose(picture[:, 120:180], pair["image"][:, ::-1], atol=1e-6)
    np.testing.assert_allclose(picture[:, 60:120], 0.75, rtol=1e-5)
    np.testing.assert_allclose(picture[:, 180:], 0.75, rtol=1e-5)
    random = np.random.default_rng(1)
    kernel.assign(0.01 * random.standard_normal(kernel.shape))
    picture = board.patches(pair, np.zeros((100, 60), np.float32), judge)
    assert np.any(picture[:, 60:120] != picture[:, 180:])
