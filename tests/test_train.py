"""The command: phases, resuming, signals, and what it says when it cannot.

`run` starts it as a process, which takes seconds to load TensorFlow. Where the process
is not what is tested, `run_here` runs it in this one.
"""

import contextlib
import csv
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import model
from model import dispatcher, interrupt
from model import plan as plans

ROOT = Path(__file__).resolve().parents[1]
SMALL = ["--widths", *"88888", "--crop", "64", "--batch_size", "2"]
OFTEN = ["--validation-images", "2", "--validate-every", "2", "--save-every", "2"]
SMALL += OFTEN
# the baseline has no encoder, and is traced in a fraction of the time
TINY = ["--preset", "paper2018", "--widths", "8", "8", "--crop", "64"]
TINY += ["--batch_size", "2", *OFTEN]
spec = importlib.util.spec_from_file_location("train", ROOT / "train.py")
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


def command(*arguments):
    return [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]


def run(*arguments, expect=0):
    result = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False
    )
    assert result.returncode == expect, result.stderr[-3000:]
    assert expect == 0 or "Traceback" not in result.stderr
    return result


def run_here(*arguments, expect=0):
    """Runs the command in this process; gives what it writes to stderr."""
    stream = io.StringIO()
    environment = dict(os.environ)
    try:
        with contextlib.redirect_stderr(stream):
            code = train.main([str(argument) for argument in arguments])
    finally:
        os.environ.clear()
        os.environ.update(environment)
    text = stream.getvalue()
    assert code == expect, text[-3000:]
    return text


