"""The options of scripts/download.py: every one and its default stands here only."""

import argparse
from pathlib import Path

from scripts.help import add_verbosity

SOURCES = {  # loaded when chosen: each may need libraries of its own
    "openverse": ("scripts.collect.openverse", "OpenverseSource"),
    "commons": ("scripts.collect.commons", "CommonsSource"),
    "google": ("scripts.collect.google", "GoogleSource"),
    "debian": ("scripts.collect.debian", "DebianSource"),
    "urls": ("scripts.collect.urls", "UrlsSource"),
    "local": ("scripts.collect.local", "LocalSource"),
    "img2dataset": ("scripts.collect.img2dataset", "Img2datasetSource"),
}
SEARCHES = {"openverse", "commons", "google"}  # the others offer all that they have
NEED_CONTACT = {"openverse", "commons", "google", "urls"}
LIMIT = 500  # pictures of each kind from each search, unless --limit says otherwise
LICENCES = ("cc0", "pdm", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
EXAMPLES = """\
examples:
  python scripts/download.py --contact you@example.org \\
      --foregrounds "curly hair" "dandelion" "white cat" --backgrounds "forest" "street"
  python scripts/download.py --source local --folder PICTURES --output COLLECTION
  python scripts/download.py --source debian --packages kphotoalbum --output COLLECTION
"""
DOWNLOADS = Path(__file__).resolve().parents[1] / "downloads"


def parse_args(arguments: list[str] | None, description: str) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=description,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("what to collect").add_argument
    add(
        "--source",
        action="append",
        choices=SOURCES,
        help="repeatable (default: openverse)",
    )
    add(
        "--foregrounds",
        nargs="*",
        default=["portrait transparent background"],
        metavar="QUERY",
        help="searches for cut-outs; none at all: no cut-outs (default: %(default)s)",
    )
    add(
        "--backgrounds",
        nargs="*",
        default=["texture background"],
        metavar="QUERY",
        help="searches for backgrounds; none: no backgrounds (default: %(default)s)",
    )
    add(
        "--limit",
        type=int,
        help=f"pictures per kind and source (default: {LIMIT} of a search, else all)",
    )
    add(
        "--output",
        type=Path,
        default=DOWNLOADS,
        help="folder to fill (default: scripts/downloads)",
    )
    add("--reject", metavar="NUMBERS", help="of the sheets: 3,17,40-44; then end")
    add("--dry-run", action="store_true", help="only list what would be fetched")
    add_verbosity(parser, "tell what became of each candidate")
    add = parser.add_argument_group("what a picture must have").add_argument
    add(
        "--min-side",
        type=int,
        default=200,
        help="pixels of a cut-out's longer side, "
        "a background's shorter side (default: 200)",
    )
    add(
        "--largest-side",
        type=int,
        nargs=2,
        default=[1024, 1600],
        metavar=("CUTOUT", "BACKGROUND"),
        help="pixels of the longer side, to which others are scaled down "
        "(default: 1024 1600)",
    )
    add(
        "--near",
        type=int,
        default=4,
        help="bits of 64 by which near duplicates may differ; -1: off (default: 4)",
    )
    add(
        "--licences",
        default="cc0,pdm,by,by-sa",
        help="of searches (default: cc0,pdm,by,by-sa)",
    )
    add = parser.add_argument_group("network").add_argument
    add(
        "--contact",
        default="",
        help="your mail address or page, told to each host; needed where any is asked",
    )
    add(
        "--delay",
        type=float,
        default=1.0,
        help="seconds between requests to a host (default: 1)",
    )
    add(
        "--attempts",
        type=int,
        default=4,
        help="requests to a host that is busy (default: 4)",
    )
    add("--openverse-api", metavar="URL", help="another Openverse (default: its own)")
    add(
        "--commons-api", metavar="URL", help="another wiki's api.php (default: Commons)"
    )
    add = parser.add_argument_group("source google").add_argument
    add("--chromedriver", type=Path, help="its program (default: found by itself)")
    add("--color-type", help="e.g. full-color, transparent (default: as fits the kind)")
    add("--size", help="large, medium or icon (default: medium)")
    add(
        "--google-page",
        metavar="URL",
        help="another page like its image search (default: its own)",
    )
    add = parser.add_argument_group("source debian").add_argument
    add(
        "--selection",
        type=Path,
        help="CSV of the files to take (default: collect/debian.csv)",
    )
    add(
        "--cache",
        type=Path,
        help="folder of fetched packages (default: ~/.cache/debian-pictures)",
    )
    add(
        "--packages",
        type=lambda text: text.split(","),
        help="only these, by commas (default: all)",
    )
    add = parser.add_argument_group("sources urls, local and img2dataset").add_argument
    add("--urls", type=Path, help="CSV of url, kind, licence, creator, title, page...")
    add("--folder", type=Path, help="of pictures, or of img2dataset's output")
    add("--licence", default="", help="of --folder, e.g. CC0-1.0 (default: unknown)")
    add("--licence-url", default="", help="where it is stated (default: unknown)")
    add("--creator", default="", help="of --folder (default: unknown)")
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
    if options.dry_run and "google" in options.source:
        parser.error("--dry-run: google downloads what it lists; leave one of them out")
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
