import csv

import numpy as np
import pytest

from model import history


@pytest.fixture
def open_history(tmp_path):
    opened = []

    def make(first_step=0):
        opened.append(history.History(tmp_path, first_step))
        return opened[-1]

    yield make
    for diary in opened:
        diary.close()


def rows(folder):
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_holds_the_means_of_what_was_collected(open_history, tmp_path):
    diary = open_history()
    diary.collect({"alpha_loss": 0.1, "gradient_norm": 1.0})
    diary.collect({"alpha_loss": 0.3, "gradient_norm": 2.0})
    told = diary.write(2, "generator", {"val_mse": 0.5})
    assert told == pytest.approx(
        {"alpha_loss": 0.2, "gradient_norm": 1.5, "val_mse": 0.5}
    )
    diary.collect({"alpha_loss": 0.7})
    diary.write(3, "generator", {})
    assert [row["alpha_loss"] for row in rows(tmp_path)] == ["0.2", "0.7"]
    assert rows(tmp_path)[1]["val_mse"] == ""


def test_a_loss_of_one_phase_is_averaged_over_that_phase(open_history):
    diary = open_history()
    diary.collect({"alpha_loss": 0.2})
    diary.collect({"alpha_loss": 0.4, "discriminator_loss": 0.6})
    told = diary.write(2, "discriminator", {})
    assert told == pytest.approx({"alpha_loss": 0.3, "discriminator_loss": 0.6})


def test_rows_after_the_resumed_batch_are_dropped_and_earlier_ones_kept(
    open_history, tmp_path
):
    diary = open_history()
    for step in (100, 200, 300):
        diary.collect({"alpha_loss": step / 1000})
        diary.write(step, "generator", {})
    open_history(first_step=200)
    assert [row["step"] for row in rows(tmp_path)] == ["100", "200"]


def test_a_panel_shows_six_pictures_side_by_side():
    random = np.random.default_rng(0)
    pair = {
        "image": random.random((100, 60, 3)).astype(np.float32),
        "foreground": random.random((100, 60, 3)).astype(np.float32),
        "alpha": np.ones((100, 60), np.float32),
        "trimap": np.full((100, 60), 128, np.uint8),
    }
    picture = history.panel(pair, np.full((100, 60), 0.25, np.float32))
    assert picture.shape == (100, 360, 3) and picture.dtype == np.float32
    np.testing.assert_array_equal(picture[:, :60], pair["image"])
    np.testing.assert_allclose(picture[:, 120:180], 0.25)  # predicted
    np.testing.assert_allclose(picture[:, 240:300], 0.75)  # error
