"""model/clip.py: frames of films and folders, and which of them have trimaps."""

import os
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from model import clip, images

COUNT, SIZE = 5, (32, 24)


def frame(number):
    return np.full((SIZE[1], SIZE[0], 3), 40 * number, np.uint8)


@pytest.fixture
def film(tmp_path):
    """A film that OpenCV writes by itself, in which frame n is as bright as 40 n."""
    path = tmp_path / "clip.avi"
    code = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, code, 24, SIZE)
    for number in range(COUNT):
        writer.write(frame(number))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path):
    for number in range(COUNT):  # by their letters, 10 would come before 8
        images.write_image(tmp_path / f"frames/f{8 + number}.png", frame(number))
    return tmp_path / "frames"


def key(folder, name):
    images.write_image(folder / name, np.zeros((4, 4), np.uint8))
    return folder / name


def test_a_film_gives_its_frames_again_and_again(film):
    source = clip.Clip(film)
    assert len(source) == COUNT
    assert source.rate == 24
    assert source.names[0] == "000001"
    for _ in range(2):
        found = [round(255 * photograph.pixels.mean()) for photograph in source]
        assert np.abs(np.subtract(found, [0, 40, 80, 120, 160])).max() <= 3


def test_a_film_may_have_a_colon_in_its_name(film, monkeypatch):
    film.rename(film.with_name("take:2.avi"))
    monkeypatch.chdir(film.parent)
    assert len(clip.Clip(Path("take:2.avi"))) == COUNT


def test_a_film_whose_name_is_no_text_is_refused_and_does_not_crash(film, tmp_path):
    odd = tmp_path / "c\udcff.avi"
    odd.write_bytes(film.read_bytes())
    with pytest.raises(ValueError, match="not UTF-8, .* rename it"):
        clip.Clip(odd)


def test_frames_that_a_header_tells_of_in_vain_are_counted(film, capfd):
    assert clip.Clip(film).missing == 0
    content = film.read_bytes()
    third = [found.start() for found in re.finditer(b"00dc", content)][2]
    film.write_bytes(content[:third])
    short = clip.Clip(film)
    assert (len(short), short.missing) == (2, COUNT - 2)
    assert len(list(short)) == 2
    assert capfd.readouterr() == ("", "")


def test_a_film_cut_short_is_refused_and_no_library_says_anything(film, capfd):
    film.write_bytes(film.read_bytes()[:200])
    with pytest.raises(ValueError, match="no f.* that OpenCV can read"):
        clip.Clip(film)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
@pytest.mark.parametrize("level", [None, "16"])
def test_of_damaged_frames_no_library_says_anything_unasked(tmp_path, level):
    path = tmp_path / "clip.mp4"
    command = "ffmpeg -v error -f lavfi -i testsrc=size=192x144 -frames:v 20 -c:v mpeg4"
    subprocess.run([*command.split(), path], check=True)
    content = bytearray(path.read_bytes())
    start, end = content.index(b"mdat") + 2000, content.index(b"moov") - 8
    for place in range(start, end, 50):
        content[place] ^= 0x55
    path.write_bytes(content)
    code = "import sys; from pathlib import Path; from model import clip\n"
    code += "print(len(list(clip.Clip(Path(sys.argv[1])))))"
    environment = dict(os.environ) | {"OPENCV_FFMPEG_LOGLEVEL": level}
    if level is None:
        del environment["OPENCV_FFMPEG_LOGLEVEL"]
    command = [sys.executable, "-c", code, path]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    *said, count = run.stdout.splitlines()
    assert run.returncode == 0 and int(count) > 0
    assert (not said and not run.stderr) == (level is None)


def test_a_folder_is_sorted_by_number(folder):
    source = clip.Clip(folder, Fraction(24))
    assert source.names == ["f8", "f9", "f10", "f11", "f12"]
    assert source.rate == 24
    found = [round(255 * photograph.pixels.mean()) for photograph in source]
    assert found == [0, 40, 80, 120, 160]


def test_trimaps_of_a_film_have_the_numbers_of_frames(film, tmp_path):
    maps = tmp_path / "maps"
    first, last = key(maps, "trimap-1.png"), key(maps, "0005.png")
    assert clip.find_keys(clip.Clip(film), maps) == {0: first, 4: last}


def test_trimaps_of_a_folder_have_the_names_of_frames(folder, tmp_path):
    path = key(tmp_path / "maps", "f10.webp")
    assert clip.find_keys(clip.Clip(folder), tmp_path / "maps") == {2: path}


def test_one_trimap_is_that_of_the_first_frame(folder, tmp_path):
    path = key(tmp_path, "one.png")
    assert clip.find_keys(clip.Clip(folder), path) == {0: path}
    assert clip.find_keys(clip.Clip(folder), None) == {0: None}


@pytest.mark.parametrize("names", [["0.png"], ["6.png"], ["hello.png"], []])
def test_a_trimap_of_no_frame_is_refused(names, film, tmp_path):
    (tmp_path / "maps").mkdir()
    for name in names:
        key(tmp_path / "maps", name)
    message = "number at the end, 1 to 5" if names else "no picture in this folder"
    with pytest.raises(ValueError, match=message):
        clip.find_keys(clip.Clip(film), tmp_path / "maps")


def test_two_trimaps_of_one_frame_are_refused(film, tmp_path):
    key(tmp_path / "maps", "a2.png")
    key(tmp_path / "maps", "b2.png")
    with pytest.raises(ValueError, match="a2.png is of the same frame"):
        clip.find_keys(clip.Clip(film), tmp_path / "maps")


def test_what_is_no_clip_is_refused(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match="no such file"):
        clip.Clip(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(ValueError, match="no film that OpenCV can read"):
        clip.Clip(tmp_path / "text.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no picture in this folder"):
        clip.Clip(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        clip.find_keys(clip.Clip(folder), Path("none"))
    images.write_image(folder / "f12.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match="frame f12 is 9x9 but those before are 32x24"):
        list(clip.Clip(folder))
    images.write_image(folder / "f9.webp", frame(1))
    with pytest.raises(ValueError, match="two frames are called f9"):
        clip.Clip(folder)
