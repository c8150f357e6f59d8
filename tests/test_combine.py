import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import composites, layers, lock
from scripts.composites import manifest
from tests.combining import (
    FOLDERS,
    LARGE,
    command,
    contents,
    make_layers,
    read_manifest,
    run,
    run_command,
    save,
    wait_for,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Layers and what one worker makes of them."""
    root = make_layers(tmp_path_factory.mktemp("made"))
    result = run_command(root)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.strip() == str(root / "out" / "manifest.jsonl")
    return root


@pytest.fixture
def fresh(tmp_path):
    return make_layers(tmp_path)


def test_every_composite_has_its_four_files_and_its_row(made):
    rows = read_manifest(made / "out" / "manifest.jsonl")
    assert len(rows) == 9
    assert rows == sorted(rows, key=lambda row: (row["split"], row["name"]))
    expected = {"manifest.jsonl", "layers.json", "options.json"}
    for row in rows:
        for folder in FOLDERS:
            expected.add(f"{row['split']}/{folder}/{row['name']}.png")
    assert set(contents(made / "out")) == expected
    assert "disc-0--002" in {row["name"] for row in rows}


def test_the_files_are_lossless_and_compose_to_the_image(made):
    for row in read_manifest(made / "out" / "manifest.jsonl"):
        layers = {}
        for folder in FOLDERS:
            path = made / "out" / row["split"] / folder / f"{row['name']}.png"
            picture = Image.open(path)
            colour = folder in ("image", "foreground")
            assert picture.format == "PNG" and picture.size == (96, 72)
            assert picture.mode == ("RGB" if colour else "L")
            layers[folder] = np.asarray(picture)
        alpha, trimap = layers["alpha"], layers["trimap"]
        assert set(np.unique(trimap)) == {0, 128, 255}
        assert (alpha[trimap == 0] == 0).all() and (alpha[trimap == 255] == 255).all()
        opaque = alpha == 255
        assert (layers["image"][opaque] == layers["foreground"][opaque]).all()
        weight = alpha[..., None] / 255  # of light, which the default adds up:
        least = weight * (layers["foreground"] / 255) ** 2.2  # over black, over white
        most = least + 1 - weight
        assert (layers["image"] >= 255 * least ** (1 / 2.2) - 0.501).all()
        assert (layers["image"] <= 255 * most ** (1 / 2.2) + 0.501).all()


def test_no_layer_is_on_both_sides_of_the_split(made):
    listed = json.loads((made / "out" / "layers.json").read_text())
    assert listed["version"] == 1
    for kind, folder in (("foregrounds", 3), ("backgrounds", 4)):
        train, val = listed["train"][kind], listed["val"][kind]
        assert train == sorted(train) and val == sorted(val)
        assert train and val and not set(train) & set(val)
        assert len(train) + len(val) == folder
        assert all((made / "out" / path).is_file() for path in train + val)
        assert train[0].startswith(f"../{kind}/")
    for row in read_manifest(made / "out" / "manifest.jsonl"):
        for kind in ("foreground", "background"):
            assert row[kind] in listed[row["split"]][f"{kind}s"]


def test_two_workers_and_a_second_run_make_the_same_bytes(made, fresh):
    assert run_command(fresh, workers=2).returncode == 0
    assert contents(fresh / "out") == contents(made / "out")
    times = {path: path.stat().st_mtime_ns for path in (fresh / "out").rglob("*.png")}
    assert run(fresh).returncode == 0
    assert contents(fresh / "out") == contents(made / "out")
    assert times == {path: path.stat().st_mtime_ns for path in times}


def test_two_shards_make_together_what_one_makes(made, fresh):
    for index in range(2):
        assert run(fresh, "--num-shards", 2, "--shard-index", index).returncode == 0
    first, second = (
        fresh / "out" / f"manifest-{index:05}-of-00002.jsonl" for index in range(2)
    )
    rows = read_manifest(first) + read_manifest(second)
    rows.sort(key=lambda row: (row["split"], row["name"]))
    assert rows == read_manifest(made / "out" / "manifest.jsonl")
    assert len(read_manifest(first)) == 5
    first.unlink()
    second.unlink()
    expected = contents(made / "out")
    del expected["manifest.jsonl"]
    assert contents(fresh / "out") == expected


def test_lost_files_and_a_row_cut_short_are_made_again(made, fresh):
    shutil.copytree(made / "out", fresh / "out")
    rows = read_manifest(fresh / "out" / "manifest.jsonl")
    for row, folder in zip(rows, FOLDERS, strict=False):
        (fresh / "out" / row["split"] / folder / f"{row['name']}.png").unlink()
    manifest = fresh / "out" / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-40])
    assert run(fresh).returncode == 0
    assert contents(fresh / "out") == contents(made / "out")


def test_a_second_run_on_the_same_folder_is_refused_but_not_another_shard(fresh):
    with lock.hold(fresh / "out" / "manifest.jsonl"):
        result = run(fresh)
        assert result.returncode == 2
        assert result.stderr == (
            f"combine.py: {fresh / 'out'}: another run is filling it; "
            "wait for it or give another --output\n"
        )
        assert [path.name for path in (fresh / "out").iterdir()] == [
            ".manifest.jsonl.lock"
        ]
    shards = ("--num-shards", 2, "--shard-index")
    with lock.hold(fresh / "out" / "manifest-00000-of-00002.jsonl"):
        assert run(fresh, *shards, 0).returncode == 2
        assert run(fresh, *shards, 1).returncode == 0


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """What a run that is long enough to be stopped ends with."""
    root = make_layers(tmp_path_factory.mktemp("larger"))
    assert run_command(root, *LARGE, workers=2).returncode == 0
    return contents(root / "out")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_leaves_no_orphan_and_goes_on_to_the_same_end(fresh, larger, how):
    line = command(fresh, *LARGE, "--workers", 2)
    process = subprocess.Popen(
        line, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for(lambda: any((fresh / "out").glob("*/image/disc*.png")))
    os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
    errors = process.communicate(timeout=300)[1]
    if how == signal.SIGINT:  # which a terminal sends to the workers as well
        assert process.returncode == 130
        assert (
            errors == "combine.py: interrupted; run the same command again to go on\n"
        )
        assert not list((fresh / "out").rglob("*.part"))
    wait_for(lambda: not is_alive(process.pid))
    rows = read_manifest(fresh / "out" / "manifest.jsonl")
    assert len(rows) < 60
    for row in rows:
        for folder in FOLDERS:
            name = f"{row['split']}/{folder}/{row['name']}.png"
            assert (fresh / "out" / name).read_bytes() == larger[name]
    complete = next((fresh / "out").glob("*/image/disc*.png"))
    complete.with_name(f".{complete.name}.99999.part").write_bytes(b"half a pict")
    assert run_command(fresh, *LARGE, workers=2).returncode == 0
    assert contents(fresh / "out") == larger


def test_one_more_ctrl_c_does_not_hang(fresh):
    process = subprocess.Popen(
        command(fresh, *LARGE, "--workers", 2),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: any((fresh / "out").glob("*/image/disc*.png")))
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
    errors = process.communicate(timeout=300)[1]
    assert errors == "combine.py: interrupted; run the same command again to go on\n"
    assert process.returncode == 130
    wait_for(lambda: not is_alive(process.pid))


def test_a_manifest_of_another_shard_that_has_just_begun_stays(tmp_path):
    begun, full = (tmp_path / f"manifest-0000{n}-of-00002.jsonl" for n in (0, 1))
    begun.touch()
    rows = [{"split": "train", "name": name} for name in ("a", "b")]
    manifest.write_rows(full, rows)
    manifest.drop_rows(tmp_path, lambda row: row["name"] == "a")
    assert begun.exists() and read_manifest(full) == rows[1:]
    manifest.drop_rows(tmp_path, lambda row: True)
    assert begun.exists() and not full.exists()


def is_alive(group):
    """Says whether any process of a group still runs; zombies do not."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            return True
    return False


def test_bad_layers_are_named_and_skipped(fresh):
    cutouts = fresh / "foregrounds"
    save(cutouts / "rgb.png", np.ones((20, 20, 3)))
    save(cutouts / "opaque.png", np.ones((20, 20, 4)))
    save(cutouts / "clear.png", np.zeros((20, 20, 4)))
    save(cutouts / "disc-0.webp", np.eye(20)[..., None].repeat(4, 2))
    whole = (cutouts / "disc-1.png").read_bytes()
    (cutouts / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (fresh / "backgrounds" / "text.jpg").write_text("no picture")
    (cutouts / "notes.txt").write_text("not even called a picture")
    result = run(fresh)
    assert result.returncode == 1
    bad = ("rgb.png", "opaque.png", "clear.png", "truncated.png", "text.jpg")
    lines = result.stderr.splitlines()
    assert len(lines) == len(bad) + 1
    assert all(sum(name in line for line in lines) == 1 for name in bad)
    assert "disc-0.webp: named like disc-0.png; rename one" in result.stderr
    assert len(read_manifest(fresh / "out" / "manifest.jsonl")) == 9
    listed = (fresh / "out" / "layers.json").read_text()
    assert not any(name in listed for name in (*bad, "disc-0.webp"))


@pytest.mark.parametrize("content", ["", "[]", '{"train": 1}', "\xe9"])
@pytest.mark.parametrize("name", ["options.json", "layers.json"])
def test_a_damaged_file_of_an_earlier_run_is_named(fresh, name, content):
    assert run(fresh).returncode == 0
    if name == "options.json" and content.startswith("{"):
        return  # an object without options: of a run with other ones
    (fresh / "out" / name).write_text(content, "latin-1")
    before = contents(fresh / "out")
    result = run(fresh)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert f"{name}: damaged" in result.stderr and "delete this one" in result.stderr
    assert contents(fresh / "out") == before


def test_rejects_may_begin_with_a_mark_and_have_to_be_in_utf_8(fresh):
    rejects = fresh / "foregrounds" / "rejects.txt"
    rejects.write_bytes(b"\xef\xbb\xbfdisc-2.png\r\n")
    assert run(fresh).returncode == 0
    assert "disc-2" not in (fresh / "out" / "layers.json").read_text()
    rejects.write_bytes(b"caf\xe9.png\n")
    result = run(fresh)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "rejects.txt: not UTF-8" in result.stderr


def test_rejects_are_left_out_and_later_foregrounds_join_in(fresh):
    save(fresh / "foregrounds" / "rgb.png", np.ones((20, 20, 3)))
    rejects = fresh / "foregrounds" / "rejects.txt"
    rejects.write_text("rgb.png\ndisc-2.png\n")
    (fresh / "backgrounds" / "rejects.txt").write_text("wall-3.png\n")
    result = run(fresh, "--seed", 3)
    assert result.returncode == 0, result.stderr
    listed = (fresh / "out" / "layers.json").read_text()
    assert "disc-1" in listed and "disc-2" not in listed and "wall-3" not in listed
    before = contents(fresh / "out")
    rejects.write_text("rgb.png\n")
    assert run(fresh, "--seed", 3).returncode == 0
    after = contents(fresh / "out")
    pictures = [name for name in before if name.endswith(".png")]
    assert all(after[name] == before[name] for name in pictures)
    assert len(after) == len(before) + 3 * 4


def test_a_foreground_that_would_change_sides_or_is_gone_is_refused(fresh):
    rejects = fresh / "foregrounds" / "rejects.txt"
    disc = (fresh / "foregrounds" / "disc-2.png").read_bytes()
    rejects.write_text("disc-2.png\n")
    assert run(fresh, "--per-foreground", 1).returncode == 0  # disc-1 is for validation
    before = contents(fresh / "out")
    (fresh / "foregrounds" / "disc-15.png").write_bytes(disc)  # of a lower hash
    result = run(fresh, "--per-foreground", 1)
    assert result.returncode == 2
    assert "foregrounds/disc-1.png would change to train; choose" in result.stderr
    (fresh / "foregrounds" / "disc-15.png").unlink()
    (fresh / "foregrounds" / "disc-0.png").rename(fresh / "disc.png")
    rejects.write_text("")
    result = run(fresh, "--per-foreground", 1)
    assert result.returncode == 2
    assert "made from ../foregrounds/disc-0.png, which is gone; ch" in result.stderr
    assert contents(fresh / "out") == before


@pytest.mark.parametrize("storage_format", ["png", "tfrecord"])
def test_composites_of_a_late_reject_go_and_come_back_if_it_is_pardoned(
    fresh, storage_format
):
    options = ("--format", storage_format)
    assert run(fresh, *options).returncode == 0
    whole = contents(fresh / "out")
    # what an earlier run of other shards has left
    rows = (fresh / "out" / "manifest.jsonl").read_text()
    (fresh / "out" / "manifest-00001-of-00002.jsonl").write_text(rows)
    train = json.loads(whole["layers.json"])["train"]["foregrounds"]
    name = Path(train[0]).name
    (fresh / "foregrounds" / "rejects.txt").write_text(f"{name}\n")
    result = run(fresh, *options)
    assert result.returncode == 0
    assert result.stderr == (
        f"combine.py: cut-outs rejected since: 1, such as {train[0]}; "
        "their composites are deleted\n"
    )
    assert not (fresh / "out" / "manifest-00001-of-00002.jsonl").exists()
    left = contents(fresh / "out")
    assert len(read_manifest(fresh / "out" / "manifest.jsonl")) == 6
    stem = Path(name).stem.encode()
    texts = ("layers.json", "manifest.jsonl")
    assert not any(
        stem in left[text] or stem.decode() in " ".join(left) for text in texts
    )
    stored = composites.Composites(fresh / "out", "train")
    assert len(stored.names) == 3 and stored.read(stored.names[0])
    assert run(fresh, *options).stderr == ""
    assert contents(fresh / "out") == left
    (fresh / "foregrounds" / "rejects.txt").unlink()
    assert run(fresh, *options).returncode == 0
    assert contents(fresh / "out") == whole


def test_a_late_reject_of_a_background_is_told(fresh, made):
    shutil.copytree(made / "out", fresh / "out")
    (fresh / "backgrounds" / "rejects.txt").write_text("wall-3.png\n")
    result = run(fresh)
    assert result.returncode == 2
    assert "made before ../backgrounds/wall-3.png was rejected, and" in result.stderr
    assert contents(fresh / "out") == contents(made / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--foregrounds", "nowhere"], "nowhere: no such folder"),
        (["--backgrounds", "empty"], "empty: no pictures"),
        (["--foregrounds", "backgrounds"], "backgrounds: no usable picture"),
        (["--output", "foregrounds/out"], "lies inside"),
        (["--output", "backgrounds"], "lies inside"),
        (["--output", "file"], "file is a file"),
        (["--size", "31x72"], "--size: below 32 pixels, got 31x72"),
        (["--size", "96"], "--size: not WIDTHxHEIGHT, got '96'"),
        (["--size", "90000x1000"], "--size: more than 89478485 pixels, got 90000x"),
        (["--shard-index", "2", "--num-shards", "2"], "--shard-index: got 2"),
        (["--shard-index", "-1"], "--shard-index: got -1"),
        (["--num-shards", "0"], "--num-shards: got 0"),
        (["--per-foreground", "0"], "--per-foreground: got 0"),
        (["--workers", "0"], "--workers: got 0"),
        (["--val-fraction", "1.5"], "--val-fraction: got 1.5"),
        (["--erosion", "0.1", "0.01"], "--erosion: got 0.1 0.01"),
        (["--gamma", "0"], "--gamma: got 0.0; give 1 to 4"),
        (["--backgrounds", "single"], "give 2 or more"),
    ],
)
def test_bad_arguments_give_one_line_and_write_nothing(fresh, options, message):
    (fresh / "file").write_text("")
    (fresh / "empty").mkdir()
    save(fresh / "single" / "wall.png", np.ones((90, 90, 3)))
    before = contents(fresh)
    result = run(fresh, *options)
    assert result.returncode == 2
    assert message in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    if "no usable" not in message:
        assert len(result.stderr.splitlines()) == 1
    assert contents(fresh) == before
    assert not (fresh / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "1"], "another seed"),
        (["--size", "48x48"], "another height, width"),
        (["--format", "tfrecord"], "another format"),
        (["--gamma", "1"], "another gamma"),
    ],
)
def test_a_folder_made_otherwise_is_refused_and_kept(made, options, message):
    before = contents(made / "out")
    result = run(made, *options)
    assert result.returncode == 2 and message in result.stderr
    assert contents(made / "out") == before


