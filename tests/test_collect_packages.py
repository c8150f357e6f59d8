"""The cache of Debian packages: what fails, and what is interrupted."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.collect import packages
from tests.mirror import APT, LEAF, TREE, fault_of

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")


def test_a_version_that_is_gone_does_not_stop_the_other_packages(mirror):
    mirror.build("others")
    for name in ("pictures", "others"):
        mirror.choose(package=name)
    found, message = fault_of(mirror.source())
    assert [bool(candidate.fault) for candidate in found] == [True, False]
    assert message == (
        "debian: pictures=1:2.0-1: apt has no such version; run apt-get update on "
        "Debian 12, or put the file from Debian's snapshot archive into --cache"
    )
    assert found[0].fault == f"try again: {message.removeprefix('debian: ')}"


def test_without_a_network_apt_is_asked_only_once(mirror):
    (mirror.folder / "says").write_text(
        "W: something\nE: Failed to fetch x  Could not resolve 'mirror.example'\n"
    )
    for name in ("pictures", "others"):
        mirror.choose(package=name)
    found, message = fault_of(mirror.source())
    assert len(found) == 2
    assert "pictures=1:2.0-1: apt cannot reach its mirror; mend the net" in message
    assert message.endswith("(and 1 packages more)")
    assert mirror.calls() == ["pictures=1:2.0-1"]


def test_a_list_of_packages_that_is_out_of_date_is_not_taken_for_no_network(tmp_path):
    cache = packages.Packages(tmp_path, {})
    said = "E: Failed to fetch http://d/p.deb  404  Not Found [IP: 1.2.3.4 80]"
    with pytest.raises(packages.PackageError, match="p=1: .*run apt-get update$"):
        cache._explain("p=1", said)
    assert not cache.is_offline


def test_what_else_apt_says_is_passed_on(mirror):
    (mirror.folder / "says").write_text("E: The sky fell\nE: on my head\n")
    mirror.choose()
    assert fault_of(mirror.source())[1].endswith("apt-get failed: E: on my head")


def test_a_package_that_arrives_damaged_is_not_gone_on_with(mirror):
    (mirror.folder / "says").write_text("E: Failed to fetch x  Hash Sum mismatch\n")
    mirror.choose()
    _, message = fault_of(mirror.source())
    assert "arrived damaged; run apt-get update and try again" in message
    assert not list(mirror.cache.glob("*"))


def test_without_apt_it_says_so(mirror, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    mirror.choose()
    _, message = fault_of(mirror.source())
    assert "no apt-get and dpkg-deb here; run it on Debian 12, or copy" in message


@pytest.mark.parametrize("who", ["apt", "we"])
def test_a_full_disk_is_explained(mirror, monkeypatch, who):
    mirror.build("pictures")
    mirror.choose()
    if who == "apt":
        (mirror.folder / "says").write_text("E: write: No space left on device\n")
    else:

        def fill(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(packages.shutil, "copyfileobj", fill)
    _, message = fault_of(mirror.source())
    assert (
        message
        == f"debian: {mirror.cache}: disk full; free some, or give another --cache"
    )
    monkeypatch.undo()


@pytest.mark.parametrize("kept", [0.5, 0.97, "of the archive"])
def test_a_damaged_package_is_to_be_deleted(mirror, kept):
    noise = {"usr/share/art/noise.png": os.urandom(1 << 18)}
    if kept == "of the archive":
        deb = mirror.build("pictures", **{"usr/share/art/data.zip": b"PK no archive"})
    else:
        deb = mirror.build("pictures", **noise)
        deb.write_bytes(deb.read_bytes()[: int(deb.stat().st_size * kept)])
    mirror.choose(member="usr/share/art/zebra.png")
    mirror.choose(member="usr/share/art/data.zip!/in/tree.png")
    _, message = fault_of(mirror.source())
    assert f"{mirror.cache / deb.name}: damaged, " in message
    assert message.endswith("; delete it")


def test_damage_within_a_wanted_file_is_told_and_leaves_no_part(mirror):
    noise = {"usr/share/art/noise.png": os.urandom(1 << 20)}
    deb = mirror.build("pictures", **noise)
    deb.write_bytes(deb.read_bytes()[: deb.stat().st_size // 2])
    mirror.choose(member="usr/share/art/noise.png")
    _, message = fault_of(mirror.source())
    assert f"{mirror.cache / deb.name}: damaged, " in message
    assert not list(mirror.cache.rglob("*.part"))


def test_a_package_with_another_checksum_is_refused(mirror):
    deb = mirror.build("pictures")
    mirror.choose()
    sums = mirror.selection.with_suffix(".sha256")
    sums.write_text(f"{packages.hash_file(deb)}  {deb.name}\n")
    assert [c.fault for c in mirror.offers()] == [""]
    shutil.rmtree(mirror.cache)
    sums.write_text(f"{'0' * 64}  {deb.name}\n")
    assert (
        "not the package that was chosen from; delete it"
        in fault_of(mirror.source())[1]
    )


@pytest.mark.parametrize("steps", range(4))
def test_an_unpacking_cut_short_is_taken_up(mirror, monkeypatch, steps):
    mirror.build("pictures")
    mirror.choose()
    mirror.choose(member="usr/share/art/data.zip!/in/tree.png")
    replace, done = os.replace, []

    def stop(*paths):
        if len(done) == steps:
            raise KeyboardInterrupt
        done.append(replace(*paths))

    monkeypatch.setattr(packages.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        mirror.offers()
    monkeypatch.setattr(packages.os, "replace", replace)
    assert not list(mirror.cache.glob("unpacked/**/*.part"))
    art = mirror.cache / "unpacked/pictures_1:2.0-1/usr/share/art"
    art.mkdir(parents=True, exist_ok=True)
    (art / ".leaf.png.1234.part").write_bytes(b"what one that was killed leaves")
    assert [c.path.read_bytes() for c in mirror.offers()] == [LEAF, TREE]
    names = {path.name for path in mirror.cache.rglob("*") if path.is_file()}
    assert names == {"leaf.png", "tree.png", "copyright", "pictures_1%3a2.0-1_all.deb"}


def test_a_run_killed_while_apt_works_leaves_no_package(mirror, monkeypatch):
    deb = mirror.build("pictures")
    mirror.choose()
    tool = Path(shutil.which("apt-get"))
    tool.write_text(f"#!/bin/sh\nhead -c 99 '{deb}' > {deb.name}\nexec sleep 60\n")
    code = (
        "import sys; from pathlib import Path; from scripts.collect import debian as d;"
        "list(d.DebianSource(*map(Path, sys.argv[1:])).search('foreground', [], 9))"
    )
    command = [sys.executable, "-c", code, mirror.cache, mirror.selection]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    partial = mirror.cache / ".pictures.part" / deb.name
    while not partial.exists() or partial.stat().st_size < 99:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(mirror.cache.glob("*.deb"))
    tool.write_text(APT)
    assert [c.path.read_bytes() for c in mirror.offers()] == [LEAF]
    assert not partial.parent.exists()
