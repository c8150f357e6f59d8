"""Reads what a result page of Google Images says about its pictures.

The page's script holds a record for each picture; in the order of the page:

    ["https://host/picture.png",HEIGHT,WIDTH],...,"2003":[null,"ID","PAGE","TITLE",...

or, as until 2020, `"ou":"PICTURE",...,"pt":"TITLE",...,"ru":"PAGE"`. A record of the
first kind for the thumbnail goes before that of the picture.
"""

import itertools
import json
import re
from urllib.parse import urldefrag, urlsplit

import requests

PICTURE = re.compile(
    r'\["(https?://[^"]+)"\s*,\s*\d+\s*,\s*\d+\s*\]|"ou"\s*:\s*"(https?://[^"]+)"'
)
STRING = r'"((?:[^"\\]|\\.)*)"'
ORIGIN = re.compile(rf'"2003"\s*:\s*\[null\s*,\s*"[^"]*"\s*,\s*{STRING}\s*,\s*{STRING}')
OLD_PAGE = re.compile(rf'"ru"\s*:\s*{STRING}')
OLD_TITLE = re.compile(rf'"pt"\s*:\s*{STRING}')
RECORD = 4000  # characters after its address that a picture's record may take
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
ERROR = re.compile(r'"errorCode":"(ERR_\w+)"')  # of Chrome's own pages
OBSTACLES = {  # what a page without pictures says: what it is
    "/sorry/": "a captcha",
    "g-recaptcha": "a captcha",
    "unusual traffic": "a captcha",
    "consent.google": "a question for consent to cookies",
    "before you continue": "a question for consent to cookies",
    "enablejs": "a page that wants another browser",
}


def list_pictures(source: str) -> dict[str, tuple[str, str]]:
    """Lists the pictures of a result page in its order.

    Args:
        source: The page as the browser has it.

    Returns:
        Page and title, "" if not told, by the address of the picture as it is written
        in the source; `repair_url` makes one of it that can be fetched.

    >>> list_pictures('["https://a.org/B",9,9],0,{"2003":[null,"1","https://a.org","A"]}')
    {'https://a.org/B': ('https://a.org', 'A')}
    """
    found = {}
    matches = [match for match in PICTURE.finditer(source) if not is_thumbnail(match)]
    for match, following in itertools.zip_longest(matches, matches[1:]):
        end = following.start() if following else len(source)
        record = source[match.end() : min(end, match.end() + RECORD)]
        found.setdefault(match[1] or match[2], find_origin(record))
    return found


def is_thumbnail(match: re.Match) -> bool:
    """Tells Google's own small copies from pictures."""
    try:
        host = urlsplit(match[1] or match[2]).netloc
    except ValueError:  # for repair_url to refuse
        return False
    return host == "gstatic.com" or host.endswith(".gstatic.com")


def find_origin(record: str) -> tuple[str, str]:
    r"""Finds page and title in the rest of a picture's record.

    >>> find_origin(',"oh":9,"pt":"A \u0026 B","ru":"https://a.org/"')
    ('https://a.org/', 'A & B')
    """
    match = ORIGIN.search(record)
    if match:
        return unescape(match[1]), unescape(match[2])
    texts = [pattern.search(record) for pattern in (OLD_PAGE, OLD_TITLE)]
    page, title = (unescape(match[1]) if match else "" for match in texts)
    return page, title


def unescape(text: str) -> str:
    """Undoes the escapes of a JSON string, on one line; leaves others as they are."""
    try:
        text = json.loads(f'"{text}"', strict=False)
    except ValueError:
        pass
    return " ".join(text.split())


def repair_url(written: str) -> str:
    r"""Makes an address that can be asked for of one in a page's script.

    Raises:
        ValueError: If that cannot be done.

    >>> repair_url(r"https://a.org/two words.png?w\u003d9#top")
    'https://a.org/two%20words.png?w=9'
    """
    plain = ESCAPE.sub(lambda match: chr(int(match[1], 16)), written)
    prepared = requests.Request("GET", urldefrag(plain).url).prepare().url
    if urlsplit(prepared).port == 0:  # raises ValueError itself if it is no number
        raise ValueError(f"no port 0: {prepared}")
    return prepared


def find_obstacle(source: str) -> str:
    """Says what a page without pictures is: a captcha, ...; "" if not known.

    >>> find_obstacle('<form action="https://consent.google.com/save">')
    'a question for consent to cookies'
    """
    error = ERROR.search(source)
    if error:
        return f"the error {error[1]}"
    text = source.lower()
    return next((what for sign, what in OBSTACLES.items() if sign in text), "")
