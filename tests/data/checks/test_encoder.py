"""Findings that depend on the encoder."""

import dataclasses

import numpy as np
import pytest

from tests.data.examples import corpus_of
from trainer.check import CheckResult, run_checks
from trainer.check import findings as with_message
from trainer.data.checks.encoder import (
    ENCODER_CHECKS,
    EncoderInfo,
    Estimate,
    Lengths,
    TextsAndEncoder,
    measure_lengths,
    suggested_length,
)

ENGLISH = EncoderInfo("small", frozenset({"en"}), 512, lambda texts: [len(text.split()) + 2 for text in texts])
GERMAN = [
    "Der Zug nach Hamburg fährt heute leider eine halbe Stunde später ab.",
    "Wir haben gestern Abend noch lange am Fenster gesessen und geredet.",
    "Kannst du mir bitte sagen, wann das Geschäft morgen öffnet?",
    "Die Kinder freuen sich schon seit Wochen auf die Ferien am Meer.",
]


def corpus(*texts: str):
    return corpus_of(*[(text, ("joy", "fear")[n % 2]) for n, text in enumerate(texts)])


def findings(texts, encoder=ENGLISH, max_length=128):
    made = corpus(*texts)
    checked = TextsAndEncoder(made, encoder, measure_lengths(made, encoder), max_length)
    return {f.code: f for f in with_message(run_checks(ENCODER_CHECKS, checked))}


def estimated(estimate: Estimate) -> CheckResult:
    made = corpus("a short text")
    checked = TextsAndEncoder(made, ENGLISH, measure_lengths(made, ENGLISH), 128, estimate=estimate)
    return run_checks(ENCODER_CHECKS, checked)[-1]


def test_texts_that_fit():
    assert findings(["a short text"] * 10)["texts_fit"].severity == "ok"


def test_texts_that_are_cut_and_the_length_that_would_do():
    texts = ["word " * 200] * 3 + ["a short text"] * 7
    cut = findings(texts)["texts_cut"]
    assert [e.line for e in cut.examples] == [2, 3, 4]
    assert (cut.severity, cut.count, cut.setting) == ("warning", 3, ("max_length", 208))
    assert "A maximum length of 208 would read 100.0 % of them whole" in cut.sentence
    beyond = findings(["word " * 900] * 10)["texts_cut"]
    assert beyond.setting == ("max_length", 512)
    assert findings(["word " * 900] * 10, max_length=512)["texts_cut"].setting is None


def test_a_few_long_texts_are_nothing_to_look_at():
    assert findings(["a short text"] * 199 + ["word " * 200])["texts_cut"].severity == "ok"


def test_a_large_corpus_is_sampled():
    lengths = measure_lengths(corpus(*["a short text"] * 5_000), ENGLISH)
    assert (len(lengths.tokens), lengths.step) == (1_667, 3)
    assert measure_lengths(corpus("a", "b"), EncoderInfo("none", None, 512, None)) is None


@pytest.mark.parametrize(("tokens", "length"), [([3, 4, 5], 32), ([40] * 99 + [300], 48), ([600] * 10, 512)])
def test_suggested_length(tokens, length):
    assert suggested_length(Lengths(np.array(tokens), 1), 512) == length


def test_a_language_that_the_encoder_does_not_know():
    unknown = findings(GERMAN * 10)["language_unknown"]
    assert unknown.severity == "warning"
    assert "German" in unknown.sentence
    assert "English only" in unknown.sentence
    assert set(findings(GERMAN * 10, EncoderInfo("many", None, 512, ENGLISH.count_tokens))) == {"texts_fit"}
    known = findings(
        ["I have not been so happy about a letter in a very long time.", "She was afraid of the dark road behind the house."] * 20
    )
    assert known["language_known"].severity == "ok"


def test_several_languages_and_other_scripts():
    english = ["I have not been so happy about a letter in a very long time.", "She was afraid of the dark road behind the house."] * 10
    mixed = findings([*english, *GERMAN * 3])["language_unknown"]
    assert mixed.sentence.startswith("Only about 6")
    assert 10 <= mixed.count <= 14
    assert "script (Cyrillic)" in findings(["я", "ы"] * 4)["language_unknown"].sentence


