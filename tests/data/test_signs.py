"""Signs: emoji and symbols as a reader sees them."""

import pytest

from trainer.data.signs import count_signs, find_signs, parts_of, takes_a_skin_tone, words_of

JOINED = "👨🏽‍❤️‍💋‍👨🏽"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "sign", ["😂", "❤️", "❤", "👍🏽", "👨‍👩‍👧", JOINED, "🇩🇪", ENGLAND, "1️⃣", "#️⃣", "🤷‍♀️", "™", "…", "½", "。", "\U0001fa77", "\U0001fae9"]
)
def test_one_sign_is_found_whole(sign: str) -> None:
    assert find_signs(f"so{sign}good {sign}{sign}") == [sign] * 3


def test_letters_digits_ascii_and_lone_marks_are_no_signs() -> None:
    assert not find_signs("plain text! 1 + 1 = 2 :-)")
    assert not find_signs("Łódź é e\u0301 пожар 中文 ٣ a\u200db \ufe0f\u00a0c ツ")


def test_flags_side_by_side_are_two() -> None:
    assert find_signs("🇩🇪🇫🇷") == ["🇩🇪", "🇫🇷"]


def test_a_hundred_thousand_marks_on_a_sign_take_no_time() -> None:
    assert [len(sign) for sign in find_signs("❤" + "\u0301" * 100_000)] == [9]
    assert len(find_signs("❤\u200d" * 50_000)) > 1_000


def test_a_sign_counts_once_a_text() -> None:
    assert count_signs(["😂😂 ❤", "😂", "plain"]) == {"😂": 2, "❤": 1}


def test_parts_and_their_names() -> None:
    assert parts_of("🤷🏿‍♀️") == ("🤷", "🏿", "♀")
    assert parts_of("1️⃣") == ("1", "\u20e3")
    assert words_of("😂") == "face tears joy"
    assert words_of("❤️") == "heart"
    assert words_of("👍🏽") == "thumbs up brown skin"
    assert words_of("👨‍👩‍👧") == "man woman girl"
    assert words_of("1️⃣") == "digit one"
    # What Python's Unicode does not name yet.
    assert words_of("\U0001fae9") == "symbol"
    assert takes_a_skin_tone("👍")
    assert not takes_a_skin_tone("😂")