def test_more_composites_of_each_can_be_asked_for_later(fresh, made):
    assert run(fresh, "--per-foreground", 2).returncode == 0
    assert run(fresh).returncode == 0
    assert contents(fresh / "out") == contents(made / "out")


def test_fewer_composites_of_each_can_be_asked_for_later(fresh):
    """What the manifest does not list is not trained on either."""
    assert run(fresh).returncode == 0
    result = run(fresh, "--per-foreground", 1)
    assert result.returncode == 0
    assert "composites beyond --per-foreground: 6; they are deleted" in result.stderr
    rows = read_manifest(fresh / "out" / "manifest.jsonl")
    listed = [row["name"] for row in rows]
    found = [
        name
        for split in ("train", "val")
        for name in composites.Composites(fresh / "out", split).names
    ]
    assert sorted(found) == sorted(listed) and len(listed) == 3


def test_an_empty_file_is_made_again(made, fresh):
    shutil.copytree(made / "out", fresh / "out")
    next((fresh / "out").glob("train/alpha/*.png")).write_bytes(b"")
    assert run(fresh).returncode == 0
    assert contents(fresh / "out") == contents(made / "out")


@pytest.mark.parametrize("backgrounds", [1, 3])
def test_a_data_directory_may_be_for_testing_only(tmp_path, backgrounds):
    make_layers(tmp_path, backgrounds=backgrounds)
    result = run(tmp_path, "--val-fraction", 1)
    assert result.returncode == 0, result.stderr
    rows = read_manifest(tmp_path / "out" / "manifest.jsonl")
    assert [row["split"] for row in rows] == ["val"] * 9
    assert not (tmp_path / "out" / "train").exists()
    with pytest.raises(ValueError, match="0 foregrounds and 0 backgrounds to train"):
        layers.read_layers(tmp_path / "out", "train")


def test_one_foreground_is_for_training_only(tmp_path):
    make_layers(tmp_path, foregrounds=1, backgrounds=1)
    result = run(tmp_path)
    assert result.returncode == 0, result.stderr
    rows = read_manifest(tmp_path / "out" / "manifest.jsonl")
    assert [row["split"] for row in rows] == ["train"] * 3
