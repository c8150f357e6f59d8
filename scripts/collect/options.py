"""The options of scripts/download.py: every one and its default stands here only."""

import argparse
from pathlib import Path

SOURCES = {  # loaded when chosen: each may need libraries of its own
    "openverse": ("scripts.collect.openverse", "OpenverseSource"),
    "commons": ("scripts.collect.commons", "CommonsSource"),
    "google": ("scripts.collect.google", "GoogleSource"),
    "debian": ("scripts.collect.debian", "DebianSource"),
    "urls": ("scripts.collect.urls", "UrlsSource"),
    "local": ("scripts.collect.local", "LocalSource"),
    "img2dataset": ("scripts.collect.img2dataset", "Img2datasetSource"),
}
KINDS = ("foreground", "background")
SEARCHES = {"openverse", "commons", "google"}  # the others offer all that they have
NEED_CONTACT = {"openverse", "commons", "google", "urls"}
LIMIT = 500  # pictures of each kind from each search, unless --limit says otherwise
LICENCES = ("cc0", "pdm", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")


DOWNLOADS = Path(__file__).resolve().parents[1] / "downloads"


def parse_args(arguments: list[str] | None, description: str) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument_group("what to collect").add_argument
    add("--source", action="append", choices=SOURCES, help="repeatable; openverse")
    add(
        "--foregrounds",
        nargs="*",
        default=["portrait transparent background"],
        metavar="QUERY",
        help="searches for cut-outs; none at all: no cut-outs",
    )
    add(
        "--backgrounds",
        nargs="*",
        default=["texture background"],
        metavar="QUERY",
        help="searches for backgrounds; none at all: no backgrounds",
    )
    add("--limit", type=int, help="pictures per kind and source; 500 of a search")
    add("--output", type=Path, default=DOWNLOADS, help="folder to fill")
    add("--reject", metavar="NUMBERS", help="of the sheets: 3,17,40-44; then end")
    add("--dry-run", action="store_true", help="only list what would be fetched")
    add("-q", "--quiet", action="store_true", help="no progress and no summary")
    add = parser.add_argument_group("what a picture must have").add_argument
    add("--min-side", type=int, default=200, help="pixels; 200")
    add(
        "--largest-side",
        type=int,
        nargs=2,
        default=[1024, 1600],
        metavar=("CUTOUT", "BACKGROUND"),
        help="pixels, larger ones are scaled down; 1024 1600",
    )
    add(
        "--near", type=int, default=4, help="bits by which duplicates differ; 4, -1 off"
    )
    add("--licences", default="cc0,pdm,by,by-sa", help="of searches; cc0,pdm,by,by-sa")
    add = parser.add_argument_group("network").add_argument
    add("--contact", default="", help="your mail address or page, told to each host")
    add("--delay", type=float, default=1.0, help="seconds between requests to a host")
    add("--attempts", type=int, default=4, help="requests to a host that is busy; 4")
    add("--openverse-api", metavar="URL", help="another Openverse")
    add("--commons-api", metavar="URL", help="the api.php of another wiki")
    add = parser.add_argument_group("source google").add_argument
    add("--chromedriver", type=Path, help="found by itself if it is on the path")
    add("--color-type", help="e.g. full-color, transparent; as fits the kind")
    add("--size", help="e.g. large, medium, icon; medium")
    add("--google-page", metavar="URL", help="another page like its image search")
    add = parser.add_argument_group("source debian").add_argument
    add("--selection", type=Path, help="CSV of the files to take; our own")
    add("--cache", type=Path, help="folder of fetched packages")
    add("--packages", type=lambda text: text.split(","), help="only these, by commas")
    add = parser.add_argument_group("sources urls and local").add_argument
    add("--urls", type=Path, help="CSV of url, kind, licence, creator, title, page...")
    add("--folder", type=Path, help="folder of pictures")
    add("--licence", default="", help="of the pictures of --folder, e.g. CC0-1.0")
    add("--licence-url", default="", help="where that licence is stated")
    add("--creator", default="", help="of the pictures of --folder")
    return check_options(parser, parser.parse_args(arguments))


def check_options(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> argparse.Namespace:
    """Refuses options that cannot work and fills in what follows from others."""
    options.source = list(dict.fromkeys(options.source or ["openverse"]))
    options.licences = options.licences.lower().split(",")
    unknown = sorted(set(options.licences) - set(LICENCES))
    if unknown:
        parser.error(
            f"--licences: got {unknown[0]!r}; give some of {','.join(LICENCES)}"
        )
    for flag, value, least in (
        ("--limit", options.limit, 1),
        ("--min-side", options.min_side, 1),
        ("--largest-side", min(options.largest_side), max(options.min_side, 32)),
        ("--near", options.near, -1),
        ("--delay", options.delay, 0),
        ("--attempts", options.attempts, 1),
    ):
        if value is not None and not value >= least:
            parser.error(f"{flag}: got {value}; give {least} or more")
    if options.output.exists() and not options.output.is_dir():
        parser.error(f"--output: {options.output} is a file; name a folder")
    for name, needed in (
        ("urls", "urls"),
        ("local", "folder"),
        ("img2dataset", "folder"),
    ):
        if name in options.source and vars(options)[needed] is None:
            parser.error(f"--source {name}: needs --{needed}")
    asking = sorted(NEED_CONTACT & set(options.source)) if not options.reject else []
    words = options.contact.split()
    if asking and (len(words) != 1 or not ("@" in words[0] or "://" in words[0])):
        parser.error(
            f"--contact: got {options.contact!r}, but {asking[0]} is asked over the "
            "network; give the mail address or page under which you can be reached"
        )
    return options
