"""A folder of Debian packages, and an apt-get that fetches from there."""

import csv
import io
import os
import subprocess
import zipfile

import pytest
from PIL import Image

from scripts.collect.candidate import SourceError
from scripts.collect.debian import DebianSource

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


def fault_of(source, kind="foreground"):
    """The candidates of a source that cannot go on to the end, and why not."""
    found = []
    with pytest.raises(SourceError) as error:
        for candidate in source.search(kind, [], 99):
            found.append(candidate)
    assert "\n" not in str(error.value)
    return found, str(error.value)
