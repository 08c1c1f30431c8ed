"""Words marked by their influence: the text is whole, the signs differ by more than colour, and texts stay texts."""

import re

import numpy as np
import pytest

from tests.ui.test_html_pieces import Read, assert_only_text
from trainer.data.words import find_words
from trainer.explanation import Explanation
from trainer.training.attributions import Attribution, WordAttribution
from trainer.training.predictor import Prediction
from trainer.ui import words_view

EVIL = "<img src=x onerror=alert(1)>"


def explained(text: str, values: list[float | None], names: tuple[str, ...] = ("joy", "fear"), label: str = "joy") -> Explanation:
    """``values``: of each word, None for one that was not read."""
    words = [
        WordAttribution(start, end, value or 0.0, value is not None) for (start, end), value in zip(find_words(text), values, strict=True)
    ]
    probabilities = np.linspace(2, 1, len(names), dtype=np.float32) / np.linspace(2, 1, len(names)).sum()
    return Explanation(names, Prediction(text, False, probabilities, 5, 5, False), label, Attribution(text, tuple(words), -0.1, -1.0))


def choice(explanation: Explanation) -> str:
    probabilities = explanation.prediction.probabilities.tolist()
    return words_view.class_choice_html(
        explanation.label_names, probabilities, explanation.label, lambda i: f'data-code="{i}"', 'data-action="class"'
    )


def classes(html: str) -> dict[str, str]:
    """The mark of each marked word of the text."""
    return {word: css for css, word in re.findall(r'<span class="([^"]+)"[^>]*>([^<]*)</span>', html.partition("</p>")[0])}


def test_signs_and_strengths() -> None:
    html = words_view.words_html(explained("so happy and lonely but fine tail", [0.02, 1.0, -0.2, -0.7, 0.36, -0.01, None]))
    assert classes(html) == {
        "happy": "em-for em-w3",
        "and": "em-against em-w1",
        "lonely": "em-against em-w3",
        "but": "em-for em-w2",
        "tail": "em-unread",
    }
    read = Read(html).text
    assert "so happy and lonely but fine tail" in read
    assert "underlined speaks for joy, dashed against it. 1 word at the end was not read." in read
    assert "Most for it: “happy”, “but”. Most against it: “lonely”, “and”." in read


def test_a_sign_is_no_word_to_name_and_without_influence_nothing_is_marked() -> None:
    assert "Most for it: “well”." in Read(words_view.words_html(explained("well !!!", [0.5, 1.0]))).text
    html = words_view.words_html(explained("well then", [0.0, 0.0]))
    assert classes(html) == {}
    assert "Most" not in Read(html).text


def test_texts_and_labels_stay_texts() -> None:
    text = f"good {EVIL}"
    explanation = explained(text, [1.0] * len(find_words(text)), names=(EVIL, "fear"), label=EVIL)
    html = words_view.words_html(explanation) + choice(explanation)
    assert_only_text(html, EVIL)


@pytest.mark.parametrize(("n", "bars", "options"), [(2, 2, 0), (8, 8, 0), (150, 8, 142)])
def test_every_class_can_be_chosen(n: int, bars: int, options: int) -> None:
    names = tuple(f"class {i}" for i in range(n))
    explanation = explained("well", [1.0], names=names, label=names[-1])
    html = choice(explanation)
    assert html.count("<button") == bars
    assert html.count("<option") == (options + 1 if options else 0)
    assert html.count('aria-pressed="true"') + html.count(" selected") == 1
    assert set(re.findall(r'(?:data-code|option value)="(\d+)"', html)) == {str(i) for i in range(n)}