def rows(logdir):
    with (logdir / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def weights(logdir, step):
    from model import checkpoint

    return [v.numpy() for v in checkpoint.load_generator(logdir, step).weights]


@pytest.fixture(scope="module")
def finished(data_directory, tmp_path_factory):
    """A run of all three phases: 4, 2 and 2 batches."""
    logdir = tmp_path_factory.mktemp("runs") / "whole"
    phases = ["--gen_epoch", "1", "--disc_epoch", "0.5", "--adv_epoch", "0.5"]
    result = run(data_directory, "--logdir", logdir, *SMALL, *phases)
    return logdir, phases, result


def test_a_run_goes_through_its_phases_and_tells_of_them(finished):
    logdir, _, result = finished
    told = rows(logdir)
    assert [row["phase"] for row in told] == [
        "generator",
        "generator",
        "discriminator",
        "adversarial",
    ]
    assert float(told[0]["alpha_loss"]) > 0 and not told[0]["discriminator_loss"]
    assert float(told[-1]["discriminator_loss"]) > 0
    assert 0 < float(told[-1]["val_mse"]) < 1 and float(told[-1]["val_sad"]) > 0
    assert "8/8 adversarial" in result.stderr
    config = json.loads((logdir / "config.json").read_text())
    assert config["plan"] == {"generator": 4, "discriminator": 2, "adversarial": 2}


def test_the_trained_checkpoint_mattes_a_picture(finished, data_directory, tmp_path):
    """The whole path: combined, trained, evaluated by the commands alone."""
    name = sorted((data_directory / "val/image").iterdir())[0].name
    arguments = [
        data_directory / "val/image" / name,
        data_directory / "val/trimap" / name,
    ]
    arguments += [tmp_path / "cutout.png", "--logdir", finished[0], "--checkpoint", "6"]
    result = subprocess.run(
        [sys.executable, str(ROOT / "eval.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    from model import guides, images

    _, alpha = images.read_cutout(tmp_path / "cutout.png")
    trimap = guides.read_trimap(data_directory / "val/trimap" / name)
    assert np.all(alpha[trimap == 255] == 1) and np.all(alpha[trimap == 0] == 0)


def test_a_run_can_start_from_the_weights_of_another(
    finished, data_directory, tmp_path
):
    logdir = tmp_path / "run"
    result = run(
        data_directory,
        "--logdir",
        logdir,
        *SMALL,
        "--init",
        finished[0],
        "--lr",
        "1e-12",
        "--steps",
        "1",
        "--quiet",
    )
    assert result.stderr == ""
    from model import checkpoint

    trained = checkpoint.load_generator(finished[0]).trainable_variables
    for expected, actual in zip(
        trained, checkpoint.load_generator(logdir).trainable_variables, strict=True
    ):
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), atol=1e-6)


def test_tensorboard_can_read_scalars_and_pictures_back(finished):
    from tensorboard.backend.event_processing import event_accumulator

    reader = event_accumulator.EventAccumulator(str(finished[0] / "tensorboard"))
    reader.Reload()
    tags = set(reader.Tags()["tensors"])
    assert {"alpha_loss", "val_sad", "learning_rate", "samples_per_second"} <= tags
    assert any(tag.startswith("validation/") for tag in tags)


def test_a_resumed_run_ends_as_an_undisturbed_one(finished, data_directory, tmp_path):
    logdir, phases, _ = finished
    resumed = tmp_path / "resumed"
    options = [data_directory, "--logdir", resumed, *SMALL, *phases]
    run(*options, "--steps", "5")
    result = run(*options, "--checkpoint", "-1")
    assert "resumed after 5 batches" in result.stderr
    for expected, actual in zip(weights(logdir, 8), weights(resumed, 8), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    assert [row["step"] for row in rows(resumed)] == ["2", "4", "5", "6", "8"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_a_checkpoint_that_goes_on(data_directory, tmp_path, number):
    logdir = tmp_path / "run"
    options = [data_directory, "--logdir", logdir, *TINY, "--gen_epoch", "1000"]
    process = subprocess.Popen(command(*options), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not list(logdir.glob("generator-*.h5")) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + number, stderr[-2000:]
    assert "resume with --checkpoint -1" in stderr and "Traceback" not in stderr
    from model import checkpoint

    step = checkpoint.snapshots(logdir)[-1]
    text = run_here(*options, "--checkpoint", "-1", "--steps", "2")
    assert f"resumed after {step} batches" in text
    assert checkpoint.snapshots(logdir)[-1] == step + 2


def test_losses_that_are_not_finite_stop_with_the_last_good_state(
    data_directory, tmp_path
):
    logdir = tmp_path / "run"
    options = ["--logdir", logdir, *SMALL, "--gen_epoch", "5", "--lr", "1e30"]
    text = run_here(data_directory, *options, expect=1)
    assert "not finite" in text and "lower --lr" in text
    from model import checkpoint

    for values in weights(logdir, checkpoint.snapshots(logdir)[-1]):
        assert np.all(np.isfinite(values))


def test_the_baseline_and_stored_composites_train_too(data_directory, tmp_path):
    logdir = tmp_path / "run"
    options = ["--preset", "paper2018", "--stored", "--steps", "2"]
    run_here(data_directory, "--logdir", logdir, *SMALL, *options)
    assert float(rows(logdir)[-1]["rgba_loss"]) > 0
    config = json.loads((logdir / "config.json").read_text())
    assert (config["lr"], config["schedule"]) == (1.0, "constant")


def test_the_fast_preset_trains_on_coarse_guesses(data_directory, tmp_path):
    assert train.parse_args([str(data_directory), "--preset", "fast"]).crop == 384
    assert train.parse_args([str(data_directory)]).crop == 256
    options = ["--preset", "fast", *SMALL, "--validation-images", "1", "--steps", "1"]
    run_here(data_directory, "--logdir", tmp_path / "run", *options)
    assert rows(tmp_path / "run")[-1]["val_sad"]


def test_what_cannot_work_is_refused_in_one_line(
    finished, data_directory, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # where no log/run is
    cases = [
        ([tmp_path / "none"], "no such directory; run scripts/combine.py first"),
        (
            ["gs://bucket/data"],
            "gs://bucket/data: cut-outs are read from local folders",
        ),
        ([tmp_path], r"no \*.png; run scripts/combine.py first"),
        ([data_directory, "--crop", "50"], "--crop: got 50; give a multiple of 32"),
        (
            [data_directory, "--preset", "fast", "--crop", "96"],
            "--crop: got 96; give a multiple of 64",
        ),
        ([data_directory, "--batch_size", "0"], "--batch_size: got 0; give 1 or more"),
        ([data_directory, "--steps", "0"], "--steps: got 0; give 1 or more"),
        ([data_directory, "--gen_epoch", "-1"], "--gen_epoch: got -1.0; give 0 or"),
        ([data_directory, "--gen_epoch", "inf"], "--gen_epoch: got inf; give 0 or"),
        ([data_directory, "--adv_epoch", "1e308"], "--adv_epoch: got 1e.308; give 1"),
        ([data_directory, "--seed", "-1"], "--seed: got -1; give 0 to 4294967295"),
        ([data_directory, "--widths", "0", "8"], "--widths: got 0 8; give 1 or more"),
        (
            [data_directory, "--patience", "2", "--validation-images", "0"],
            "--patience: nothing is validated",
        ),
        ([data_directory, "--data-service", "foo"], "--data-service: got foo; give H"),
        ([data_directory, "--d_coeff", "nan"], "--d_coeff: got nan; give 0 or more"),
        ([data_directory, "--lr", "0"], "--lr: got 0.0; give more than 0"),
        ([data_directory, "--lr", "inf"], "--lr: got inf; give more than 0"),
        ([data_directory, "--disc_lr", "0"], "--disc_lr: got 0.0; give more than 0"),
        ([data_directory, "--init", tmp_path], "no checkpoint here"),
        ([data_directory, "--strategy", "multiworker"], "TF_CONFIG lists no other"),
        ([data_directory, "--logdir", finished[0]], "holds a run already; resume it"),
        (
            [data_directory, "--logdir", finished[0], "--checkpoint", "77"],
            "no checkpoint 77; there are 2, 4, 6, 8",
        ),
    ]
    for arguments, message in cases:
        text = run_here(*arguments, expect=2)
        assert re.search(message, text), text
        assert text.count("\n") == 1


def test_resuming_with_other_data_options_or_past_the_end_is_refused(
    finished, data_directory
):
    logdir, phases, _ = finished
    options = [
        data_directory,
        "--logdir",
        logdir,
        *SMALL,
        *phases,
        "--checkpoint",
        "-1",
    ]
    before = {path: path.read_bytes() for path in logdir.rglob("*") if path.is_file()}
    text = run_here(*options, "--batch_size", "4", expect=2)
    assert "made with batch_size 2, got 4; resume with the same" in text
    text = run_here(*options, expect=2)
    assert "has seen 8 batches of the 8 planned; raise" in text
    shorter = ["--gen_epoch", "0.5", "--disc_epoch", "0", "--adv_epoch", "0"]
    text = run_here(*options[:-1], "4", *shorter, expect=2)
    assert "has seen 4 batches of the 2 planned; raise" in text
    for path, content in before.items():
        assert path.read_bytes() == content, path


@pytest.mark.parametrize(
    ("val_sad", "message"),
    [("9", "1 validations in a row were no better; raise"), ("x", "csv: damaged")],
)
def test_a_resume_that_is_refused_by_the_history_changes_nothing(
    finished, data_directory, tmp_path, val_sad, message
):
    logdir, phases, _ = finished
    copy = tmp_path / "run"
    shutil.copytree(logdir, copy)
    found = rows(copy)
    for row, value in zip(found, ("1", val_sad), strict=False):
        row["val_sad"] = value
    with (copy / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, found[0])
        writer.writeheader()
        writer.writerows(found)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    line = [data_directory, "--logdir", copy, *SMALL, *phases, "--patience", "1"]
    assert message in run_here(*line, "--checkpoint", "4", expect=2)
    after = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert after == before


def test_the_history_of_weights_that_were_moved_away_is_not_written_over(
    data_directory, tmp_path
):
    logdir = tmp_path / "run"
    line = [data_directory, "--logdir", logdir, *TINY, "--steps", "2"]
    (logdir).mkdir()
    history = "step,phase\n1,generator\n2,generator\n"
    (logdir / "history.csv").write_text(history)
    assert "history of a run without its checkpoints" in run_here(*line, expect=2)
    assert (logdir / "history.csv").read_text() == history
    (logdir / "history.csv").write_text(history[:-12])  # killed before its first one
    run_here(*line)
    assert [row["step"] for row in rows(logdir)] == ["2"]


def test_a_run_that_nobody_listens_to_goes_on(data_directory, tmp_path):
    logdir = tmp_path / "run"
    line = command(data_directory, "--logdir", logdir, *TINY, "--steps", "3")
    with subprocess.Popen(line, stderr=subprocess.PIPE) as process:
        process.stderr.close()
        process.wait(timeout=300)
    assert [row["step"] for row in rows(logdir)] == ["2", "3"]
    assert (logdir / "generator-3.weights.h5").is_file()


def test_a_dispatcher_that_does_not_answer_is_named(
    data_directory, tmp_path, monkeypatch
):
    monkeypatch.setattr(dispatcher, "WAIT", 0)
    line = [data_directory, "--logdir", tmp_path / "run", "--data-service"]
    text = run_here(*line, "localhost:1", expect=1)
    assert re.search("--data-service: localhost:1: nobody answers .* dispatcher", text)
    assert text.count("\n") == 1 and not (tmp_path / "run").exists()


def test_validation_goes_without_a_composite_that_has_nothing_unknown(
    data_directory, tmp_path
):
    data = tmp_path / "data"
    shutil.copytree(data_directory, data)
    path = sorted((data / "val/trimap").glob("*.png"))[0]
    trimap = np.asarray(Image.open(path))
    Image.fromarray(np.where(trimap == 128, 255, trimap).astype(np.uint8)).save(path)
    line = [data, "--logdir", tmp_path / "run", *TINY, "--stored", "--steps", "2"]
    text = run_here(*line, "--validation-images", "99")
    assert f"{path.stem} has no unknown pixel; validation goes without it" in text
    assert rows(tmp_path / "run")[-1]["val_sad"]


def test_a_data_set_without_validation_trains_without_it(data_directory, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(data_directory, data)
    shutil.rmtree(data / "val")
    layers = json.loads((data / "layers.json").read_text())
    for kind in ("foregrounds", "backgrounds"):
        layers["train"][kind] = [
            str((data_directory / name).resolve()) for name in layers["train"][kind]
        ]
    (data / "layers.json").write_text(json.dumps(layers))
    text = run_here(data, "--logdir", tmp_path / "run", *TINY, "--steps", "2")
    assert "no validation split: training goes without" in text
    assert not rows(tmp_path / "run")[-1]["val_mse"]
    line = [data, "--logdir", tmp_path / "other", *TINY, "--patience", "3"]
    assert "--patience: " in run_here(*line, expect=2)


def test_validation_records_that_are_lost_are_no_missing_split(
    record_directory, tmp_path
):
    data = tmp_path / "data"
    shutil.copytree(record_directory, data)
    lost = next((data / "val").glob("*.tfrecord"))
    if len(list((data / "val").glob("*.tfrecord"))) == 1:
        shutil.copy(lost, data / "val/other.tfrecord")
    lost.unlink()
    line = [data, "--logdir", tmp_path / "run", *TINY, "--stored", "--steps", "1"]
    text = run_here(*line, expect=2)
    assert "no validation split" not in text and ".tfrecord" in text


@pytest.mark.parametrize(
    ("stored", "pattern", "message"),
    [
        (
            "data_directory",
            "train/image/*.png",
            r"\.png: not a complete picture \(.*\)",
        ),
        (
            "record_directory",
            "train/*.tfrecord",
            r"\.tfrecord: damaged or cut short at byte \d+; delete it and run "
            r"scripts/combine\.py again",
        ),
    ],
)
def test_a_composite_damaged_meanwhile_is_named_in_one_line(
    request, tmp_path, stored, pattern, message
):
    data = tmp_path / "data"
    shutil.copytree(request.getfixturevalue(stored), data)
    for path in data.glob(pattern):
        half = path.stat().st_size // 2
        damaged = bytearray(path.read_bytes())
        damaged[40:] = bytes(len(damaged) - 40)  # the length stays
        path.write_bytes(damaged if path.suffix == ".tfrecord" else damaged[:half])
    options = ("--stored", "--steps", "2", "--logdir", tmp_path / "run", *TINY)
    text = run_here(data, *options, expect=1)
    assert re.fullmatch(f"train.py: {re.escape(str(data))}/train/.*{message}\n", text)


def test_a_foreground_that_vanishes_is_named_and_the_last_state_is_saved(
    data_directory, tmp_path, monkeypatch
):
    from model import stock

    read_before = stock.images.read_cutout

    def read(path):
        if (tmp_path / "generator-2.weights.h5").exists():
            raise FileNotFoundError(f"{path}: no such file")
        return read_before(path)

    monkeypatch.setattr(stock, "LAYER_CACHE", 0)
    monkeypatch.setattr(stock.images, "read_cutout", read)
    options = ["--logdir", tmp_path, "--workers", "1", *TINY, "--gen_epoch", "20"]
    last = run_here(data_directory, *options, expect=1).splitlines()[-1]
    assert re.fullmatch(
        r"train\.py: \S*disc.\.png: no such file; the last state is saved, "
        r"that of batch \d+; resume with --checkpoint -1",
        last,
    )


def build_run(told, checkpoints=None, validation=None):
    """A run whose history only remembers, in `told`, what it is to write."""
    from model import plan, training

    history = SimpleNamespace(
        write=lambda *row: told.append(row[2]) or row[2], best=None
    )
    return training.Training(
        gan=None,
        cluster=None,
        batch_size=8,
        plan=plan.Plan(9, 0, 0),
        highest_rate=1.0,
        schedule="constant",
        checkpoints=checkpoints,
        history=history,
        validation=validation,
        save_every=1,
        validate_every=1,
        is_quiet=True,
    )


def test_a_save_that_was_interrupted_and_is_made_again_tells_no_second_row():
    saves, told = [], []

    def save(step, _):
        saves.append(step)
        if len(saves) == 1:
            raise KeyboardInterrupt

    run = build_run(told, SimpleNamespace(save=save))
    run._count(1.0)
    with pytest.raises(KeyboardInterrupt):
        run._save(SimpleNamespace(disable=True), 3, 9, {})
    run._save(SimpleNamespace(disable=True), 3, 9, {})
    assert saves == [3, 3] and len(told) == 1 and run.saved == 3


def test_a_validation_that_gives_no_numbers_ends_the_run(monkeypatch):
    from model import predict, training, validation

    alpha = np.full((4, 4), np.nan, np.float32)
    monkeypatch.setattr(predict, "run", lambda *_: {"alpha": alpha})
    gan = SimpleNamespace(
        generator=None,
        discriminator=None,
        is_averaging=False,
        averaged=contextlib.nullcontext,
    )
    pair = {"name": "disc--000", "image": None, "trimap": None}
    run = build_run([], validation=validation.Validation(gan, [pair], None))
    with pytest.raises(training.Stop) as stop:
        run._record(None, 5, 9)
    assert stop.value.exit_code == 1
    assert str(stop.value) == (
        "batch 5: validation: disc--000: alpha is not finite; go on from an earlier "
        "checkpoint with a lower --lr"
    )


def test_a_process_that_is_deaf_to_ctrl_c_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt.Signals() as signals:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert list(signals.before) == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_row_tells_the_rate_since_the_row_before():
    told = []
    run = build_run(told)
    for step, seconds in enumerate((4, 1, 2), 1):
        run._count(seconds)
        run._tell(SimpleNamespace(disable=True), step, 9, {})
    assert [row["samples_per_second"] for row in told] == [2, 8, 4]


def test_the_plan_names_phases_and_their_progress():
    plan = plans.Plan(4, 2, 2)
    assert [plan.phase(step) for step in (0, 3, 4, 5, 6, 7)] == [
        "generator",
        "generator",
        "discriminator",
        "discriminator",
        "adversarial",
        "adversarial",
    ]
    assert [plan.progress(step) for step in (0, 2, 4, 5, 7)] == [0, 0.5, 0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("schedule", "middle", "late"),
    [("constant", 1, 1), ("cosine", 0.505, 0.0393), ("trapezoid", 1, 0.4456)],
)
def test_the_learning_rate_rises_and_keeps_to_its_schedule(schedule, middle, late):
    plan = plans.Plan(5000, 0, 0)
    rates = [plan.learning_rate(step, 2.0, schedule) / 2 for step in (0, 2500, 4450)]
    assert rates[0] == pytest.approx(1 / plans.WARM_UP, rel=1e-3)
    assert rates[1] == pytest.approx(middle, abs=1e-3)
    assert rates[2] == pytest.approx(late, abs=3e-3)


def test_the_version_is_told():
    result = run("--version")
    assert result.stdout == f"train.py {model.__version__}\n"


def test_the_options_are_told_on_request(data_directory, tmp_path):
    options = ["--logdir", tmp_path / "run", *TINY, "--steps", "1", "--verbose"]
    told = run_here(data_directory, *options).splitlines()
    assert "batch_size: 2" in told and any(line.startswith("1/1 gen") for line in told)
