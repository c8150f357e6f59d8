import os
import signal
import sys
import time

import h5py
import pytest

from scripts import soak
from scripts.measure import killed


def write(folder, step, value):
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / f"generator-{step}.weights.h5", "w") as file:
        file["layers/a/vars/0"] = [value]


def test_a_snapshot_that_differs_in_one_bit_or_is_cut_short_is_found(tmp_path):
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    for step in (1, 2):
        write(undisturbed, step, float(step))
        write(killed, step, float(step))
    soak.check_snapshots(killed, undisturbed)
    write(killed, 2, 2.0000000000000004)
    with pytest.raises(soak.Lost, match="snapshot 2 is another"):
        soak.check_snapshots(killed, undisturbed)
    path = killed / "generator-1.weights.h5"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(soak.Lost, match="snapshot 1 cannot be read"):
        soak.check_snapshots(killed, undisturbed)


def test_a_forked_process_is_killed_when_it_has_got_somewhere(tmp_path):
    def work():
        (tmp_path / "here").touch()
        time.sleep(600)
        return 0

    number = killed.fork(work, tmp_path / "log.txt")
    killed.wait(number, (tmp_path / "here").exists)
    assert killed.kill(number) == -signal.SIGKILL
    number = killed.fork(lambda: os.write(1, b"xyz"), tmp_path / "log.txt")
    killed.wait(number, lambda: False)
    assert killed.kill(number) == 3 and not killed.RUNNING
    assert (tmp_path / "log.txt").read_text() == "xyz"
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_folder_that_is_a_file_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert soak.main([str(tmp_path), "--folder", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert soak.main([str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert "none: no such directory; run scripts/combine.py first" in error


def test_what_no_run_could_begin_with_is_one_line(data_directory, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    data = str(data_directory)
    for line, message in (
        ([str(tmp_path)], "no *.png; run scripts/combine.py first"),
        ([data, "--kills", "-1"], "--kills: got -1; give 0 or more"),
        ([data, "--folder", str(tmp_path / "full")], "full is not empty; give another"),
    ):
        assert soak.main(line) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


def test_what_ends_a_process_stands_in_its_log(tmp_path, monkeypatch):
    log = tmp_path / "log.txt"
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    number = killed.fork(lambda: 1 // 0, log)
    killed.wait(number, lambda: False)
    assert killed.kill(number) == 70 and "ZeroDivisionError" in log.read_text()
