"""The source `img2dataset`: what that tool has fetched from a list of addresses.

A folder goes in that img2dataset wrote with `--output_format files
--disable_all_reencoding True`, from a list that scripts/list_urls.py made. The tool
checks no content and gives every file the ending .jpg: a page of text is a success to
it, so that each file is judged here as if it had just been fetched. What it failed to
fetch is told by its own parquet files alone.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from scripts.collect.candidate import Candidate, SourceError

TOLD = ("page", "title", "creator", "licence", "licence_url", "name", "group", "split")


class Img2datasetSource:
    """Offers the fetched pictures, shard by shard.

    Args:
        folder: The output folder of img2dataset.

    Raises:
        SourceError: If it is no such folder.
    """

    name = "img2dataset"

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        if not next(self.folder.glob("[0-9]*/*.json"), None):
            raise SourceError(
                f"--folder: no NNNNN/*.json in {folder}; name one that img2dataset "
                "wrote with --output_format files"
            )

    def search(self, kind: str, queries: list[str], limit: int) -> Iterator[Candidate]:
        """Offers all pictures of a kind; there is nothing to query."""
        for path in sorted(self.folder.glob("[0-9]*/*.json")):
            told = read_description(path)
            if told["kind"] != kind:
                continue
            picture = next(
                (
                    file
                    for file in sorted(path.parent.glob(f"{path.stem}.*"))
                    if file.suffix != ".json"
                ),
                None,
            )
            fault = "" if picture else "its file is not beside its description"
            yield Candidate(
                kind=kind,
                source=self.name,
                query="",
                url=told["url"],
                path=picture,
                fault=fault,
                **{name: told[name] for name in TOLD},
            )


def read_description(path: Path) -> dict[str, str]:
    """Reads what img2dataset kept of one address.

    Args:
        path: A JSON file beside a picture.

    Returns:
        Its columns; kind and url are among them.

    Raises:
        SourceError: If it is damaged or lacks a column.
    """
    try:
        told = json.loads(path.read_text("utf-8"))
        missing = {"kind", "url", *TOLD} - set(told)
    except (OSError, TypeError, ValueError) as error:
        raise SourceError(f"{path}: damaged ({error}); fetch it again") from error
    if missing:
        raise SourceError(
            f"{path}: no column {min(missing)}; give img2dataset the list and the "
            "--save_additional_columns of scripts/list_urls.py"
        )
    # a column of digits alone arrives as numbers
    return {name: "" if value is None else str(value) for name, value in told.items()}
