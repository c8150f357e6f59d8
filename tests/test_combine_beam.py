import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import layers
from scripts.composites import storage
from scripts.composites.sample import Canvas, list_samples

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "combine_beam.py"
SMALL = ("--size", "160x128", "--per-foreground", "2", "--val-fraction", "0.3")
needs_beam = pytest.mark.skipif(
    not importlib.util.find_spec("apache_beam"), reason="needs the extra `beam`"
)


def command(layer_folders, output, *options):
    foregrounds, backgrounds = map(str, layer_folders)
    line = [sys.executable, str(SCRIPT), *SMALL, "--foregrounds", foregrounds]
    line += ["--backgrounds", backgrounds, "--output", str(output)]
    return [*line, *map(str, options)]


def run(layer_folders, output, *options):
    """Runs the real command from a folder that is not the project's."""
    line = command(layer_folders, output, *options)
    output.parent.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        line, cwd=output.parent, capture_output=True, text=True, timeout=120
    )


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@needs_beam
@pytest.mark.parametrize("workers", [1, 2])
def test_the_pipeline_makes_the_files_of_the_plain_command(
    layer_folders, record_directory, tmp_path, workers
):
    output = record_directory.with_name(f"beam-{workers}")
    result = run(layer_folders, output, "--workers", workers)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(output / "manifest.jsonl")
    assert contents(output) == contents(record_directory)
    again = run(layer_folders, output, "--workers", workers)
    assert again.returncode == 0
    assert contents(output) == contents(record_directory)


@needs_beam
def test_it_writes_pictures_too(layer_folders, data_directory):
    output = data_directory.with_name("beam-png")
    result = run(layer_folders, output, "--workers", 1, "--format", "png")
    assert result.returncode == 0, result.stderr
    assert contents(output) == contents(data_directory)


@needs_beam
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    per_foreground=st.integers(1, 3),
    height=st.integers(32, 70),
    width=st.integers(32, 70),
    storage_format=st.sampled_from(storage.FORMATS),
)
def test_any_plan_ends_the_same_in_whatever_order_it_is_done(
    layer_folders,
    tmp_path_factory,
    seed,
    per_foreground,
    height,
    width,
    storage_format,
):
    from scripts.composites import pipeline

    kinds = ("foregrounds", "backgrounds")
    listed = map(layers.list_layers, layer_folders)
    splits = layers.split_layers(dict(zip(kinds, listed, strict=True)), seed, 0.3)
    tasks = storage.list_tasks(
        list_samples(splits, per_foreground, seed), storage_format
    )
    folder = tmp_path_factory.mktemp("plan")
    canvas = Canvas(folder / "beam", height, width, (0.002, 0.03), 2.2)
    options = ["--runner=DirectRunner"]
    rows = list(pipeline.run(tasks, canvas, storage_format, options))
    backwards = canvas._replace(output=folder / "backwards")
    expected = [
        storage.do_task(task, backwards, storage_format) for task in reversed(tasks)
    ]
    assert sorted(map(json.dumps, rows)) == sorted(map(json.dumps, expected))
    assert contents(folder / "beam") == contents(folder / "backwards")
    made = {row["name"]: row for result, _ in rows for row in result}
    assert all(storage.is_done(task, made, canvas) for task in tasks)


@needs_beam
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_pipeline_goes_on_to_the_same_end(layer_folders, tmp_path, how):
    large = ("--workers", 1, "--per-foreground", 40)
    line = command(layer_folders, tmp_path / "out", *large)
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    for _ in range(1500):
        if any((tmp_path / "out").glob("*/*.tfrecord")):
            break
        time.sleep(0.02)
    process.send_signal(how)
    errors = process.communicate(timeout=60)[1]
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert errors.endswith("interrupted; run the same command again to go on\n")
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/*/*.tfrecord")}
    assert 0 < len(kept) < 6
    assert run(layer_folders, tmp_path / "out", *large).returncode == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert run(layer_folders, tmp_path / "whole", *large).returncode == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@needs_beam
def test_a_file_that_cannot_be_written_is_one_line(layer_folders, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "val").write_text("in the way")
    result = run(layer_folders, tmp_path / "out", "--workers", 1)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("combine_beam.py: ") and "val/" in line
    assert "Traceback" not in result.stderr
    names = [path.name for path in tmp_path.glob("out/train/*")]
    rows = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    assert names and len(rows) == 2 * len(names)


@needs_beam
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--runner=DirectRunner"], "unrecognized arguments: --runner=DirectRunner"),
        (["--size", "7"], "--size: not WIDTHxHEIGHT, got '7'"),
        (["--workers", "0"], "--workers: got 0; give 1 or more"),
    ],
)
def test_bad_arguments_write_nothing(layer_folders, tmp_path, options, message):
    result = run(layer_folders, tmp_path / "out", *options)
    assert result.returncode == 2
    assert message in result.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_without_beam_it_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['apache_beam'] = None; sys.argv = ['x']\n"
    code += "from scripts import combine_beam; sys.exit(combine_beam.main())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SCRIPT.parents[1],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert "pip install -e '.[beam]'" in result.stderr


def test_a_task_survives_its_line(tmp_path):
    pytest.importorskip("apache_beam")
    from scripts.composites import pipeline

    kinds = {"foregrounds": [tmp_path / "a é.png"], "backgrounds": [tmp_path / "b.png"]}
    samples = list_samples({"train": kinds}, 3, seed=0)
    pipeline.write_tasks(tmp_path / "tasks", [samples])
    (line,) = (tmp_path / "tasks").read_text("utf-8").splitlines()
    assert pipeline.read_task(line) == samples
