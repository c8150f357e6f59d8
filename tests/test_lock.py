import subprocess
import sys

import pytest

from model import lock

BUSY = "out: another run is filling it; wait for it or give another --output"
HOLDER = """
import sys, time
from pathlib import Path
from model import lock
with lock.hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_until_the_first_is_over(tmp_path):
    manifest = tmp_path / "out" / "manifest.csv"
    with lock.hold(manifest):
        with pytest.raises(BlockingIOError, match=BUSY):
            with lock.hold(manifest):
                raise AssertionError("two runs at a time")
        with pytest.raises(BlockingIOError, match=BUSY):
            with lock.hold(manifest):
                raise AssertionError("the refused run has freed the lock")
        manifest.touch()
    with lock.hold(manifest):
        assert len(list(manifest.parent.iterdir())) == 2
    assert list(manifest.parent.iterdir()) == [manifest]


def test_two_manifests_in_one_folder_do_not_hinder_each_other(tmp_path):
    with lock.hold(tmp_path / "manifest-0.jsonl"):
        with lock.hold(tmp_path / "manifest-1.jsonl"):
            pass


def test_a_folder_that_stays_empty_is_not_left_behind(tmp_path):
    with pytest.raises(ValueError), lock.hold(tmp_path / "new" / "manifest.csv"):
        raise ValueError
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with lock.hold(tmp_path / "old" / "manifest.csv"):
        pass
    assert (tmp_path / "old").is_dir()


def test_a_killed_run_frees_its_lock(tmp_path):
    manifest = tmp_path / "out" / "manifest.csv"
    line = [sys.executable, "-c", HOLDER, str(manifest)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), lock.hold(manifest):
            pass
        holder.kill()
    assert list(manifest.parent.iterdir()), "nobody could clear its lock away"
    with lock.hold(manifest):
        pass
    assert not list(manifest.parent.iterdir())


@pytest.mark.parametrize("error", [OSError(95, "Operation not supported"), None])
def test_without_locks_in_file_system_or_python_the_run_goes_on(
    tmp_path, monkeypatch, error
):
    def fail(*_):
        raise error

    if error:
        monkeypatch.setattr(lock.fcntl, "flock", fail)
    else:
        monkeypatch.setattr(lock, "fcntl", None)
    with lock.hold(tmp_path / "manifest.csv"), lock.hold(tmp_path / "manifest.csv"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_cleared_away_meanwhile_is_made_again(tmp_path, monkeypatch):
    manifest, flock = tmp_path / "manifest.csv", lock.fcntl.flock
    cleared = []

    def clear_first(file, how):
        flock(file, how)
        if not cleared:
            cleared.append(file.name)
            (tmp_path / ".manifest.csv.lock").unlink()

    monkeypatch.setattr(lock.fcntl, "flock", clear_first)
    with lock.hold(manifest):
        with pytest.raises(BlockingIOError), lock.hold(manifest):
            pass
