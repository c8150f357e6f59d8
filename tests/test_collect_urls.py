import pytest

from scripts.collect.candidate import SourceError
from scripts.collect.urls import UrlsSource


def test_a_table_of_addresses_is_read(tmp_path):
    path = tmp_path / "urls.csv"
    path.write_text(
        "\ufeffurl,kind,licence,creator,group,split,extra\n"
        "https://h/a.png,foreground,CC0-1.0,Jo,hair,heldout,?\n"
        "https://h/b.jpg, Backgrounds,CC-BY-4.0,,,,\n"
        "https://h/c.png,foreground,,,,elsewhere,\n",
        "utf-8",
    )
    source = UrlsSource(path)
    first, third = source.search("foreground", [], 99)
    assert (first.url, first.licence, first.creator) == (
        "https://h/a.png",
        "CC0-1.0",
        "Jo",
    )
    assert (first.group, first.split, first.fault) == ("hair", "heldout", "")
    assert (third.split, third.fault) == ("", "unknown split")
    assert [item.url for item in source.search("background", [], 9)] == [
        "https://h/b.jpg"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no rows"),
        (b"address,kind\nhttps://h/a,foreground\n", "row 1: got url ''"),
        (b"url,kind\nhttps://h/a,front\n", "kind 'front'; give an address"),
        (b"\xff\xfe\x00", "cannot read"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "urls.csv"
    path.write_bytes(text)
    with pytest.raises(SourceError, match=message):
        UrlsSource(path)


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="--urls: cannot read"):
        UrlsSource(tmp_path / "none.csv")
