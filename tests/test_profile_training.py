import csv
import json
import os
import sys
import time
from collections import Counter

import numpy as np
import pytest

from scripts import profile_training
from scripts.measure import clock, convolutions, loop, rates
from scripts.measure.clock import Clocked, Span
from scripts.measure.convolutions import Convolution

SMALL = ["--batches", "1", "--warmup", "1", "--crop", "64", "--batch_size", "2"]


@pytest.fixture(scope="module")
def gan():
    """Networks of the 2018 design with two levels, and a step of theirs."""
    import keras

    from model import discriminator, gan, generator

    return gan.MattingGAN(
        generator=generator.build_generator("paper2018", (8, 16)),
        discriminator=discriminator.build_discriminator(8),
        generator_optimizer=keras.optimizers.Adam(),
        discriminator_optimizer=keras.optimizers.Adam(),
        d_coeff=0.0,
        use_rgba_loss=True,
        jit_compile=False,
    )


@pytest.fixture(scope="module")
def counts(gan):
    """The convolutions of a step on two crops of 64 pixels."""
    import tensorflow as tf

    depths = {"image": 3, "foreground": 3, "alpha": 1}
    batch = {name: tf.TensorSpec((2, 64, 64, depth)) for name, depth in depths.items()}
    batch["trimap"] = tf.TensorSpec((2, 64, 64, 1), tf.uint8)
    graph = gan.compute.get_concrete_function(batch, "generator").graph
    return convolutions.find_convolutions(graph, "paper2018")


def test_the_operations_of_a_small_network_are_those_counted_by_hand(counts):
    full, half = 2 * 64 * 64, 2 * 32 * 32  # pixels of a batch
    first = full * 9 * 4 * 8
    others = [
        full * 9 * 8 * 8,  # way down
        half * 9 * 8 * 16,
        half * 9 * 16 * 16,
        *[half * 9 * 16 * 16] * 3,  # bottom
        half * 9 * 16 * 8,  # transposed: each small pixel gives nine
        full * 9 * 16 * 8,  # way up, joined with the skip
        full * 9 * 8 * 8,
        full * 8 * 4,  # RGBA
    ]
    # forward, gradient of the weights, and of the input but for that of the pictures
    assert convolutions.count_flop(counts) == 2 * (2 * first + 3 * sum(others))
    assert sum(counts.values()) == 2 + 3 * len(others)
    transposed = [each for each in counts if each.stride == 2]
    assert {each.kind.removeprefix("Conv2D") for each in transposed} == {
        *("", "BackpropInput", "BackpropFilter")
    }


def test_frozen_layers_have_no_gradient_of_their_weights():
    import keras
    import tensorflow as tf

    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", trainable=False)(inputs)
    x = keras.layers.DepthwiseConv2D(5, 2, padding="same")(x)
    x = keras.layers.Conv2D(6, 1, trainable=False)(x)
    network = keras.Model(inputs, x, name="frozen")

    @tf.function
    def step(image):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(image))
        other = tf.nn.conv2d(image, tf.ones((3, 3, 3, 1)), 1, "SAME")  # not its own
        return loss, tape.gradient(loss, network.trainable_variables), other

    graph = step.get_concrete_function(tf.TensorSpec((1, 8, 8, 3))).graph
    found = convolutions.find_convolutions(graph, "frozen")
    depthwise, pointwise = 2 * 4 * 4 * 4 * 25, 2 * 4 * 4 * 4 * 6
    assert Counter(
        {(each.family, each.kind.count("Backprop")): each.flop for each in found}
    ) == {
        ("3x3", 0): 2 * 8 * 8 * 9 * 3 * 4,
        ("depthwise 5x5", 0): depthwise,
        ("depthwise 5x5", 1): depthwise,  # of its weights only
        ("1x1", 0): pointwise,
        ("1x1", 1): pointwise,  # of its input only
    }
    with pytest.raises(ValueError, match="other: no convolutions"):
        convolutions.find_convolutions(graph, "other")


