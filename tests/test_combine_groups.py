"""The classes of layers: where they are known from, and what they weigh."""

import doctest
import json

import pytest

from model import layers
from scripts.composites import groups
from tests.combining import contents, make_layers, run


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What is made of layers without classes."""
    root = make_layers(tmp_path_factory.mktemp("plain"))
    assert run(root).returncode == 0
    return contents(root / "out")


@pytest.fixture
def fresh(tmp_path):
    return make_layers(tmp_path)


@pytest.mark.parametrize(
    ("manifest", "below"),
    [
        ("path,group\n{}disc-0.png,hair\n{}disc-1.png,\n{}gone.png,fur\n,net\n", ""),
        ("path,kind,class\n{}disc-0.png,foreground,hair\n", "heldout"),
    ],
)
def test_layers_have_the_groups_of_their_collection(plain, tmp_path, manifest, below):
    """The composites stay what they are."""
    make_layers(tmp_path / below)
    folder = f"{below}/foregrounds/".lstrip("/")
    text = manifest.replace("{}", folder)  # with the mark that spreadsheets write
    (tmp_path / "manifest.csv").write_text(text, "utf-8-sig")
    assert run(tmp_path / below).returncode == 0
    output = tmp_path / below / "out"
    assert layers.read_groups(output) == {"../foregrounds/disc-0.png": "hair"}
    expected = dict(plain)
    listed = json.loads(expected["layers.json"])
    listed["groups"] = {"../foregrounds/disc-0.png": "hair"}
    assert json.loads((output / "layers.json").read_text()) == listed
    del expected["layers.json"]
    assert {name: contents(output)[name] for name in expected} == expected


def test_groups_are_known_later_too(fresh):
    assert run(fresh).returncode == 0
    assert layers.read_groups(fresh / "out") == {}
    before = contents(fresh / "out")
    (fresh / "manifest.csv").write_text("name,what\nanother,table\n")
    assert run(fresh).returncode == 0
    assert contents(fresh / "out") == before
    (fresh / "manifest.csv").write_text("path,group\nforegrounds/disc-2.png,net\n")
    assert run(fresh).returncode == 0
    assert layers.read_groups(fresh / "out") == {"../foregrounds/disc-2.png": "net"}
    del before["layers.json"]
    assert before.items() < contents(fresh / "out").items()


def test_a_class_that_weighs_more_is_listed_more_often_for_training(plain, fresh):
    """The composites, and what is validated on, stay what they are."""
    assert run(fresh).returncode == 0
    listed = json.loads((fresh / "out" / "layers.json").read_text())
    table = "path,group\nforegrounds/disc-{}.png,hair\nforegrounds/disc-{}.png,net\n"
    train, val = listed["train"]["foregrounds"], listed["val"]["foregrounds"]
    (first, second), (other,) = train, val
    numbers = [path[-5] for path in (first, other)]
    (fresh / "manifest.csv").write_text(table.format(*numbers))
    for weights, expected in (
        (["hair=3", "net=2"], [first, first, first, second]),
        (["hair=1"], train),
        ([], train),
    ):
        assert run(fresh, "--weights", *weights).returncode == 0
        listed = json.loads((fresh / "out" / "layers.json").read_text())
        assert listed["train"]["foregrounds"] == expected
        assert listed["val"]["foregrounds"] == val
        assert len(layers.read_layers(fresh / "out", "train")[0]) == len(expected)
        before = dict(plain)
        del before["layers.json"]
        assert before.items() < contents(fresh / "out").items()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (["hair"], "got 'hair'; give CLASS=N with N from 1 to 100, e.g. hair=6"),
        (["=2"], "got '=2'; give CLASS=N"),
        (["hair=0"], "got 'hair=0'; give CLASS=N"),
        (["hair=1.5"], "got 'hair=1.5'; give CLASS=N"),
        (["hair=101"], "got 'hair=101'; give CLASS=N"),
        (["hair=2", "hair=3"], "hair is given twice; give it once"),
        (["wool=2"], "no class wool; there are hair, net"),
        (["no table", "wool=2"], "the classes are not known; give --foregrounds of a"),
    ],
)
def test_weights_that_mean_nothing_are_refused_and_write_nothing(
    fresh, weights, message
):
    table = "path,group\nforegrounds/disc-0.png,net\nforegrounds/disc-1.png,hair\n"
    (fresh / "manifest.csv").write_text(table)
    if weights[0] == "no table":
        (fresh / "manifest.csv").unlink()
        weights = weights[1:]
    result = run(fresh, "--weights", *weights)
    assert result.returncode == 2
    assert result.stderr.startswith(f"combine.py: --weights: {message}")
    assert result.stderr.count("\n") == 1
    assert not (fresh / "out").exists()


def test_the_examples_of_the_documentation_hold():
    assert doctest.testmod(groups).failed == 0


def test_a_damaged_collection_is_named(fresh):
    table = fresh / "manifest.csv"
    table.write_text('path,group\n"' + "x" * 200_000)
    result = run(fresh)
    assert result.returncode == 2
    assert result.stderr.startswith(f"combine.py: {table}: damaged, field larger")
    assert result.stderr.count("\n") == 1
    (fresh / "layers.json").write_text("[]")
    with pytest.raises(ValueError, match="not a list of layers"):
        layers.read_groups(fresh)
