import hashlib
import subprocess

from model import provenance


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    line = ["git", "-C", str(folder), *who, *arguments]
    result = subprocess.run(line, check=True, capture_output=True, text=True)
    return result.stdout.strip()


def test_the_commit_is_named_and_a_change_since_marked(tmp_path):
    assert provenance.find_commit(tmp_path) == ""
    git(tmp_path, "init", "--quiet")
    assert provenance.find_commit(tmp_path) == ""  # none yet
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/file").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "a")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert provenance.find_commit(tmp_path) == commit and len(commit) == 40
    assert provenance.find_commit(tmp_path / "inside") == ""  # of another project
    (tmp_path / "inside/file").write_text("b")
    assert provenance.find_commit(tmp_path) == commit + "+"


def test_a_hash_is_of_all_files_that_are_there(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    paths = [tmp_path / name for name in "abc"]
    assert provenance.hash_files(paths) == hashlib.sha256(b"onetwo").hexdigest()
    assert provenance.hash_files(paths[2:]) == ""


def test_starts_that_left_no_batch_are_forgotten():
    before = [{"first": 0, "commit": "a"}, {"first": 5, "commit": "b"}]
    told = provenance.continue_starts(before, 5, {"commit": "c"})
    assert told == [{"first": 0, "commit": "a"}, {"first": 5, "commit": "c"}]