def test_every_kind_of_convolution_runs_alone_with_its_shapes(counts):
    depthwise = [
        Convolution(kind, (1, 8, 8, 4), (3, 3, 4, 1), (1, 4, 4, 4), stride=2)
        for kind in sorted(convolutions.KINDS)
        if kind.startswith("Depthwise")
    ]
    assert {each.kind for each in [*counts, *depthwise]} == convolutions.KINDS
    for each in [*counts, *depthwise]:
        made = convolutions.prepare(each)()
        expected = each.output
        if each.kind.endswith(convolutions.INPUT):
            expected = each.image
        if each.kind.endswith(convolutions.FILTER):
            expected = each.filter
        assert tuple(made.shape) == expected


def test_ceilings_are_all_operations_by_the_sum_of_the_seconds(counts):
    ((seconds, product),) = convolutions.time_alone(counts, side=64)
    assert seconds.keys() == counts.keys() and min(seconds.values()) > 0
    assert product > 0
    three = Convolution("Conv2D", (1, 9, 9, 2), (3, 3, 2, 4), (1, 9, 9, 4))
    one = Convolution("Conv2D", (1, 9, 9, 2), (1, 1, 2, 4), (1, 9, 9, 4))
    some, times = Counter({three: 2, one: 3}), {three: 0.5, one: 0.25}
    assert (three.flop, one.flop) == (11664, 1296)
    assert convolutions.rate(some, times) == (2 * 11664 + 3 * 1296) / 1.75 / 1e9
    assert convolutions.rate(some, times, "1x1") == 1296 / 0.25 / 1e9
    assert convolutions.rate(some, times, "depthwise 3x3") == 0


def test_the_fastest_call_counts():
    calls = iter([0.0, 0.0, 0.03, 0.01, 0.02])
    seconds = convolutions.time_best(lambda: time.sleep(next(calls)), repeats=3)
    assert 0.01 <= seconds < 0.02


def test_waiting_is_what_the_loop_spends_on_getting_batches():
    def make():
        for number in range(4):
            time.sleep(0.02)
            yield number

    batches = Clocked(make())
    for _ in batches:
        time.sleep(0.01)
    span = batches.span(1, 3)
    assert span.batches == 3
    assert 0.06 <= span.waited <= span.seconds - 0.03
    whole = batches.span(0, 4)
    assert span.seconds < whole.seconds <= batches.asked[-1] - batches.asked[0]


def test_a_long_run_has_one_turn_of_new_crops_and_others_of_used_ones():
    fresh, again = Span(4, 8.0, 4.0), Span(2, 2.0, 0.0)
    # a batch of 2 s, half of it waiting, and three of 1 s
    assert clock.in_long_run(fresh, again, 4) == Span(4, 5.0, 1.0)
    assert clock.in_long_run(fresh, None, 1) == Span(1, 2.0, 1.0)


@pytest.mark.parametrize("reuse", [1, 2, 4])
def test_the_measured_batches_are_of_one_turn_each(reuse, monkeypatch):
    from model import dataset

    batch_size, batches, warmup = 3, 5, 2
    turns = clock.plan_turns(batches, warmup, reuse)
    monkeypatch.setattr(dataset, "POOL", turns.length * batch_size)
    dataset._shuffled.cache_clear()
    crops = [
        dataset.pool_index(0, index, reuse) for index in range(turns.total * batch_size)
    ]
    dataset._shuffled.cache_clear()
    seen = np.array([crop in crops[:at] for at, crop in enumerate(crops)])
    seen = seen.reshape(-1, batch_size)
    assert not seen[: turns.fresh + batches + warmup].any()
    if reuse == 1:
        assert turns.again is None
        return
    assert seen[turns.again - warmup :].all()
    assert len(seen) == turns.again + batches


def training(counts):
    return {
        "fresh": Span(2, 8.0, 2.0),
        "again": Span(2, 4.0, 0.0),
        "step": Span(4, 6.0, 0.0),
        "reuse": 4,
        "convolutions": counts,
    }


