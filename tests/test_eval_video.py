"""eval.py on clips: what is read, what is written, what is told and refused."""

import importlib
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model import checkpoint, images, matting, predict
from model import network as network_module
from tests.test_film import needs_ffmpeg

program = importlib.import_module("eval")
COUNT, SIZE = 5, (64, 48)


def make_frame(number):
    """A light square that moves to the right over dark noise, and its trimap."""
    random = np.random.RandomState(0)
    picture = cv2.GaussianBlur(random.rand(SIZE[1], SIZE[0], 3), (0, 0), 1.5) * 0.6
    left = 14 + 2 * number
    inside = slice(12, 36), slice(left, left + 24)
    picture[inside] = 0.5 + picture[12:36, 10:34]
    alpha = np.zeros(SIZE[::-1], np.float32)
    alpha[inside] = 1
    return picture.astype(np.float32), matting.trimap_from_alpha(alpha, 2, 3)


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """The working directory with a clip as a film and as frames, and trimaps."""
    monkeypatch.chdir(tmp_path)
    code = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter("clip.avi", cv2.CAP_OPENCV_MJPEG, code, 24, SIZE)
    for number in range(COUNT):
        picture, trimap = make_frame(number)
        images.write_image(f"frames/{number + 1}.png", picture)
        images.write_image(f"all/{number + 1}.png", trimap)
        if number in (0, COUNT - 1):
            images.write_image(f"some/{number + 1}.png", trimap)
        writer.write(images.to_uint8(picture)[..., ::-1].copy())
    writer.release()
    Path("log").mkdir()
    return tmp_path


@pytest.fixture
def network(monkeypatch):
    """Replaces the network by one that gives what the trimap says, and counts."""
    seen = {"runs": 0}

    def run(_, image, trimap, views):
        seen["runs"] += 1
        seen["views"] = views
        return {"alpha": trimap.astype(np.float32) / 255}

    monkeypatch.setattr(network_module, "load_network", lambda *_: "network")
    monkeypatch.setattr(predict, "run", run)
    monkeypatch.setattr(predict, "estimate_foreground", lambda image, alpha: image)
    monkeypatch.setattr(checkpoint, "snapshots", lambda _: [100])
    return seen


def run(arguments):
    return program.main([*arguments.split(), "--logdir", "log"])


def alpha_of(path):
    with Image.open(path) as opened:
        assert opened.mode == "RGBA"
        return np.asarray(opened)[..., 3]


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("frames some cut --video", [f"{n}.png" for n in range(1, 6)]),
        ("clip.avi some cut", [f"00000{n}.png" for n in range(1, 6)]),
    ],
)
def test_key_frames_are_enough_and_that_is_said(
    command, written, clip, network, capsys
):
    assert run(command) == 0
    assert names("cut") == written
    for number, name in enumerate(written):
        alpha, trimap = alpha_of(f"cut/{name}"), make_frame(number)[1]
        assert (alpha[trimap == 0] == 0).mean() > 0.9
        assert (alpha[trimap == 255] == 255).mean() > 0.7
    told = capsys.readouterr().err
    line = f"{command.split()[0]}: 5 frames, 2 with a trimap, propagated to the other 3"
    assert f"eval.py: {line} by optical flow\n" in told
    assert "5 done, 0 skipped" in told


def test_a_trimap_for_each_frame_is_used_as_it_is(clip, network, capsys):
    assert run("frames all cut --video --no-steady") == 0
    for number in range(COUNT):
        alpha, trimap = alpha_of(f"cut/{number + 1}.png"), make_frame(number)[1]
        assert (alpha == trimap).all()
    assert network == {"runs": COUNT, "views": predict.ONCE}
    assert "5 frames, each with a trimap\n" in capsys.readouterr().err


def test_fine_holds_for_the_frames_of_a_clip(clip, network):
    assert run("clip.avi all cut --fine") == 0
    assert network == {"runs": COUNT, "views": predict.FINE_VIEWS}


def test_a_folder_without_video_is_a_batch_as_before(clip, network, monkeypatch):
    monkeypatch.setattr(
        predict, "predict", lambda _, image, trimap, views: predict.Matte(trimap, image)
    )
    assert run("frames some cut") == 1
    assert names("cut") == ["1.png", "5.png", "failures.jsonl"]


def test_what_is_there_is_skipped_and_the_rest_is_the_same(clip, network, capsys):
    assert run("frames all cut --video") == 0
    whole = {name: Path("cut", name).read_bytes() for name in names("cut")}
    for name in ("1.png", "2.png"):
        Path("cut", name).write_bytes(b"mine")
    for name in ("3.png", "4.png", "5.png"):
        Path("cut", name).unlink()
    network["runs"] = 0
    assert run("frames all cut --video") == 0
    assert network["runs"] == 4  # the frame beside the first missing one, too
    assert "3 done, 2 skipped" in capsys.readouterr().err
    for name in whole:
        kept = b"mine" if name < "3" else whole[name]
        assert Path("cut", name).read_bytes() == kept
    assert run("frames all cut --video --overwrite -q") == 0
    assert {name: Path("cut", name).read_bytes() for name in names("cut")} == whole
    assert capsys.readouterr().err == ""


