import shutil
from pathlib import Path

import pytest

from model import lock
from scripts.collect import debian
from scripts.collect.candidate import SourceError
from tests.mirror import COPYRIGHT, LEAF, TREE

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")

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
