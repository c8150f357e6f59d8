"""Exported files: the same alpha as the checkpoint's, by each runtime."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from model import export, generator, precision
from scripts import export as program
from scripts.measure import accuracy, exported, runtimes

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module", params=generator.PRESETS)
def run_directory(request, tmp_path_factory):
    return make_run(request.param, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def short_run(short_encoder, tmp_path_factory):
    """A run with a short encoder, which `loaded` is needed for."""
    with short_encoder():
        return make_run("matting", tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def built(short_encoder, short_run):
    with short_encoder():
        return program.checkpoint.load_generator(short_run, -1)


@pytest.fixture
def loaded(built, monkeypatch):
    """Loads and converts the generator once for many tests."""
    monkeypatch.setattr(program.checkpoint, "load_generator", lambda *_: built)


def make_run(preset, directory):
    keras.utils.set_random_seed(0)
    built = generator.build_generator(preset, (4,) * 5)
    random = np.random.default_rng(0)
    for variable in built.trainable_variables:
        if not variable.numpy().any():  # the last layer starts at 0
            variable.assign(random.normal(0, 0.3, variable.shape))
    built.save_weights(directory / "generator-2.weights.h5")
    config = {"preset": preset, "widths": [4] * 5, "use_prior": preset != "paper2018"}
    (directory / "config.json").write_text(json.dumps(config))
    return directory


@pytest.fixture
def small(monkeypatch):
    """Makes measuring quick: small composites, and one timing."""
    monkeypatch.setattr(accuracy, "COUNT", 2)
    monkeypatch.setattr(accuracy, "HEIGHT", 96)
    monkeypatch.setattr(accuracy, "WIDTH", 128)
    monkeypatch.setattr(exported, "SIZES", ((64, 128), (128, 192)))
    monkeypatch.setattr(runtimes, "REPEATS", 1)


def run(*arguments):
    return program.main([str(argument) for argument in arguments])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_format_gives_the_alpha_of_the_checkpoint(
    run_directory, tmp_path, small, capfd
):
    assert run("--logdir", run_directory, "--output", tmp_path, "--validate") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert names(tmp_path) == ["generator.onnx", "generator.tflite", "savedmodel"]
    lines = out.splitlines()[4:]
    rows = [line.split() for line in lines[: lines.index("")]]
    assert [(row[0], row[3]) for row in rows] == [
        (name, size) for size in ("128x64", "192x128") for name in program.FILES
    ]
    assert all(float(row[4]) < 1e-4 for row in rows)
    rows = [line.split() for line in lines[lines.index("") + 3 :]]
    assert [row[0] for row in rows] == list(program.FILES)
    assert all(float(figure) < 0.01 for row in rows for figure in row[2:])


def test_half_precision_is_offered_as_it_is_accurate(
    short_run, tmp_path, small, loaded, capfd
):
    options = ["--logdir", short_run, "--output", tmp_path, "--validate"]
    options += ["--formats", "onnx", "litert"]
    assert run(*options, "--precision", "float32", "float16") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert names(tmp_path) == [
        "generator-float16.onnx",
        "generator-float16.tflite",
        "generator.onnx",
        "generator.tflite",
    ]
    for ending in ("onnx", "tflite"):
        sizes = [
            (tmp_path / f"generator{bits}.{ending}").stat().st_size
            for bits in ("-float16", "")
        ]
        assert sizes[0] < 0.7 * sizes[1]
    rows = [line.split() for line in out.splitlines() if " float16 " in line][-2:]
    for row in rows:  # not the same, but nearly
        assert 0 < float(row[2]) < 0.5 and 0 < float(row[4]) < 8


def test_what_onnx_runtime_is_slow_at_is_a_convolution(built):
    graph = onnx.load_from_string(export.to_onnx(built, {})).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("ConvTranspose") == 2  # the coarse residual and the unfolding


def test_the_fast_preset_is_exported_with_what_every_onnx_runtime_can_do(short_encoder):
    with short_encoder():
        graph = onnx.load_from_string(
            export.to_onnx(generator.build_generator("fast", (4,) * 5), {})
        ).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("ConvTranspose") == 3  # the same, and alpha
    graph = onnx.shape_inference.infer_shapes(onnx.helper.make_model(graph)).graph
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in [*graph.value_info, *graph.input]
    }
    folded = [node.input[0] for node in graph.node if node.op_type == "SpaceToDepth"]
    assert folded
    assert {types[name] for name in folded} == {onnx.TensorProto.FLOAT}


@pytest.mark.parametrize(
    ("name", "bits"),
    [("onnx", "int8"), ("onnx", "int8-dynamic"), ("litert", "int8-dynamic")],
)
def test_what_is_not_accurate_enough_is_not_written(
    name, bits, short_run, tmp_path, small, loaded, capfd, monkeypatch
):
    monkeypatch.setattr(accuracy, "MEAN", 1e-5)  # below what whole numbers can do
    path = tmp_path / Path(program.FILES[name])
    path = path.with_name(f"generator-{bits}{path.suffix}")
    path.write_text("older")
    options = ["--logdir", short_run, "--output", tmp_path, "--precision", bits]
    assert run(*options, "--formats", name) == 1
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1
    told = f"{path}: not written, {bits} is not accurate enough: alpha differs by "
    assert err.startswith(f"export.py: {told}")
    assert path.read_text() == "older"
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("bits", ["int8", "int8-dynamic"])
def test_whole_numbers_are_offered_where_they_do_no_harm(
    bits, short_run, tmp_path, small, loaded, built, capfd, monkeypatch
):
    monkeypatch.setattr(accuracy, "MEAN", 1)
    monkeypatch.setattr(accuracy, "LARGEST", 1)
    options = ["--logdir", short_run, "--output", tmp_path, "--formats", "onnx"]
    assert run(*options, "--precision", bits, "float16") == 0
    paths = [tmp_path / f"generator-{name}.onnx" for name in (bits, "float16")]
    assert capfd.readouterr() == ("".join(f"{path}\n" for path in paths), "")
    examples = accuracy.list_examples(built)
    expected = [runtimes.alpha_of(built, example.inputs) for example in examples]
    errors = [
        accuracy.measure_accuracy(runtimes.LOADERS["onnx"](path), examples, expected)
        for path in paths
    ]
    assert errors[1].mean < errors[0].mean < 0.2


def test_calibration_sees_none_of_what_is_measured(built, small):
    measured = [example.inputs["image"] for example in accuracy.list_examples(built)]
    seen = [sample["image"] for sample in accuracy.list_samples_to_calibrate(built)]
    assert len(measured) == 1 + accuracy.COUNT and len(seen) == accuracy.COUNT
    assert not any(np.array_equal(one, other) for one in measured for other in seen)


def test_accuracy_is_of_the_unknown_pixels():
    class Network:
        def predict_on_batch(self, inputs):
            return {"alpha": inputs["image"][..., :1]}

    def example(differences, is_unknown):
        image = 0.5 + np.float32(differences).reshape(1, 1, 4, 1)
        return accuracy.Example({"image": image}, np.bool_([is_unknown]))

    examples = [
        example([0.1, 0.3, 9, 9], [1, 1, 0, 0]),
        example([0.5, 0.7, -9, 0], [1, 1, 0, 1]),  # what is above 1 is clipped
    ]
    truth = np.full((1, 1, 4, 1), 0.5, np.float32)
    found = accuracy.measure_accuracy(Network(), examples, [truth, truth])
    assert found.mean == pytest.approx((0.1 + 0.3 + 0.5 + 0.5 + 0) / 5)
    assert found.worst == pytest.approx(1 / 3)
    assert found.largest == pytest.approx(0.5)
    assert not found.is_good
    nan = accuracy.Accuracy(np.nan, np.nan, np.nan)
    assert not nan.is_good
    assert accuracy.Accuracy(0.001, accuracy.MEAN, accuracy.LARGEST).is_good


def test_a_difference_is_noticed(
    short_run, tmp_path, capsys, monkeypatch, small, loaded
):
    class Wrong:
        def __init__(self, path):
            pass

        def predict_on_batch(self, inputs):
            return {"alpha": np.full(inputs["trimap"].shape, 0.5, np.float32)}

    monkeypatch.setitem(runtimes.LOADERS, "onnx", Wrong)
    options = ["--logdir", short_run, "--output", tmp_path, "--formats", "onnx"]
    assert run(*options, "--validate") == 1
    assert "differs by more than 1/255" in capsys.readouterr().err


def test_a_missing_snapshot_gets_one_line(tmp_path, capsys):
    assert run("--logdir", tmp_path, "--output", tmp_path / "x") == 2
    err = capsys.readouterr().err
    assert "no checkpoint here" in err and err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_precision_that_a_format_does_not_have_is_refused(capsys):
    for name, bits, told in (
        ("savedmodel", list(precision.PRECISIONS)[1:], "has float32 only, got float16"),
        ("litert", ["int8"], "has float32 float16 int8-dynamic only, got int8; give"),
    ):
        with pytest.raises(SystemExit) as stopped:
            run("--formats", "onnx", name, "--precision", *bits)
        assert stopped.value.code == 2
        assert f"--precision: {name} {told}" in capsys.readouterr().err


def test_exporting_works_from_any_directory_as_a_command(tmp_path):
    run_directory = make_run("paper2018", tmp_path)
    script = Path(program.__file__)
    done = subprocess.run(
        [sys.executable, script, "--logdir", run_directory, "--formats", "onnx", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert names(tmp_path / "exported") == ["generator.onnx"]


def test_an_older_folder_stays_if_the_new_one_cannot_be_moved(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/old").touch()
    with pytest.raises(OSError):
        program.replace(tmp_path / "model", tmp_path / "none", tmp_path / "before")
    assert (tmp_path / "model/old").exists() and not (tmp_path / "before").exists()


@pytest.mark.parametrize("name", ["savedmodel", "generator.onnx"])
def test_a_folder_of_something_else_is_not_replaced(
    tmp_path, short_run, name, monkeypatch, capsys
):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.txt").touch()
    line = ["--logdir", str(short_run), "--output", str(tmp_path)]
    assert program.main(line) == 2
    assert f"{name}: a folder of something else; move it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*.*") if path.is_file()] == [
        "mine.txt"
    ]


def test_a_library_that_is_missing_is_named(short_run, tmp_path, monkeypatch, capsys):
    def fail():
        raise ImportError("No module named 'tensorflow'")

    monkeypatch.setattr(program.engine, "load_tensorflow", fail)
    line = ["--logdir", str(short_run), "--output", str(tmp_path / "out")]
    assert program.main(line) == 1
    assert "pip install -r requirements.txt" in capsys.readouterr().err
