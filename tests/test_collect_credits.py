"""scripts/collect/credits.py: whom a collection owes thanks."""

from scripts.collect import credits, rows
from tests.collected import candidate, picture_row


def test_credits_name_author_licence_and_origin_and_warn_where_they_lack():
    told = {"title": "A *cat*", "creator": "Jo [x]", "licence": "CC-BY-4.0"}
    told |= {"licence_url": "https://l/", "page": "https://p/"}
    known = picture_row(candidate(**told), b"1", path="foregrounds/cat.webp")
    unknown = picture_row(candidate("https://h/b.jpg"), b"2", path="foregrounds/b.webp")
    refused = {**rows.describe(candidate("https://h/no")), "status": "no alpha"}
    text = credits.credit([known, unknown, refused])
    assert "| CC-BY-4.0 | 1 |" in text
    assert "| unknown: ask before you pass it on | 1 |" in text
    assert (
        "- `foregrounds/cat.webp`: “A \\*cat\\*” by Jo \\[x\\]. "
        "CC-BY-4.0 (https://l/). From https://p/." in text
    )
    assert "From https://h/b.jpg." in text
    assert "https://h/no" not in text
