import json

import pytest

from model import images
from scripts import compare

pytest.importorskip("matplotlib")
HEAD = "step,phase,samples_per_second,learning_rate,alpha_loss,val_sad,val_mse\n"


@pytest.fixture
def runs(tmp_path):
    config = {"preset": "matting", "widths": [4] * 5, "use_prior": True}
    for name, errors in (("first", (9, 5, 6)), ("second", (8, 4, 3))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(
            json.dumps(config | {"batch_size": 8})
        )
        rows = [
            f"{100 * n},generator,4,0.001,0.1,{sad},0.0{sad}\n"
            for n, sad in enumerate(errors, start=1)
        ]
        (tmp_path / name / "history.csv").write_text(HEAD + "".join(rows))
    return tmp_path


def test_hours_are_counted_from_the_rate_of_each_row(runs):
    rows = compare.read_history(runs / "first")
    # 100 batches of 8 samples at 4 a second are 200 seconds
    assert [round(row["hours"] * 3600) for row in rows] == [200, 400, 600]


def test_the_picture_and_the_table_show_every_run(runs, capsys):
    output = runs / "curves.png"
    arguments = [str(runs / "first"), str(runs / "second"), "--output", str(output)]
    assert compare.main(arguments) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["first", "300", "0.17", "6.000", "60.00"]
    assert lines[2][-4:] == ["200", "0.11", "5.000", "50.00"]
    assert lines[3][0] == "second" and lines[4][-2] == "3.000"
    picture = images.read_image(output)
    assert picture.shape[1] == 1400
    colours = {
        tuple(pixel) for pixel in (picture[::2, ::2] * 255).astype(int).reshape(-1, 3)
    }
    assert {(31, 119, 180), (255, 127, 14)} <= colours  # a line for each run


def test_runs_without_a_loss_in_common_are_named_too(runs, monkeypatch):
    """The baseline has no `alpha_loss`, which the last panel shows."""
    from matplotlib import figure

    saved = []
    monkeypatch.setattr(
        figure.Figure, "savefig", lambda self, *_, **__: saved.append(self)
    )
    first = [{"hours": 1.0, "val_sad": 3.0, "val_mse": 0.1}]
    second = [{"hours": 2.0, "val_sad": 2.0, "alpha_loss": 0.1}]
    compare.draw({"baseline": first, "default": second}, runs / "curves.png")
    legend = saved[0].axes[-1].get_legend()
    assert {text.get_text() for text in legend.get_texts()} == {"baseline", "default"}
    compare.draw({"_old": first}, runs / "curves.png")
    texts = saved.pop().axes[-1].get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["_old"]
    compare.draw({"nothing": [{"hours": 1.0}]}, runs / "curves.png")
    assert saved[1].axes[-1].get_legend() is None


def test_no_two_of_forty_runs_look_alike():
    assert len({tuple(compare.style(number).values()) for number in range(40)}) == 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file; give a folder of train.py"),
        ("a,b\n1,2\n", "history.csv: damaged (KeyError('step'))"),
        (HEAD, "no row yet"),
        (HEAD + "x,generator,4,1,1,1,1\n", "history.csv: damaged"),
        (HEAD + "1,generator,x,1,1,1,1\n", "not a history"),
    ],
)
def test_what_is_no_history_is_refused(text, message, runs, capsys):
    path = runs / "first/history.csv"
    path.unlink() if text is None else path.write_text(text)
    assert compare.main([str(runs / "first"), "--output", str(runs / "x.png")]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not (runs / "x.png").exists()


def write_validation(run, step, weights, errors):
    with (run / "validation.csv").open("a") as file:
        if file.tell() == 0:
            file.write("step,weights,name,sad,mse,foreground\n")
        for name, error in errors.items():
            file.write(f"{step},{weights},{name},{error},{error / 100},\n")


def test_runs_are_tested_on_the_pictures_that_both_have(runs, capsys):
    # by hand: differences -1, -2, -3, -4, -5; mean -3, standard error sqrt(0.5),
    # t(4, 0.975) 2.776; all of one sign, so p = 2 / 2**5
    first = dict(zip("abcdex", (9, 9, 9, 9, 9, 1), strict=True))
    second = dict(zip("abcdey", (8, 7, 6, 5, 4, 1), strict=True))
    write_validation(runs / "first", 300, "raw", first)
    write_validation(runs / "second", 300, "raw", dict.fromkeys(second, 99))
    write_validation(runs / "second", 200, "averaged", dict.fromkeys(second, 99))
    write_validation(runs / "second", 300, "averaged", second)
    paths = [str(runs / "first"), str(runs / "second")]
    assert compare.main([*paths, "--output", str(runs / "x.png")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-3] == "second at 300 - first at 300: 5 pictures in both validation.csv"
    assert told[-2] == (
        "  SAD          -3.000  95 % [-4.963, -1.037]  Wilcoxon p 0.0625  better on 5"
    )
    assert "-30.000  95 % [-49.63" in told[-1]


def test_the_best_validation_of_each_is_tested_on_request(runs, capsys):
    write_validation(runs / "first", 200, "averaged", {"a": 1, "b": 2})
    write_validation(runs / "second", 300, "averaged", {"a": 1, "b": 2})
    arguments = [str(runs / "first"), str(runs / "second"), "--at", "best"]
    assert compare.main([*arguments, "--output", str(runs / "x.png")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-3].startswith("second at 300 - first at 200: 2 pictures in both")
    assert told[-1].split() == ["MSE", "x1000", "no", "difference"]
    (runs / "second/validation.csv").write_text("step,name\n300,a\n")
    assert compare.main([*arguments, "--output", str(runs / "x.png")]) == 2
    assert "validation.csv: damaged" in capsys.readouterr().err


def test_one_picture_is_too_few_to_test(runs, capsys):
    write_validation(runs / "first", 300, "raw", {"a": 3})
    write_validation(runs / "second", 300, "raw", {"a": 9})
    paths = [str(runs / "first"), str(runs / "second")]
    assert compare.main([*paths, "--output", str(runs / "x.png")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-2].split() == ["SAD", "too", "few", "to", "test"]


def test_a_row_that_a_kill_has_cut_short_is_left_out(runs):
    before = compare.read_history(runs / "first")
    with (runs / "first/history.csv").open("a") as file:
        file.write("900,gen")
    assert compare.read_history(runs / "first") == before


def test_differences_that_are_all_alike_have_no_width():
    result = compare.compare_pairs([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    assert (result["low"], result["difference"], result["high"]) == (1, 1, 1)
    assert result["p"] == 0.25
