"""Texts that only stand for one that is missing."""

import pytest

from trainer.data.checks.placeholder_texts import is_placeholder


@pytest.mark.parametrize(
    "text", ["[removed]", "[Deleted]", "None", "NULL", "nan", "N/A", "-", "<Media omitted>", "This message was deleted"]
)
def test_placeholders(text):
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["none of these", "removed", "😀", "?", "ok", "no", "it was deleted by me", "nothing", ""])
def test_short_texts_are_texts(text):
    assert not is_placeholder(text)
