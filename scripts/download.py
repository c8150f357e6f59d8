"""Collects cut-outs and backgrounds, each with its origin and licence.

    python scripts/download.py --contact you@example.org
    python scripts/download.py --source local --folder PICTURES --output COLLECTION
    python scripts/download.py --reject 3,17,40-44 --output COLLECTION

Out come OUTPUT/{foregrounds,backgrounds}/NAME.{webp,jpg}, the pictures of sources
kept out of training under OUTPUT/heldout, a manifest.csv with one row per candidate,
failures with their reason, ATTRIBUTION.md, and numbered contact sheets. A run that
was stopped goes on where it was; what was settled once is not fetched again. Only
one run at a time may fill a folder.
"""

import argparse
import csv
import importlib
import itertools
import math
import sys
from contextlib import closing
from pathlib import Path

import requests
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import model  # noqa: E402
from model import lock  # noqa: E402
from scripts.collect import sheets  # noqa: E402
from scripts.collect.candidate import KINDS, SourceError  # noqa: E402
from scripts.collect.fetch import ROBOT, Fetcher  # noqa: E402
from scripts.collect.gather import Rules, gather  # noqa: E402
from scripts.collect.manifest import Manifest  # noqa: E402
from scripts.collect.options import (  # noqa: E402
    LIMIT,
    SEARCHES,
    SOURCES,
    parse_args,
)
from scripts.collect.rows import is_foreign  # noqa: E402
from scripts.collect.summary import summarise  # noqa: E402


def open_source(name: str, options: argparse.Namespace, fetcher: Fetcher):
    """Makes a source; raises ValueError or ImportError if it cannot work."""
    given = {
        "openverse": {"api": options.openverse_api},
        "commons": {"api": options.commons_api},
        "google": {
            "chromedriver": options.chromedriver,
            "color_type": options.color_type,
            "size": options.size,
            "page_url": options.google_page,
            "directory": options.output / "google",
        },
        "debian": {
            "selection": options.selection,
            "cache": options.cache,
            "packages": options.packages,
        },
        "urls": {"path": options.urls},
        "img2dataset": {"folder": options.folder},
        "local": {
            "folder": options.folder,
            "licence": options.licence,
            "licence_url": options.licence_url,
            "creator": options.creator,
        },
    }[name]
    if name in ("openverse", "commons"):
        given.update(fetcher=fetcher, licences=options.licences)
    module, source = SOURCES[name]
    given = {key: value for key, value in given.items() if value is not None}
    return getattr(importlib.import_module(module), source)(**given)


def collect(
    source, kind: str, options: argparse.Namespace, manifest: Manifest, fetcher: Fetcher
) -> bool:
    """Asks a source for one kind; tells whether all that was asked for is there."""
    rules = Rules(options.min_side, dict(zip(KINDS, options.largest_side, strict=True)))
    queries = list_queries(options)[kind]
    limit = limit_of(source.name, options)
    count = manifest.count(kind, source.name, queries)
    bar = tqdm(
        desc=f"{source.name} {kind}s",
        total=limit,
        initial=count,
        unit=" pictures",
        disable=options.quiet or None,
    )
    missing = math.inf if limit is None else limit - count
    offered = source.search(kind, queries, limit or sys.maxsize)
    with bar, closing(offered):
        tell = complain if options.verbose else None
        gather(offered, manifest, fetcher, rules, missing, bar, tell)
    if limit is None:
        count, limit = manifest.tally(kind, source.name)
        advice = "manifest.csv has the reasons"
    else:
        count = manifest.count(kind, source.name, queries)
        advice = "manifest.csv has the reasons"
        if source.name in SEARCHES:
            advice = f"give more --{kind}s queries"
    if count < limit:
        complain(f"{source.name} {kind}s: {count} of {limit}; {advice}")
    return count >= limit


def collect_all(
    sources: list, options: argparse.Namespace, manifest: Manifest, fetcher: Fetcher
) -> bool:
    """Asks each source for each kind; tells whether all that was asked for is there."""
    complete, messages = True, set()
    for source in sources:
        for kind in list_queries(options):
            try:
                complete &= collect(source, kind, options, manifest, fetcher)
            except SourceError as error:
                complete = False
                if str(error) not in messages:  # one line for a network that is down
                    complain(str(error))
                messages.add(str(error))
        if not any(row["source"] == source.name for row in manifest.rows.values()):
            complete = False
    return complete


def limit_of(source: str, options: argparse.Namespace) -> int | None:
    """Gives the pictures wanted of each kind from a source; None for all it has."""
    return options.limit or (LIMIT if source in SEARCHES else None)


def list_queries(options: argparse.Namespace) -> dict[str, list[str]]:
    """Gives the searches for each kind that is wanted."""
    queries = dict(zip(KINDS, (options.foregrounds, options.backgrounds), strict=True))
    return {kind: wanted for kind, wanted in queries.items() if wanted}


def list_candidates(sources: list, options: argparse.Namespace) -> int:
    """Writes what would be fetched as CSV on stdout; returns the exit code."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    shown = ("kind", "source", "query", "url", "licence", "creator", "title", "fault")
    table.writerow(shown)
    try:
        for source in sources:
            limit = limit_of(source.name, options)
            for kind, queries in list_queries(options).items():
                if source.name == "debian":  # whose search fetches packages
                    offered = source.list_selected(kind)
                else:
                    offered = source.search(kind, queries, limit or sys.maxsize)
                with closing(offered):
                    for candidate in itertools.islice(offered, limit):
                        table.writerow([getattr(candidate, name) for name in shown])
    except SourceError as error:
        complain(str(error))
        return 1
    return 0


def complain(message: str) -> None:
    """Prints one line on stderr, above the progress bar if there is one."""
    tqdm.write(f"download.py: {message}", file=sys.stderr)


def run(options: argparse.Namespace) -> int:
    """Collects from all sources; returns the exit code."""
    contact = f" ({options.contact.strip()})" if options.contact.strip() else ""
    agent = f"{ROBOT}/{model.__version__}{contact} requests/{requests.__version__}"
    fetcher = Fetcher(agent, options.delay, attempts=options.attempts)
    sources = [open_source(name, options, fetcher) for name in options.source]
    if options.dry_run:
        return list_candidates(sources, options)
    with lock.hold(options.output / "manifest.csv"):
        return fill(sources, options, fetcher)


def fill(sources: list, options: argparse.Namespace, fetcher: Fetcher) -> int:
    """Fills the folder, which no other run may do now; returns the exit code."""
    manifest = Manifest(options.output, options.near)
    try:
        try:
            complete = collect_all(sources, options, manifest, fetcher)
        finally:
            manifest.write()
        sheets.draw_sheets(options.output, manifest.sorted_rows())
    except OSError as error:
        complain(str(error))
        return 1
    if not options.quiet:
        for line in summarise(manifest.rows.values(), options.source):
            print(line, file=sys.stderr)
        print(options.output / "manifest.csv")
    return 0 if complete else 1


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments, __doc__.splitlines()[0])
    try:
        if options.reject is not None:
            with lock.hold(options.output / "manifest.csv"):
                rejected = sheets.reject(options.output, options.reject)
                if not is_foreign(options.output / "manifest.csv"):
                    Manifest(options.output)
            if not options.quiet:
                print("\n".join(rejected))
            return 0
        return run(options)
    except KeyboardInterrupt:
        complain("interrupted; run the same command again to go on")
        return 130
    except (OSError, ValueError, ImportError) as error:
        complain(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