def test_the_estimate_in_words():
    assert estimated(Estimate(47, 1_500, 8_000, "2 CPU cores")).sentence == (
        "A training will take about 50 s and 1.5 GB of memory on this machine (2 CPU cores)."
    )
    assert "about 7 min" in estimated(Estimate(410, 1_500, 8_000, "2 CPU cores")).sentence
    assert estimated(Estimate(5_000, 1_500, 8_000, "x")).severity == "warning"
    assert "Only 1.0 GB are free" in estimated(Estimate(60, 1_500, 1_024, "x")).sentence


def readable_ascii(characters):
    return [c for c in characters if c not in "éñ’…"]


def test_signs_that_become_the_unknown_token_are_told_with_their_number_and_rows():
    encoder = dataclasses.replace(ENGLISH, unknown_characters=readable_ascii)
    texts = ["plain text", "café … ok", "I ❤️ it", "😂😂 so good", "so 😂, and ❤"]
    unknown = findings(texts, encoder)["unknown_signs"]
    assert (unknown.severity, unknown.count) == ("warning", 3)
    assert [e.line for e in unknown.examples] == [4, 5, 6]
    assert "3 texts hold signs that small cannot read (60.0 %), such as ❤ 😂." in unknown.message


def test_no_word_of_signs_where_all_can_be_read():
    assert "unknown_signs" not in findings(["café … ok"], dataclasses.replace(ENGLISH, unknown_characters=readable_ascii))
    assert "unknown_signs" not in findings(["I ❤ it"], dataclasses.replace(ENGLISH, unknown_characters=lambda characters: []))
    assert "unknown_signs" not in findings(["I ❤ it"])


def test_signs_that_a_training_adds_are_no_warning():
    encoder = dataclasses.replace(ENGLISH, unknown_characters=readable_ascii, added_tokens=lambda texts: ("😂",))
    texts = ["so 😂"] * 3 + ["plain text"] * 4
    told = findings(texts, encoder)["unknown_signs"]
    assert (told.severity, told.count) == ("info", 3)
    assert "a token of its own" in told.advice
    made = corpus(*texts)
    off = run_checks(ENCODER_CHECKS, TextsAndEncoder(made, encoder, measure_lengths(made, encoder), 128, adds_tokens=False))[0]
    assert off.severity == "warning"
    assert "“Emoji and symbols” is off" in off.advice


def test_letters_of_another_script_stay_a_warning():
    encoder = dataclasses.replace(ENGLISH, unknown_characters=readable_ascii, added_tokens=lambda texts: ("😂",))
    told = findings(["so 😂"] * 3 + ["ይህ 😂"], encoder)["unknown_signs"]
    assert (told.severity, told.count) == ("warning", 4)
    assert "1 frequent sign becomes a token, but no letters do" in told.advice
    assert "😂 ህ ይ" in told.message


def test_controls_and_marks_that_nobody_sees_are_no_signs():
    encoder = dataclasses.replace(ENGLISH, unknown_characters=list)
    assert "unknown_signs" not in findings(["a\u200db \ufe0f\u00a0c", "e\u0301"], encoder)


def test_the_frame_of_a_key_is_a_sign():
    encoder = dataclasses.replace(ENGLISH, unknown_characters=lambda characters: [c for c in characters if c == "\u20e3"])
    assert findings(["take 1\ufe0f\u20e3 now"], encoder)["unknown_signs"].count == 1


def test_many_signs_are_shown_by_how_often_they_occur():
    signs = [chr(0x1F600 + n) for n in range(20)]
    texts = [f"text {sign * 3}" for sign in signs] + [f"more {signs[7]}"]
    message = findings(texts, dataclasses.replace(ENGLISH, unknown_characters=list))["unknown_signs"].message
    assert f"such as {signs[7]} {signs[0]} " in message
    assert sum(sign in message for sign in signs) == 12


def test_languages_that_are_mixed_row_by_row_are_named():
    sentences = (
        "Il treno è arrivato di nuovo in ritardo e nessuno ha detto niente",
        "Der Zug kam wieder zu spät und niemand sagte etwas dazu",
        "Le repas était délicieux et le service rapide aussi",
        "La comida estaba fría y nadie nos dijo nada al respecto",
    )
    by_code = findings([sentences[n % 4] for n in range(80)])
    message = by_code["language_unknown"].message
    assert all(name in message for name in ("Italian", "German", "French", "Spanish", "several languages"))
