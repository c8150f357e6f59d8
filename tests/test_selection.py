"""The project's own selection of pictures from Debian's packages."""

import csv
from pathlib import Path

from scripts.collect import debian

ROOT = Path(__file__).resolve().parent.parent
OURS = debian.read_selection(debian.SELECTION)


def test_our_selection_names_each_picture_once():
    keys = [(row["package"], row["member"], row["crop"]) for row in OURS]
    assert len(set(keys)) == len(keys)
    names = [(row["kind"], row["name"]) for row in OURS]
    assert len(set(names)) == len(names)


def test_our_selection_keeps_whole_packages_out_of_training():
    splits = {}
    for row in OURS:
        splits.setdefault(row["package"], set()).add(row["split"])
    assert [name for name, found in splits.items() if len(found) > 1] == []
    with open(ROOT / "scripts/starter/manifest.csv", encoding="utf-8") as file:
        starter = {row["source"].split(" ")[0] for row in csv.DictReader(file)}
    assert not starter & {name for name, found in splits.items() if "heldout" in found}


def test_our_selection_has_a_checksum_for_each_package():
    known = debian.read_checksums(debian.SELECTION.with_suffix(".sha256"))
    named = {name.rpartition("_")[0] for name in known}
    wanted = {f"{row['package']}_{row['version'].replace(':', '%3a')}" for row in OURS}
    assert named == wanted


def test_our_selection_has_only_free_and_stated_licences():
    assert {row["licence"] for row in OURS} <= {
        *("CC0-1.0", "public-domain", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0"),
        *("CC-BY-SA-4.0", "GPL-2", "GPL-2+", "GPL-3", "GPL-3+", "GPL-3 or CC-BY-3.0"),
        *("LGPL-2.1+", "BSD-3-clause-Google", "Expat", "Free-Art-License"),
    }
