"""Files by their address: local paths, and all filesystems that TensorFlow knows.

`gs://bucket/data` and the like are read by `tf.io.gfile`; whatever has no `://` is a
`pathlib.Path`. TensorFlow is imported only where it is needed.
"""

import contextlib
import fnmatch
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from model import engine


class Status(NamedTuple):
    """What is known of a file: its size in bytes."""

    st_size: int


@dataclass(frozen=True, order=True)
class Address:
    """A file or folder of a filesystem of TensorFlow, with the verbs of pathlib.

    Attributes:
        text: The whole address, `SCHEME://...`.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str) -> "Address":
        return Address(f"{self.text.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        return self.text.rstrip("/").rpartition("/")[2]

    def exists(self) -> bool:
        with _explained(self) as files:
            return files.exists(self.text)

    def is_dir(self) -> bool:
        with _explained(self) as files:  # isdir alone is silent about a lost plugin
            return files.exists(self.text) and files.isdir(self.text)

    def is_file(self) -> bool:
        return self.exists() and not self.is_dir()

    def stat(self) -> Status:
        with _explained(self) as files:
            return Status(files.stat(self.text).length)

    def glob(self, pattern: str) -> Iterator["Address"]:
        """Yields what lies in a folder and fits a pattern; nothing if there is none."""
        if self.is_dir():
            with _explained(self) as files:
                names = [name.rstrip("/") for name in files.listdir(self.text)]
            yield from (self / name for name in fnmatch.filter(names, pattern))

    def open(self, mode: str = "r", encoding: str = "utf-8") -> IO:
        """Opens a file to read it: `rb` as it comes, `r` whole."""
        with _explained(self) as files:
            file = files.GFile(self.text, "rb")
            if mode == "rb":
                file.size()  # opens it, and so tells if it is not there
                return file
            with file:
                return io.StringIO(file.read().decode(encoding))

    def read_bytes(self) -> bytes:
        with _explained(self) as files, files.GFile(self.text, "rb") as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)


def locate(text: str) -> Path | Address:
    """Gives the file or folder of a name.

    Args:
        text: A path, or an address with `://`.

    Returns:
        What can be read by the same verbs.
    """
    return Address(text) if "://" in text else Path(text)


@contextlib.contextmanager
def _explained(address: Address) -> Iterator:
    """Lends `tf.io.gfile` and turns its errors into those of other files."""
    engine.load_tensorflow()
    import tensorflow as tf

    try:
        yield tf.io.gfile
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(f"{address}: no such file") from error
    except tf.errors.UnimplementedError as error:
        raise ValueError(
            f"{address}: TensorFlow has no such filesystem here; install its plugin "
            "(docs/scaling.md) or copy the files"
        ) from error
    except tf.errors.OpError as error:
        raise OSError(f"{address}: {engine.explain(error)}") from error