def test_the_rows_follow_from_spans_and_seconds():
    three = Convolution("Conv2D", (2, 9, 9, 2), (3, 3, 2, 4), (2, 9, 9, 4))
    counts = Counter({three: 1000})
    found = rates.rate_training(training(counts), batch_size=2, crop=64)
    found |= rates.rate_ceilings(counts, {three: 0.001}, product=0.1)
    found = rates.relate(found, found | {"megapixels_per_second": 0.001})
    # four batches of 2 take 4 + 3 * 2 = 10 s, 1 s of it waiting
    assert found["samples_per_second"] == pytest.approx(0.8)
    assert found["waiting"] == pytest.approx(0.1)
    assert (found["waiting_fresh"], found["waiting_again"]) == (0.25, 0)
    assert found["step_samples_per_second"] == pytest.approx(2 * 4 / 6)
    assert found["gflop_per_sample"] == pytest.approx(1000 * three.flop / 2 / 1e9)
    assert found["gflops"] == pytest.approx(0.8 * 1000 * three.flop / 2 / 1e9)
    assert found["share_of_product"] == pytest.approx(found["gflops"] / 0.1)
    assert found["convolution_gflops"] == pytest.approx(three.flop / 0.001 / 1e9)
    # 0.4 batches a second, which take 1 s alone
    assert found["share_of_convolutions"] == pytest.approx(0.4)
    assert found["share_of_3x3"] == pytest.approx(0.4)
    assert found["step_share_of_convolutions"] == pytest.approx(4 / 6)
    assert found["times_plain"] == pytest.approx(0.8 * 64**2 / 1e6 / 0.001)
    assert set(rates.ROWS) < set(found)


def test_the_plain_way_has_none_of_the_settings_that_make_it_fast(monkeypatch):
    from model import engine

    loaded = []
    monkeypatch.setattr(engine, "load_tensorflow", lambda: loaded.append(True))
    monkeypatch.setattr(engine, "SETTINGS", dict(engine.SETTINGS))
    monkeypatch.setattr(os, "environ", dict.fromkeys(engine.SETTINGS, "1"))
    loop.load_tensorflow(is_plain=False)
    assert set(os.environ) == set(engine.SETTINGS) > loop.QUIET
    loop.load_tensorflow(is_plain=True)
    assert set(os.environ) == set(engine.SETTINGS) == loop.QUIET
    assert len(loaded) == 2


def do_apart(work, *arguments):
    """Does in this process what is done in another one."""
    (result,) = work(*arguments)
    return result


def test_a_real_training_is_clocked(data_directory, monkeypatch):
    """By train.py's own parts; the networks are as narrow as they can be."""
    import keras

    from model import dataset

    monkeypatch.setattr(dataset, "POOL", dataset.POOL)  # put back afterwards
    arguments = [str(data_directory), "--preset", "paper2018", "--widths", "4", "8"]
    arguments += ["--crop", "64", "--batch_size", "1", "--workers", "1"]
    arguments += ["--reuse", "2", "--precision", "mixed_bfloat16"]
    dataset._shuffled.cache_clear()
    try:
        found = do_apart(loop.measure_training, arguments, 2, 1, False)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    dataset._shuffled.cache_clear()
    assert dataset.POOL == 4
    assert found["reuse"] == 2
    for span in (found["fresh"], found["again"], found["step"]):
        assert 0 <= span.waited < span.seconds
    assert (found["fresh"].batches, found["step"].batches) == (2, loop.ALONE)
    assert {each.image[0] for each in found["convolutions"]} == {1}


def test_precision_and_reuse_are_not_of_the_plain_training(data_directory):
    line = [str(data_directory), "--precision", "mixed_bfloat16", "--reuse", "6"]
    options = profile_training.parse_args(line)
    matting, fast, plain = profile_training.check_options(options)
    for task in (matting, fast):
        assert task.arguments[-4:] == line[1:]
    assert not {"--precision", "--reuse"} & set(plain.arguments)
    assert [task.crop for task in (matting, fast, plain)] == [256, 384, 256]


