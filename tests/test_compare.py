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
    assert picture.shape[1] == 1300
    colours = {
        tuple(pixel) for pixel in (picture[::2, ::2] * 255).astype(int).reshape(-1, 3)
    }
    assert {(31, 119, 180), (255, 127, 14)} <= colours  # a line for each run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file; give a folder of train.py"),
        ("a,b\n1,2\n", "not a history"),
        (HEAD, "no row yet"),
        (HEAD + "x,generator,4,1,1,1,1\n", "not a history"),
    ],
)
def test_what_is_no_history_is_refused(text, message, runs, capsys):
    path = runs / "first/history.csv"
    path.unlink() if text is None else path.write_text(text)
    assert compare.main([str(runs / "first"), "--output", str(runs / "x.png")]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not (runs / "x.png").exists()
