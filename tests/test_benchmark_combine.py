import pytest

from scripts import benchmark_combine
from scripts.benchmark_combine import Speed


def test_the_table_compares_with_encoding_alone():
    speeds = [
        Speed("encoding as PNG alone, before", 1, 0, 2.0, 10),
        Speed("encoding as PNG alone, after", 1, 0, 2.0, 10),
        Speed("combine.py --format png", 2, 1.5, 6.0, 40),
    ]
    last = benchmark_combine.draw_table(speeds).splitlines()[-1]
    assert last == "| combine.py --format png | 2 | 1.5 | 40 | 6.67 | 1.50 |"


def test_every_command_is_measured_on_small_layers(layer_folders, capsys):
    foregrounds, backgrounds = map(str, layer_folders)
    options = ["--foregrounds", foregrounds, "--backgrounds", backgrounds]
    options += ["--per-foreground", "1", "--size", "96x72", "--workers", "1"]
    assert benchmark_combine.main(options) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("6 cut-outs, 96x72 pixels")
    for task in ("format png", "format tfrecord", "PNG alone", "JPEG 95 alone"):
        assert task in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--foregrounds", "nowhere"], "nowhere: no such folder"),
        (["--per-foreground", "0"], "--per-foreground: got 0"),
        (["--size", "7"], "combine.py failed: combine.py: --size: not WIDTHxHEIGHT"),
    ],
)
def test_what_cannot_be_measured_is_one_line(capsys, options, message):
    assert benchmark_combine.main(options) == 2
    errors = capsys.readouterr().err
    assert message in errors and len(errors.splitlines()) == 1
