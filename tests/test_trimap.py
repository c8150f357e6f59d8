import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model import guides, images, matting, trimap
from scripts import trimap as program


@pytest.fixture
def disc():
    """A red disc on green, hard-edged, its mask and its distance from the edge."""
    rows, columns = np.indices((200, 260))
    distance = 60 - np.hypot(rows - 100, columns - 130)
    mask = (distance > 0).astype(np.float32)
    random = np.random.default_rng(0)
    image = np.where(mask[..., None] > 0, [0.8, 0.1, 0.1], [0.1, 0.6, 0.2])
    image = image + 0.03 * random.standard_normal((200, 260, 3))
    return np.clip(image, 0, 1).astype(np.float32), mask, distance


def check_around(codes, distance, band):
    """The codes are right outside of a band, and unknown close to the edge."""
    assert (codes[distance > band] == matting.FOREGROUND).all()
    assert (codes[distance < -band] == matting.BACKGROUND).all()
    assert (codes[np.abs(distance) < 1] == matting.UNKNOWN).all()


def test_the_band_around_a_mask_grows_with_the_picture(disc):
    _, mask, distance = disc
    codes = trimap.from_mask(mask)
    radius = round(trimap.BAND * np.sqrt(mask.size))
    check_around(codes, distance, radius + 2)
    large = np.kron(mask, np.ones((4, 4), np.float32))
    share = (trimap.from_mask(large) == matting.UNKNOWN).mean()
    assert share == pytest.approx((codes == matting.UNKNOWN).mean(), rel=0.2)
    wide = trimap.from_mask(mask, band=0.04)
    assert (wide == matting.UNKNOWN).sum() > 2.5 * (codes == matting.UNKNOWN).sum()


def test_the_band_is_wider_where_the_mask_is_soft(disc):
    _, _, distance = disc
    soft = np.clip(distance / 20 + 0.5, 0, 1).astype(np.float32)
    codes = trimap.from_mask(soft)
    assert (codes[np.abs(distance) < 9] == matting.UNKNOWN).all()
    check_around(codes, distance, 14)


def test_what_is_thin_stays_in_the_foreground():
    mask = np.zeros((300, 300), np.float32)
    mask[:, 148:151] = 1
    codes = trimap.from_mask(mask)
    assert (codes[:, 149] == matting.FOREGROUND).any()
    assert (codes[:, 145] == matting.UNKNOWN).all()


def test_a_box_finds_the_object(disc):
    image, _, distance = disc
    codes = trimap.from_box(image, (50, 20, 160, 160))
    check_around(codes, distance, 7)


def test_strokes_find_the_object_and_stay(disc):
    image, _, distance = disc
    strokes = np.full(distance.shape, matting.UNKNOWN, np.uint8)
    strokes[98:102, 100:160] = matting.FOREGROUND
    strokes[5:8, :] = matting.BACKGROUND
    strokes[60, 20:60] = matting.BACKGROUND
    codes = trimap.from_scribbles(image, strokes)
    check_around(codes, distance, 7)
    strokes[100, 128:132] = matting.BACKGROUND  # a hole that nobody would guess
    codes = trimap.from_scribbles(image, strokes)
    assert (codes[100, 128:132] == matting.BACKGROUND).all()


def test_a_stroke_that_vanishes_in_small_is_refused():
    image = np.random.default_rng(0).random((1280, 1280, 3), np.float32)
    strokes = np.full((1280, 1280), matting.UNKNOWN, np.uint8)
    strokes[600:602, 600:602] = matting.BACKGROUND
    strokes[600, 600] = matting.FOREGROUND
    with pytest.raises(ValueError, match="strokes are too small"):
        trimap.from_scribbles(image, strokes)


def test_the_same_box_gives_the_same_trimap(disc):
    image, _, _ = disc
    first, second = (trimap.from_box(image, (50, 20, 160, 160)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda image: trimap.from_box(image, (-1, 0, 9, 9)), "is not inside"),
        (lambda image: trimap.from_box(image, (0, 0, 260, 200)), "whole picture"),
        (lambda image: trimap.from_mask(np.ones((9, 9))), "mask has no background"),
        (lambda image: trimap.from_mask(np.zeros((9, 9))), "mask has no foreground"),
        (lambda image: trimap.from_mask(np.eye(9), 0), "band: got 0; give a share"),
        (
            lambda image: trimap.from_box(np.full_like(image, 0.5), (50, 20, 160, 160)),
            "GrabCut found no foreground",
        ),
    ],
)
def test_what_cannot_work_is_refused(call, message, disc):
    with pytest.raises(ValueError, match=message):
        call(disc[0])


