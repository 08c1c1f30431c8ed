"""Personal data in texts: what is promised to be found is found in 1,000 planted things of six countries, and hardly anything else is.

``personal/planted.jsonl`` was written by Faker 40.63.0 for Germany, the United States, Great Britain, France, Spain and Italy: nobody's data.
"""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.examples import corpus_of
from trainer.data.checks.repairs import apply_repairs, repair_text
from trainer.data.html_and_links import mask_links
from trainer.data.personal_data import find_personal, mask_personal

PLANTED = [
    json.loads(line) for line in Path(__file__).with_name("personal").joinpath("planted.jsonl").read_text(encoding="utf-8").splitlines()
]
CARRIERS = (
    "{}",
    "Please call {} today.",
    "My contact: {}, thanks",
    "I wrote to {} twice and nobody answered!",
    "({})",
    "He said that {} is right; 3 of 5 people agree.",
    "from 2019 to 2021 it was {}",
    "see {}\nfor more",
)
PROMISED = ("mail", "phone", "iban", "card", "link", "user")


def test_recall_and_precision_by_kind() -> None:
    planted, found, extra = Counter(), Counter(), Counter()
    for number, thing in enumerate(PLANTED):
        kind, value, carrier = thing["kind"], thing["value"], CARRIERS[number % len(CARRIERS)]
        text, start = carrier.format(value), carrier.index("{}")
        planted[kind] += 1
        if kind in ("link", "user"):
            found[kind] += mask_links(text) == carrier.format("http" if kind == "link" else "@user")
        for other in find_personal(text):
            # All of it, and of the text around it nothing.
            is_it = (
                other.kind == kind
                and other.start <= start
                and other.end >= start + len(value)
                and other.end - other.start <= len(value) + 1
            )
            found[kind] += is_it
            extra[other.kind] += not is_it and kind != other.kind
    recall = {kind: found[kind] / planted[kind] for kind in planted}
    precision = {kind: found[kind] / (found[kind] + extra[kind]) for kind in PROMISED}
    assert sum(planted.values()) == 1_000
    assert all(recall[kind] >= 0.95 for kind in PROMISED), recall
    assert all(precision[kind] >= 0.95 for kind in PROMISED), precision
    # Not promised, and said so: names of people and addresses of houses.
    assert recall["name"] == recall["address"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "on 12.05.2024 at 14:30, again 2024-05-12 14:30:59 and 12/05/2024",
        "the price is 1,234,567.89 EUR, $ 12 345 678, 2 000 - 3 000 €",
        "version 10.0.19041.1234 on 192.168.100.254",
        "ISBN 978-3-16-148410-0, order 123-4567890-1234567, tracking 1Z999AA10123456784",
        "coordinates 48.137154, 11.576124; score 3-2, 21-19, 15-17",
        "between 1990-2000, pages 100-105, 200-210, rooms 101 202 303",
        "timestamp 1700000000, id 123456789, sha 0123456789abcdef",
        "1 2 3 4 5 6 7 8 9 10, and 4 8 15 16 23 42",
        "8 336 817 people, 1 000 000 000 stars, 3.14159265358979",
        "foo@bar, x@ y, @5pm, a @ b.c",
        "GB82 WEST 1234 5698 7654 33 has a wrong checksum, 4111 1111 1111 1112 too",
        "number 1, 2, 3, 4, 5, 6, 7 of 2019, 2020",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert find_personal(text) == []
    assert mask_personal(text) == text


def test_what_is_masked_is_masked_in_words_and_the_rest_stays() -> None:
    text = "Mail anna.b+c@mail.example.co.uk or (030) 1234567, pay DE89 3704 0044 0532 0130 00 with 4111 1111 1111 1111; see https://a.b/c, @anna!"
    assert mask_personal(text) == "Mail email or phone, pay iban with card; see http, @user!"
    assert [found.kind for found in find_personal(text)] == ["mail", "phone", "iban", "card"]
    assert mask_personal("info (at) example.org, tel. 555 1234") == "email, tel. phone"


@pytest.mark.parametrize("written", ["anna(AT)mail.org", "ANNA [AT] MAIL.ORG", "anna(At)mail.org", "anna [at] mail.org"])
def test_an_address_is_masked_however_its_at_is_written(written: str) -> None:
    assert mask_personal(f"write to {written}") == "write to email"


@given(st.text(st.sampled_from("0123456789 +-()./@abzDE4"), max_size=60))
def test_masking_twice_changes_nothing_more_and_nothing_overlaps(text: str) -> None:
    found = find_personal(text)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert mask_personal(mask_personal(text)) == mask_personal(text)


def test_one_repair_masks_in_training_and_in_use() -> None:
    corpus = corpus_of(("call 0171 2345678 now", "joy"), ("so sad", "sadness"))
    repaired = apply_repairs(corpus, ["personal_data_in_texts"])
    assert repaired.corpus.texts == ("call phone now", "so sad")
    assert repaired.counts == {"personal_data_in_texts": 1}
    assert repair_text("call 0171 2345678 now", ("personal_data_in_texts",)) == "call phone now"


@pytest.mark.parametrize(
    "text",
    ["1" * 60, "1-" * 60 + "x", "(12345)" * 40, "1  " * 60, "+1 1  1 1  1" * 10, "tel 12 " * 40, "a." * 400 + "@", "DE12" + "A" * 400],
)
def test_what_is_nearly_a_number_of_some_kind_is_left_at_once(text: str) -> None:
    # With a pattern that divides digits in every possible way, this one never ends.
    assert find_personal(text * 3) == []