@needs_ffmpeg
def test_a_film_and_its_alpha_are_written(clip, network, capsys):
    assert run("clip.avi some new.mov --alpha alpha --rate 24000/1001") == 0
    assert "; sound is not kept\n" in capsys.readouterr().err
    assert names("alpha") == [f"00000{n}.png" for n in range(1, 6)]
    capture = cv2.VideoCapture("new.mov")
    assert abs(capture.get(cv2.CAP_PROP_FPS) - 23.976) < 0.001
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    assert count == COUNT
    command = ["ffmpeg", "-loglevel", "error", "-i", "new.mov", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgba", "-"]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    found = np.frombuffer(content, np.uint8).reshape(COUNT, SIZE[1], SIZE[0], 4)
    for number in range(COUNT):
        alpha = np.asarray(Image.open(f"alpha/00000{number + 1}.png"))
        assert np.abs(found[number, ..., 3].astype(int) - alpha).mean() < 2


@needs_ffmpeg
def test_a_film_that_fails_leaves_the_old_one(clip, network, monkeypatch, capsys):
    def fail(*_):
        raise MemoryError

    Path("new.webm").write_bytes(b"old")
    before = names(".")
    monkeypatch.setattr(predict, "finish", fail)
    assert run("frames all new.webm") == 1
    assert "eval.py: out of memory; nothing was written\n" in capsys.readouterr().err
    assert Path("new.webm").read_bytes() == b"old"
    assert names(".") == before


def test_without_ffmpeg_frames_are_written_but_no_film(
    clip, network, monkeypatch, capsys
):
    monkeypatch.setenv("PATH", os.fspath(clip))
    assert run("frames all new.mov") == 2
    err = capsys.readouterr().err
    assert err.startswith("eval.py: new.mov: a film is written by ffmpeg, which is not")
    assert err.count("\n") == 1
    assert not Path("new.mov").exists()
    assert run("frames all cut --video") == 0
    assert len(names("cut")) == COUNT


def test_ctrl_c_keeps_the_frames_that_are_done(clip, network, monkeypatch, capsys):
    finish = predict.finish

    def interrupt(image, outputs):
        if Path("cut/2.png").exists():
            raise KeyboardInterrupt
        return finish(image, outputs)

    monkeypatch.setattr(predict, "finish", interrupt)
    assert run("frames all cut --video -q") == 130
    assert capsys.readouterr().err == "eval.py: interrupted, what is done is kept\n"
    assert names("cut") == ["1.png", "2.png"]


def test_a_mask_of_the_first_frame_is_enough(clip, network):
    mask = (make_frame(0)[1] == 255).astype(np.float32)
    images.write_image("mask.png", mask)
    assert run("clip.avi cut --mask mask.png -q") == 0
    assert len(names("cut")) == COUNT


def test_frames_without_the_object_need_no_foreground(clip, network):
    images.write_image("all/3.png", np.zeros(SIZE[::-1], np.uint8))
    assert run("frames all cut --video --no-steady -q") == 0
    assert alpha_of("cut/3.png").max() == 0


def test_frames_of_which_little_is_known_are_named(clip, network, capsys):
    random = np.random.RandomState(7)
    for number in (3, 4, 5):  # a cut
        images.write_image(f"frames/{number}.png", random.rand(48, 64, 3))
    Path("some/5.png").unlink()
    assert run("frames some cut --video -q") == 0
    told = capsys.readouterr().err
    assert "3 frames, 3 to 5: most of the trimap is unknown there; give one" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("clip.avi all cut.mp4", "cut.mp4: INPUT is a clip, so a .mp4 file cannot be"),
        ("clip.avi all cut.png", "end it in .mov or .webm, or give a folder"),
        ("clip.avi all -", "-: INPUT is a clip, so OUTPUT has to be one too"),
        ("clip.avi all all", "all: given twice; results need a folder by itself"),
        ("frames all frames --video", "frames: given twice"),
        pytest.param(
            "clip.avi all new.mov --alpha new.mov",
            "new.mov: given twice; results need a folder by itself",
            marks=needs_ffmpeg,
        ),
        ("- all cut --video", "-: a clip cannot come from standard input"),
        ("none.mp4 all cut", "none.mp4: no such file"),
        ("clip.avi none cut", "none: no such file or folder"),
        ("clip.avi wrong cut", "wrong/9.png: belongs to no frame; its name has to be"),
        (
            "frames mine/1.png mine --video",
            "mine/1.png: would overwrite the input",
        ),
        pytest.param(
            "clip.avi mine/000001.png cut.mov --alpha mine",
            "mine/000001.png: would overwrite the input; give another name",
            marks=needs_ffmpeg,
        ),
        (
            "clip.avi all mine --composite mine/000001.png",
            "mine/000001.png: would overwrite the input; give another name",
        ),
        ("clip.avi small cut", "small/1.png: trimap is 9x9 but its image is 64x48"),
        (
            "frames all cut --video --checkpoint 7",
            "log: no checkpoint 7; there are 100",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, message, clip, network, capsys):
    images.write_image("wrong/9.png", make_frame(0)[1])
    for name in ("1", "000001"):
        images.write_image(f"mine/{name}.png", make_frame(0)[1])
    images.write_image("small/1.png", np.zeros((9, 9), np.uint8))
    before = sorted(clip.rglob("*"))
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert sorted(clip.rglob("*")) == before
    assert network["runs"] == 0


def test_a_rate_that_is_none_is_refused(capsys):
    for text in ("0", "x", "1/0", "-3"):
        with pytest.raises(SystemExit) as stopped:
            program.main(["clip.avi", "all", "new.mov", f"--rate={text}"])
        assert stopped.value.code == 2
        assert "give frames a second, such as 25" in capsys.readouterr().err
