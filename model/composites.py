"""The stored composites of a split: PNG files or records of TFRecord files.

A data directory goes in, as `scripts/combine.py` leaves it; single composites and
crops of them come out, each by its name, so that they may be read in any order. Either
way of storing gives the same arrays.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from model import example, guides, images, matting, records, storage

PARTS = ("image", "trimap", "alpha", "foreground")


class NoComposites(FileNotFoundError):
    """A split has no composites at all."""


class Composites:
    """The stored composites of one split.

    Attributes:
        directory: Of the split.
        names: Sorted names of the complete composites.
    """

    def __init__(self, directory: Path | storage.Address, split: str):
        """Lists the complete composites.

        Args:
            directory: A data directory; one that is no Path holds records.
            split: `train` or `val`.

        Raises:
            NoComposites: If there are none.
            FileNotFoundError: If a file of records is gone.
            ValueError: If a file of records is cut short, or no manifest lists it.
        """
        self.directory = directory / split
        self.places: dict[str, tuple[Path, int]] = {}
        if any(self.directory.glob("*.tfrecord")):
            self.places = find_records(directory, split)
            self.names = sorted(self.places)
        elif isinstance(directory, storage.Address):
            raise NoComposites(
                f"{self.directory}: no *.tfrecord; make them with scripts/combine.py "
                "--format tfrecord and copy them there"
            )
        else:
            self.names = sorted(
                path.stem for path in (self.directory / "image").glob("*.png")
            )
        if not self.names:
            raise NoComposites(
                f"{self.directory}/image: no *.png; run scripts/combine.py first"
            )

    def spread(self, limit: int) -> list[str]:
        """Chooses at most `limit` names, spread over all foregrounds."""
        count = min(limit, len(self.names))
        positions = np.linspace(0, len(self.names) - 1, count).round().astype(int)
        return [self.names[position] for position in positions]

    def read(self, name: str) -> dict[str, np.ndarray]:
        """Reads one composite whole.

        Args:
            name: One of `names`.

        Returns:
            `image`, `foreground` (H, W, 3) and `alpha` (H, W) float32 in [0, 1],
            `trimap` (H, W) uint8.

        Raises:
            FileNotFoundError: If a file is gone.
            ValueError: If a file is damaged.
        """
        return {
            part: levels if part == "trimap" else levels.astype(np.float32) / 255
            for part, levels in self.read_levels(name).items()
        }

    def read_levels(self, name: str) -> dict[str, np.ndarray]:
        """Reads one composite whole, in 8 bits.

        Args:
            name: One of `names`.

        Returns:
            As `read`, all uint8.

        Raises:
            FileNotFoundError: If a file is gone.
            ValueError: If a file is damaged.
        """
        if name in self.places:
            return read_record(*self.places[name])

        def path_of(part: str) -> Path:
            return self.directory / part / f"{name}.png"

        return {
            "image": images.to_uint8(images.read_image(path_of("image"))),
            "trimap": guides.read_trimap(path_of("trimap")),
            "alpha": images.to_uint8(images.read_grey(path_of("alpha"))),
            "foreground": images.to_uint8(images.read_image(path_of("foreground"))),
        }

    def crop(self, seed: int, index: int, size: int) -> dict[str, np.ndarray]:
        """Cuts sample number `index` around an unknown pixel.

        Args:
            seed: The run's seed.
            index: Number of the sample, 0 or more.
            size: Side of the crop in pixels; the composite must be as large.

        Returns:
            `image`, `foreground` (size, size, 3), `alpha` and `trimap`
            (size, size), all uint8.

        Raises:
            ValueError: If the composite is smaller than the crop, or damaged.
        """
        random = np.random.default_rng([seed, index])
        name = self.names[random.integers(len(self.names))]
        arrays = self.read_levels(name)
        height, width = arrays["trimap"].shape
        if min(height, width) < size:
            raise ValueError(
                f"{self.directory}: {name} is {width}x{height}, smaller than "
                f"a crop of {size}; give a smaller --crop"
            )
        unknown = np.argwhere(arrays["trimap"] == matting.UNKNOWN)
        centre = unknown[random.integers(len(unknown))] if len(unknown) else (0, 0)
        row = int(np.clip(centre[0] - size // 2, 0, height - size))
        column = int(np.clip(centre[1] - size // 2, 0, width - size))
        flip = random.choice([-1, 1])
        return {
            part: array[row : row + size, column : column + size][:, ::flip]
            for part, array in arrays.items()
        }


def read_record(path: Path | storage.Address, offset: int) -> dict[str, np.ndarray]:
    """Reads the composite that begins at a byte of a TFRecord file.

    Args:
        path: The file.
        offset: Where the record begins, in bytes.

    Returns:
        `image`, `foreground` (H, W, 3), `alpha` and `trimap` (H, W), all uint8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the record is damaged or no composite.
    """
    payload = records.read(path, offset)
    try:
        features = example.decode(payload)
        return {part: example.decode_picture(features[part]) for part in PARTS}
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: no composite at byte {offset} ({error!r}); "
            "delete it and run scripts/combine.py again"
        ) from error


def find_records(directory: Path, split: str) -> dict[str, tuple[Path, int]]:
    """Finds the composites of a split in its TFRecord files, by the manifest.

    Args:
        directory: A data directory.
        split: `train` or `val`.

    Returns:
        File and offset in bytes of each composite, by name.

    Raises:
        FileNotFoundError: If a file that the manifest lists is gone.
        ValueError: If it is cut short, or there is no such manifest.
    """
    places, ends = {}, {}
    for row in read_rows(directory):
        if row["split"] == split and "records" in row:
            path = directory / row["records"]
            places[row["name"]] = (path, row["offset"])
            end = row["offset"] + row["length"] + records.FRAME
            ends[path] = max(end, ends.get(path, 0))
    for path, end in ends.items():
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: no such file, but the manifest lists it; "
                "put it back or run scripts/combine.py again"
            )
        if path.stat().st_size < end:
            raise ValueError(
                f"{path}: cut short, {path.stat().st_size} bytes of {end}; "
                "delete it and run scripts/combine.py again"
            )
    if not places:
        raise ValueError(
            f"{directory}: no manifest*.jsonl that lists the records of {split}; "
            "run scripts/combine.py again"
        )
    return places


def read_rows(directory: Path) -> Iterator[dict]:
    """Yields the rows of all manifests."""
    for manifest in sorted(directory.glob("manifest*.jsonl")):
        yield from read_manifest(manifest)


def read_manifest(manifest: Path) -> Iterator[dict]:
    """Yields the rows of a manifest, leaving out a line cut short by a kill.

    Raises:
        ValueError: If a line is no row with `name` and `split`.
    """
    with manifest.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith("\n"):
                continue
            try:
                row = json.loads(line)
                if not (isinstance(row, dict) and {"name", "split"} <= set(row)):
                    raise ValueError("no row of a composite")
            except ValueError as error:
                raise ValueError(
                    f"{manifest}: line {number} is damaged ({error}); "
                    "delete it and run scripts/combine.py again"
                ) from error
            yield row
