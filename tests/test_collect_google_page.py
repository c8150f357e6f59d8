import pytest

from scripts.collect import google_page
from tests.search_server import record


def test_both_kinds_of_records_tell_page_and_title():
    old = '{"oh":9,"ou":"https://a.org/1","pt":"Old","ru":"https://a.org/o","tu":""}'
    source = old + record("http://b.org/2", "https://b.org/n", r"Two \u0026 \"more\"")
    assert google_page.list_pictures(source) == {
        "https://a.org/1": ("https://a.org/o", "Old"),
        "http://b.org/2": ("https://b.org/n", 'Two & "more"'),
    }


def test_an_address_that_cannot_be_read_is_listed_for_what_it_is():
    source = record("https://[bad/x.png", "https://b.org/", "One")
    assert list(google_page.list_pictures(source)) == ["https://[bad/x.png"]
    with pytest.raises(ValueError):
        google_page.repair_url("https://[bad/x.png")


def test_a_picture_never_gets_the_page_of_its_neighbour():
    source = record("https://b.org/1", "https://b.org/", "One") + (
        '["https://b.org/2",3,4],null' + record("https://b.org/3", "https://c.org", "C")
    )
    assert google_page.list_pictures(source)["https://b.org/2"] == ("", "")
