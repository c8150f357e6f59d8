"""Debian packages: fetched with apt in a named version, and some files unpacked.

A folder, the cache, gets PACKAGE_VERSION_ARCHITECTURE.deb and, under
unpacked/PACKAGE_VERSION, the files that were asked for. A file inside of an archive
inside of a package is called ARCHIVE!/FILE. What is there is complete, and is not
fetched or unpacked again; a run killed at any moment goes on where it was. One run at a
time may fill a cache.
"""

import errno
import hashlib
import os
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tqdm import tqdm

from model import lock, replacing

INSIDE = "!/"  # between an archive and a file in it
UNKNOWN = ("unable to locate package", "was not found", "no candidate")
FULL = ("no space left", "enough free space")
UNREACHABLE = ("failed to fetch", "could not resolve", "temporary failure", "timed out")


class PackageError(ValueError):
    """A package cannot be had; the message is one line for the user."""


class Packages:
    """A cache of packages.

    Args:
        cache: The folder to fill.
        checksums: SHA-256 in hex of .deb files by name, of those that are known.
    """

    def __init__(self, cache: Path, checksums: dict[str, str]):
        self.cache, self.checksums = cache, checksums
        self.is_offline = False

    def unpack(self, package: str, version: str, members: set[str]) -> dict[str, Path]:
        """Unpacks files of a package, which is fetched if need be.

        Args:
            package: Its name.
            version: Its version, with the epoch.
            members: Paths in it, without a leading slash.

        Returns:
            Where each file is; those that the package does not have are missing.

        Raises:
            PackageError: If there is no apt, no such version, no network, no space on
                the disk, or the package is damaged.
            BlockingIOError: If another run is filling the cache.
            OSError: If the cache cannot be written.
        """
        folder = self.cache / "unpacked" / f"{package}_{version}"
        paths = {member: folder / member for member in members}
        missing = {member for member, path in paths.items() if not path.is_file()}
        if missing:
            held = lock.hold(self.cache / "packages", "--cache")
            with explain_full_disk(self.cache), held:
                deb = self.find(package, version) or self.fetch(package, version)
                self.check(deb)
                extract(deb, missing, folder)
        return {member: path for member, path in paths.items() if path.is_file()}

    def find(self, package: str, version: str) -> Path | None:
        """Finds a package that was fetched."""
        stem = f"{package}_{version.replace(':', '%3a')}"
        found = (self.cache / f"{stem}_{end}.deb" for end in ("all", architecture()))
        return next((path for path in found if path.is_file()), None)

    def fetch(self, package: str, version: str) -> Path:
        """Fetches a package with apt, which checks it; returns its file."""
        wanted = f"{package}={version}"
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise PackageError(
                f"{wanted}: no apt-get and dpkg-deb here; run it on Debian 12, or copy "
                "a --cache filled there"
            )
        if self.is_offline:
            raise PackageError(tell_offline(wanted))
        partial = self.cache / f".{package}.part"  # apt goes on with a partial file
        partial.mkdir(parents=True, exist_ok=True)
        with tqdm(desc=f"fetching {wanted}", bar_format="{desc}", disable=None):
            result = subprocess.run(
                ["apt-get", "download", "-q", wanted],
                cwd=partial,
                env={**os.environ, "LC_ALL": "C"},
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
            )
        if result.returncode:
            self._explain(wanted, result.stderr)
        for path in partial.glob("*.deb"):
            os.replace(path, self.cache / path.name)
        shutil.rmtree(partial)
        deb = self.find(package, version)
        if deb is None:
            raise PackageError(f"{wanted}: apt-get left no file; try again")
        return deb

    def check(self, deb: Path) -> None:
        """Compares a package with its checksum, if that is known."""
        known = self.checksums.get(deb.name)
        if known is not None and hash_file(deb) != known:
            raise PackageError(
                f"{deb}: damaged, or not the package that was chosen from; delete it"
            )

    def _explain(self, wanted: str, said: str) -> None:
        """Raises what a failure of apt means."""
        low = said.lower()
        if any(words in low for words in FULL):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if any(words in low for words in UNKNOWN):
            raise PackageError(
                f"{wanted}: apt has no such version; run apt-get update on Debian 12, "
                "or put the file from Debian's snapshot archive into --cache"
            )
        if "hash sum mismatch" in low:
            shutil.rmtree(self.cache / f".{wanted.partition('=')[0]}.part")
            raise PackageError(
                f"{wanted}: arrived damaged; run apt-get update and try again"
            )
        if "failed to fetch" in low and "404" in low:
            raise PackageError(
                f"{wanted}: apt's list of packages is out of date; run apt-get update"
            )
        if any(words in low for words in UNREACHABLE):
            self.is_offline = True
            raise PackageError(tell_offline(wanted))
        last = (said.strip().splitlines() or ["it said nothing"])[-1]
        raise PackageError(f"{wanted}: apt-get failed: {last}")


def tell_offline(wanted: str) -> str:
    """Says that a package cannot be fetched for want of a network."""
    return f"{wanted}: apt cannot reach its mirror; mend the network and try again"


def architecture() -> str:
    """Names the machine's architecture as Debian does, "all" if it cannot be told."""
    if shutil.which("dpkg") is None:
        return "all"
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


@contextmanager
def explain_full_disk(cache: Path) -> Iterator[None]:
    """Says what to do when there is no space left."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise PackageError(
            f"{cache}: disk full; free some, or give another --cache"
        ) from error


def extract(deb: Path, members: set[str], folder: Path) -> None:
    """Writes members of a package into a folder, each whole or not at all.

    Raises:
        PackageError: If the package is damaged.
    """
    inner = [member.split(INSIDE, 1) for member in sorted(members) if INSIDE in member]
    archives = {archive: {n for a, n in inner if a == archive} for archive, _ in inner}
    wanted = {member for member in members if INSIDE not in member} | set(archives)
    for rest in folder.rglob(".*.part"):  # of a run that was killed
        rest.unlink()
    try:
        for name, file in list_files(deb):
            if name in wanted:
                write(file, folder / name)
                wanted.discard(name)
            if not wanted:
                break
    except tarfile.TarError as error:  # within a file; list_files tells of others
        raise PackageError(f"{deb}: damaged, {error}; delete it") from error
    for archive in sorted(set(archives) - wanted):
        try:
            extract_inner(folder / archive, archives[archive])
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise PackageError(
                f"{deb}: damaged, {archive}: {error}; delete it"
            ) from None
        (folder / archive).unlink()


def list_files(deb: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields name and open contents of the files in a package, one after another."""
    process = subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", deb],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for entry in archive:
                if entry.isfile():
                    yield entry.name.removeprefix("./"), archive.extractfile(entry)
        while process.stdout.read(1 << 20):  # or else it fails for want of a reader
            pass
        if process.wait():
            raise EOFError("cut short")
    except (tarfile.TarError, EOFError) as error:
        raise PackageError(f"{deb}: damaged, {error}; delete it") from error
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def extract_inner(archive: Path, names: set[str]) -> None:
    """Writes those files of an archive that it has beside it, under its name with !."""
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(names & set(opened.namelist())):
            with opened.open(name) as file:
                write(file, archive.with_name(archive.name + INSIDE[0]) / name)


def write(file: IO[bytes], path: Path) -> None:
    """Copies an open file to a path where it is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing.replacement(path) as temporary, open(temporary, "wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)


def hash_file(path: Path) -> str:
    """Gives the SHA-256 of a file in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
