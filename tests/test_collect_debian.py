import csv
import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from model import lock
from scripts.collect import debian, packages
from scripts.collect.candidate import SourceError
from scripts.collect.debian import DebianSource

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2001 Ann Author
License: GPL-2+

Files: art/leaf.png
 art/tree.png
Copyright: 2002 Bo Botanist
License: CC-BY-SA-4.0
 Some words.

License: GPL-2+
 More words.
"""
APT = """\
#!/bin/sh
echo "$3" >> "$MIRROR/calls"
test -f "$MIRROR/says" && { cat "$MIRROR/says" >&2; exit 100; }
file=$(echo "$3" | sed 's/:/%3a/; s/=/_/')
cp "$MIRROR/$file"_all.deb . && exit
echo "E: Version '${3#*=}' for '${3%%=*}' was not found" >&2
exit 100
"""


def picture(colour="green"):
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


def archive(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


LEAF, TREE, FERN = picture("lime"), picture("olive"), picture("teal")


class Mirror:
    """A folder of packages, and an apt-get that fetches from there."""

    def __init__(self, tmp_path, monkeypatch):
        self.folder, self.cache = tmp_path / "mirror", tmp_path / "cache"
        self.selection = tmp_path / "chosen.csv"
        self.rows = []
        tools = tmp_path / "tools"
        for folder in (self.folder, tools):
            folder.mkdir()
        (tools / "apt-get").write_text(APT)
        (tools / "apt-get").chmod(0o755)
        monkeypatch.setenv("MIRROR", str(self.folder))
        monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")

    def build(self, package, version="1:2.0-1", copyright_text=COPYRIGHT, **files):
        tree = self.folder / "tree" / package
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: Ann <ann@example.org>\nDescription: pictures\n"
        )
        files = {
            "usr/share/art/leaf.png": LEAF,
            "usr/share/art/data.zip": archive({"in/tree.png": TREE, "no.txt": b"no"}),
            **files,
        }
        if copyright_text is not None:
            files[f"usr/share/doc/{package}/copyright"] = copyright_text.encode()
        for name, data in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        name = f"{package}_{version.replace(':', '%3a')}_all.deb"
        command = [
            "dpkg-deb",
            "--root-owner-group",
            "-Zgzip",
            "-b",
            tree,
            self.folder / name,
        ]
        subprocess.run(command, check=True, capture_output=True)
        return self.folder / name

    def choose(self, package="pictures", member="usr/share/art/leaf.png", **changed):
        row = {
            **{"package": package, "version": "1:2.0-1", "member": member},
            **{"kind": "foreground", "group": "foliage", "split": ""},
            **{"licence": "CC-BY-SA-4.0", "statement": "Files: art/leaf.png"},
            **{"creator": "2002 Bo Botanist", "crop": "", "name": "leaf"},
            **changed,
        }
        self.rows.append(row)
        with open(self.selection, "w", newline="") as file:
            table = csv.DictWriter(file, row)
            table.writeheader()
            table.writerows(self.rows)

    def source(self, **changed):
        return DebianSource(
            **{"cache": self.cache, "selection": self.selection} | changed
        )

    def offers(self, kind="foreground", **changed):
        return list(self.source(**changed).search(kind, [], 99))

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    return Mirror(tmp_path, monkeypatch)


def fault_of(source, kind="foreground"):
    """The candidates of a source that cannot go on to the end, and why not."""
    found = []
    with pytest.raises(SourceError) as error:
        for candidate in source.search(kind, [], 99):
            found.append(candidate)
    assert "\n" not in str(error.value)
    return found, str(error.value)


# What is offered


def test_a_chosen_file_is_offered_with_its_origin_and_licence(mirror):
    mirror.build("pictures")
    mirror.choose(split="heldout", crop="1 2 7 8")
    [leaf] = mirror.offers()
    assert leaf.path.read_bytes() == LEAF
    assert leaf._replace(path=None) == (
        *("foreground", "debian", ""),
        "deb:pictures=1:2.0-1/usr/share/art/leaf.png",
        *("pictures=1:2.0-1 (Debian package)", "leaf", "2002 Bo Botanist"),
        "CC-BY-SA-4.0",
        "pictures=1:2.0-1/usr/share/doc/pictures/copyright, Files: art/leaf.png",
        *("leaf", "foliage", "heldout", None, (1, 2, 7, 8), ""),
    )


def test_a_file_of_an_archive_in_a_package_is_found(mirror):
    mirror.build("pictures")
    mirror.choose(member="usr/share/art/data.zip!/in/tree.png")
    [tree] = mirror.offers()
    assert tree.url.endswith("art/data.zip!/in/tree.png")
    assert tree.path.read_bytes() == TREE
    unpacked = [path.name for path in mirror.cache.rglob("*") if path.is_file()]
    assert sorted(unpacked) == [
        *("copyright", "pictures_1%3a2.0-1_all.deb", "tree.png")
    ]


def test_each_kind_gets_its_own_files_and_each_package_is_fetched_once(mirror):
    mirror.build("pictures")
    mirror.choose()
    mirror.choose(kind="background", name="ground")
    source = mirror.source()
    assert [c.name for c in source.search("foreground", [], 9)] == ["leaf"]
    assert [c.name for c in source.search("background", [], 9)] == ["ground"]
    assert [c.fault for c in mirror.offers()] == [""]
    assert mirror.calls() == ["pictures=1:2.0-1"]


def test_nothing_is_fetched_when_all_is_unpacked(mirror):
    mirror.build("pictures")
    mirror.choose()
    mirror.offers()
    for path in mirror.cache.glob("*.deb"):
        path.unlink()
    assert [c.path.read_bytes() for c in mirror.offers()] == [LEAF]
    assert len(mirror.calls()) == 1


def test_a_package_put_into_the_cache_by_hand_is_used(mirror):
    mirror.cache.mkdir()
    shutil.move(mirror.build("pictures"), mirror.cache)
    mirror.choose()
    assert [c.fault for c in mirror.offers()] == [""]
    assert mirror.calls() == []


def test_a_cache_that_another_run_fills_is_left_alone_until_it_has(mirror):
    mirror.build("pictures")
    mirror.choose()
    source = mirror.source()
    with lock.hold(mirror.cache / "packages"):
        with pytest.raises(BlockingIOError, match="give another --cache$"):
            list(source.search("foreground", [], 1))
        assert mirror.calls() == []
    assert [c.fault for c in mirror.offers()] == [""]
    with lock.hold(mirror.cache / "packages"):  # all is there
        assert [c.fault for c in mirror.offers()] == [""]


def test_only_the_named_packages_are_fetched(mirror):
    for name in ("pictures", "others"):
        mirror.build(name)
        mirror.choose(package=name)
    assert [c.page for c in mirror.offers(packages=["others"])] == [
        "others=1:2.0-1 (Debian package)"
    ]
    assert mirror.calls() == ["others=1:2.0-1"]
    with pytest.raises(SourceError, match="has nothing of thirds"):
        mirror.source(packages=["thirds"])


# Licences


@pytest.mark.parametrize(
    ("licence", "statement", "is_granted"),
    [
        ("CC-BY-SA-4.0", "Files: art/leaf.png art/tree.png", True),
        ("CC-BY-SA-3.0", "Files: art/leaf.png", False),
        ("CC-BY-SA-4.0", "Files: art/*", False),
        ("CC-BY-SA-4.0", "Files: *", False),
        ("GPL-2+", "Files: *", False),
        ("anything", "More   words.", True),
        ("anything", "Other words.", False),
    ],
)
def test_a_licence_has_to_be_in_the_copyright_file(
    mirror, licence, statement, is_granted
):
    mirror.build("pictures")
    mirror.choose(licence=licence, statement=statement)
    [leaf] = mirror.offers()
    told = f"licence {licence} not found in usr/share/doc/pictures/copyright"
    assert leaf.fault == ("" if is_granted else told)


def test_of_two_paragraphs_for_a_file_the_later_one_counts(tmp_path):
    path = tmp_path / "copyright"
    path.write_text(COPYRIGHT)
    row = {"member": "usr/share/art/leaf.png", "statement": "Files: *"}
    assert not debian.is_granted(path, row | {"licence": "GPL-2+"})
    assert debian.is_granted(path, row | {"licence": "GPL-2+", "member": "usr/x.png"})
    path.write_text(f"{COPYRIGHT}\nFiles: *\nLicense: GPL-2+\n")
    assert debian.is_granted(path, row | {"licence": "GPL-2+"})


def test_a_package_without_copyright_file_grants_nothing(mirror):
    mirror.build("pictures", copyright_text=None)
    mirror.choose()
    [leaf] = mirror.offers()
    statement = "usr/share/doc/pictures/copyright"
    assert leaf.fault == f"licence CC-BY-SA-4.0 not found in {statement}"


# Failures


def test_a_file_that_the_package_does_not_have_is_a_fault_of_its_own(mirror):
    mirror.build("pictures")
    mirror.choose()
    mirror.choose(member="usr/share/art/rose.png")
    mirror.choose(member="usr/share/art/data.zip!/in/rose.png")
    faults = [candidate.fault for candidate in mirror.offers()]
    assert faults == ["", *["pictures=1:2.0-1 has no such file"] * 2]


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


# Interruptions


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


# The selection


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"kind": "sprite"}, "kind: got 'sprite'; give foreground or background"),
        ({"split": "test"}, "split: got 'test'; give heldout or nothing"),
        ({"crop": "1 2 3"}, "crop: got '1 2 3'; give left top right bottom in pixels"),
        ({"licence": ""}, "no licence"),
        ({"statement": " "}, "no statement"),
        (
            {"member": "../etc/x"},
            "member: got '../etc/x'; give its path in the package",
        ),
        ({"member": "/etc/x"}, "member: got '/etc/x'; give its path in the package"),
        ({"package": "-o=x"}, "package: got '-o=x'"),
        ({"version": "1/../.."}, "version: got '1/../..'"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(mirror, changed, fault):
    mirror.choose()
    mirror.choose(**changed)
    with pytest.raises(SourceError) as error:
        mirror.source()
    assert str(error.value) == f"{mirror.selection}: row 3: {fault}"


def test_a_selection_without_its_columns_is_refused(mirror, tmp_path):
    with pytest.raises(SourceError, match="--selection: no file .*; name a CSV"):
        mirror.source(selection=tmp_path / "none.csv")
    mirror.selection.write_text("package,version\na,1\n")
    with pytest.raises(SourceError, match="no column member; see debian.csv"):
        mirror.source()
    mirror.choose()
    mirror.selection.write_text(mirror.selection.read_text() + "a,1\n")
    with pytest.raises(SourceError, match="row 3: too few or too many columns"):
        mirror.source()
