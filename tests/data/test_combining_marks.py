"""Endless rows of accents."""

import pytest

from tests.cpu_time import cpu_time
from trainer.data.combining_marks import limit_marks
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.labels import normalize_label

ZALGO = "e" + "\u0301\u0316" * 50_000


@pytest.mark.parametrize("normalize", [normalize_label, normalize_text])
def test_a_letter_of_a_hundred_thousand_accents_takes_linear_time(normalize):
    with cpu_time() as spent:
        normalized = normalize(ZALGO)
    assert spent.seconds < 1
    assert normalized == normalize(normalized)


def test_texts_of_a_language_stay_as_they_are():
    for text in ("e\u0301a " * 500, "Việt Nam " * 200, "e" + "\u0301" * 40):
        assert limit_marks(text) == text
    assert limit_marks(ZALGO) == ZALGO[:31]