@pytest.fixture
def files(disc, tmp_path, monkeypatch):
    image, mask, _ = disc
    monkeypatch.chdir(tmp_path)
    images.write_image("photo.png", image)
    images.write_image("mask.png", mask)
    strokes = np.full((*mask.shape, 4), 0, np.uint8)
    strokes[98:102, 100:160] = 255
    strokes[5:8, :, 3] = 255  # black
    images.write_image("strokes.png", strokes)
    return disc


@pytest.mark.parametrize(
    "option", ["--mask mask.png", "--scribbles strokes.png", "--box 50,20,160,160"]
)
def test_the_script_writes_the_trimap_alone(option, files):
    command = ["photo.png", "trimap.png", *option.split(), "--band", "0.02"]
    assert program.main(command) == 0
    codes = images.to_uint8(images.read_grey("trimap.png"))
    assert set(np.unique(codes)) == {0, 128, 255}
    check_around(codes, files[2], 9)


def test_a_name_that_is_no_text_is_written_too(files):
    name = os.fsdecode(b"o\xe9.png")
    assert program.main(["photo.png", name, "--mask", "mask.png"]) == 0
    assert Path(name).is_file()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("none.png new.png --mask mask.png", "none.png: no such file"),
        ("photo.png new.jpg --mask mask.png", "new.jpg: .jpg is no format that keeps"),
        ("photo.png mask.png --mask mask.png", "would overwrite the input"),
        ("photo.png new.png --box 900,0,5,5", "--box: box 900,0,5,5 is not inside"),
        ("photo.png new.png --scribbles photo.png", "no stroke of foreground"),
    ],
)
def test_the_script_refuses_in_one_line(command, message, files, capsys):
    assert program.main(command.split()) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1 and err.startswith("trimap.py: ")


def test_a_cutout_as_a_mask_is_its_alpha_and_not_how_bright_it_is(tmp_path):
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[16:48, 16:48] = [30, 20, 10, 255]
    Image.fromarray(rgba).save(tmp_path / "cutout.png")
    grey = guides.read_mask(tmp_path / "cutout.png")
    np.testing.assert_array_equal(grey, rgba[..., 3] / 255)
    rgba[..., 3] = 255
    rgba[16:48, 16:48, :3] = 255
    Image.fromarray(rgba).save(tmp_path / "opaque.png")
    grey = guides.read_mask(tmp_path / "opaque.png")
    np.testing.assert_array_equal(grey, rgba[..., 0] / 255)


def test_a_box_that_leaves_a_line_of_background_is_refused_as_a_box(disc, monkeypatch):
    image = disc[0]
    height, width = image.shape[:2]
    all_of_it = (np.arange(width) > 0).astype(np.float32)
    monkeypatch.setattr(trimap, "_cut", lambda *_: np.tile(all_of_it, (height, 1)))
    with pytest.raises(ValueError, match="^box "):
        trimap.from_box(image, (1, 0, width - 1, height))


@pytest.mark.parametrize(
    ("error", "told"),
    [(MemoryError(), "out of memory"), (cv2.error("bad"), "OpenCV: ")],
)
def test_what_fails_in_the_script_is_one_line(files, monkeypatch, capsys, error, told):
    def fail(*_):
        raise error

    monkeypatch.setattr(trimap, "from_options", fail)
    assert program.main(["photo.png", "new.png", "--box", "1,1,9,9"]) == 1
    captured = capsys.readouterr().err
    assert told in captured and captured.count("\n") == 1
    assert not Path("new.png").exists()


def test_the_standard_input_is_read_once_only(files, capsys):
    with pytest.raises(SystemExit) as stopped:
        program.main(["-", "new.png", "--mask", "-"])
    assert stopped.value.code == 2
    assert "only one file can come from standard input" in capsys.readouterr().err
