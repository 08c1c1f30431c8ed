"""Words with their places in a text."""

import pytest

from trainer.data.words import find_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic, it's 3.14!!!", ["Don't", "panic", ",", "it's", "3.14", "!!!"]),
        ("@user so #happy ... 😂😂 👍🏽ok", ["@user", "so", "#happy", "...", "😂😂", "👍🏽", "ok"]),
        ("我很高兴", ["我", "很", "高", "兴"]),
        ("  a\n\tb ", ["a", "b"]),
        ("?! e\u0301t\u00e9", ["?", "!", "e\u0301t\u00e9"]),
        ("# 1 @ x", ["#", "1", "@", "x"]),
        ("", []),
        (" \n", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in find_words(text)] == words


def test_no_visible_character_is_left_out() -> None:
    text = "Łódź — “so” 👨‍👩‍👧! a\u200bb ___ ##x @@y"
    covered = {place for start, end in find_words(text) for place in range(start, end)}
    assert {place for place, character in enumerate(text) if not character.isspace()} <= covered
