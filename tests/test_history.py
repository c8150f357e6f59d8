import csv

import pytest

from model import history


@pytest.fixture
def open_history(tmp_path):
    opened = []

    def make(first_step=0):
        opened.append(history.History(tmp_path, first_step))
        opened[-1].begin()
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


def test_a_row_cut_short_by_a_kill_is_dropped(open_history, tmp_path):
    diary = open_history()
    for step in (1, 2):
        diary.write(step, "generator", {"val_sad": 0.5, "val_mse": 0.1})
    path = tmp_path / "history.csv"
    path.write_bytes(path.read_bytes()[:-9])
    assert open_history(first_step=9).best == (1, 0.5)
    assert [row["step"] for row in rows(tmp_path)] == ["1"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("history", "step,phase\nx,generator\n"),
        ("history", "step,loss\n1,2\n9,9\n"),
        ("history", "step,phase,val_sad\n1,generator,abc\n9,generator,1\n"),
        ("validation", "weights,sad\nraw,1\n"),
    ],
)
def test_a_damaged_file_is_named_and_all_are_left(open_history, tmp_path, name, text):
    (tmp_path / "history.csv").write_text("step,phase\n1,generator\n9,generator\n")
    (tmp_path / f"{name}.csv").write_text(text)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"{name}.csv: damaged .*move it away"):
        open_history(first_step=2)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_changes_before_it_begins(open_history, tmp_path):
    open_history().write(1, "generator", {"val_sad": 0.5})
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    diary = history.History(tmp_path, 0)
    assert diary.best is None
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_the_best_validation_and_those_since_survive_a_resumption(open_history):
    diary = open_history()
    assert diary.best is None and diary.stale == 0
    for step, val_sad in ((1, 3.0), (2, 2.00000001), (3, 2.0), (4, float("nan"))):
        diary.write(step, "generator", {"val_sad": val_sad})
    diary.write(5, "discriminator", {"val_sad": 1.0})  # which changes no alpha
    diary.write(6, "adversarial", {"val_sad": 4.0})
    for each in (diary, open_history(first_step=6)):
        assert each.best == (2, 2.0) and each.stale == 2
    assert open_history(first_step=1).best == (1, 3.0)


def test_figures_of_each_picture_are_kept_by_batch(open_history, tmp_path):
    diary = open_history()
    for step in (2, 4):
        row = {"weights": "raw", "name": "a, b", "sad": 1 / 3, "mse": 0.5}
        diary.write_validation(step, [row])
    open_history(first_step=2)
    with (tmp_path / "validation.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["step"], row["name"], row["sad"]) for row in found] == [
        ("2", "a, b", "0.333333")
    ]