def test_a_crop_that_is_asked_for_is_that_of_all(data_directory):
    options = profile_training.parse_args([str(data_directory), "--crop", "128"])
    tasks = profile_training.check_options(options)
    assert [task.crop for task in tasks] == [128] * 3


def test_what_fails_on_the_way_is_one_line_and_1(data_directory, monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("no memory")

    monkeypatch.setattr(profile_training, "call_apart", fail)
    assert profile_training.main([str(data_directory), *SMALL, "-q"]) == 1
    assert capsys.readouterr().err == ("profile_training.py: matting: no memory\n")


def test_work_apart_gives_its_result_or_its_fault():
    assert profile_training.call_apart(give_process, 7) == (7, True)
    with pytest.raises(RuntimeError, match="7 is no good"):
        profile_training.call_apart(refuse, 7)


def give_process(number):
    yield number, "tensorflow" not in sys.modules


def refuse(number):
    raise ValueError(f"{number} is no good")
    yield


@pytest.fixture
def stand_in(monkeypatch, counts):
    """Instead of trainings: what they would give."""

    def call(work, *arguments):
        if work is loop.measure_training:
            again = "paper2018" not in arguments[0]
            return training(counts) | ({} if again else {"again": None, "reuse": 1})
        return dict.fromkeys(arguments[0], 0.001), 100.0

    monkeypatch.setattr(profile_training, "call_apart", call)


def test_the_table_has_all_rows_and_a_column_for_each_training(
    data_directory, stand_in, capsys, tmp_path
):
    line = [str(data_directory), *SMALL, "--output"]
    assert profile_training.main([*line, str(tmp_path / "a.csv"), "-v"]) == 0
    told = capsys.readouterr()
    head, *rows = told.out.splitlines()[2:]
    assert head == "| | matting | fast | paper2018, plain |"
    assert len(rows) == 1 + len(rates.ROWS)
    assert all(row.count("|") == 5 for row in rows)
    assert "| crop, pixels | 64 | 64 | 64 |" in rows
    assert "| times the plain training's | 1.60 | 1.60 | 1.00 |" in rows
    assert "matting: 25.0% waiting for crops that are made, 0.0% for" in told.err
    assert "paper2018, plain: 3x3: " in told.err
    with open(tmp_path / "a.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["training"] for row in table] == ["matting", "fast", "paper2018, plain"]
    assert list(table[0]) == ["training", *rates.ROWS]
    assert float(table[0]["waiting"]) == pytest.approx(0.1)
    assert profile_training.main([*line, str(tmp_path / "a.json"), "-q"]) == 0
    results = json.loads((tmp_path / "a.json").read_text())
    shares = [part["share"] for part in results[0]["families"].values()]
    assert sum(shares) == pytest.approx(1) and min(shares) > 0
    assert results[2]["waiting_again"] is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json"]


def test_what_cannot_be_measured_is_one_line_and_2(
    data_directory, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(profile_training, "call_apart", None)  # nothing slow begins
    for arguments, message in [
        ([tmp_path / "none"], "none: no such directory; run scripts/combine.py"),
        ([tmp_path], "layers.json"),
        ([data_directory, "--crop", "50"], "--crop: got 50; give a multiple of 32"),
        ([data_directory, "--batches", "0"], "--batches: got 0; give 1 or more"),
        ([data_directory, "--warmup", "0"], "--warmup: got 0; give 1 or more"),
        ([data_directory, "--batch_size", "0"], "--batch_size: got 0; give 1 or"),
        ([data_directory, "--workers", "0"], "--workers: got 0; give 1 or more"),
        ([data_directory, "--output", "a.txt"], "a.txt: no .csv or .json"),
        ([data_directory, "--output", tmp_path / "b/a.csv"], "no folder"),
    ]:
        assert profile_training.main([str(part) for part in arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("profile_training.py: ") and message in error
        assert len(error.splitlines()) == 1


def test_ctrl_c_is_one_line_and_130(data_directory, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(profile_training, "call_apart", interrupt)
    assert profile_training.main([str(data_directory), *SMALL, "-q"]) == 130
    assert capsys.readouterr().err == "profile_training.py: interrupted\n"
