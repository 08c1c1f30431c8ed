"""Findings about texts."""

from tests.data.examples import corpus_of
from trainer.check import findings as with_message
from trainer.check import found, run_checks
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.texts import TEXT_CHECKS
from trainer.data.columns.guess import Columns
from trainer.data.corpus import build_corpus
from trainer.data.files.table import Table

WORDS = "river stone cloud paper window garden silver copper lemon winter harbour engine mirror candle forest pocket".split()


def findings(rows, columns=("text", "label"), extra_text_columns=()):
    table = Table(columns, [tuple(row) for row in rows], list(range(2, len(rows) + 2)), "utf-8", False, ",", True, ())
    chosen = Columns(0, 1, "", "", confident=True, extra_text_columns=extra_text_columns)
    corpus = build_corpus(table, text=0, label=1, extra_text_columns=extra_text_columns)
    return {finding.code: finding for finding in with_message(run_checks(TEXT_CHECKS, CheckedFile(table, chosen, corpus)))}


def rows_of(text: str, n_rows: int = 60, **extra_column):
    return [
        (
            text.format(a=WORDS[n % 16], b=WORDS[n % 13], label=("joy", "fear")[n % 2], n=n),
            ("joy", "fear")[n % 2],
            *(f(n) for f in extra_column.values()),
        )
        for n in range(n_rows)
    ]


def test_plain_texts_have_no_findings():
    assert findings(rows_of("the {a} lies by the {b}")) == {}


def test_html_codes():
    finding = findings([*rows_of("the {a} lies by the {b}"), ("salt &amp; pepper", "joy"), ("one<br>two", "joy")])["html_in_texts"]
    assert (finding.count, finding.repairable, [e.line for e in finding.examples]) == (2, True, [62, 63])


def test_words_that_stand_for_marks():
    finding = findings([*rows_of("the {a} lies by the {b}"), ("well_comma_ yes", "joy"), ("-LRB- no -RRB-", "joy")])["stand_ins_in_texts"]
    assert (finding.count, finding.repairable, [e.line for e in finding.examples]) == (2, True, [62, 63])


def test_links_and_names():
    finding = findings([*rows_of("the {a} lies by the {b}"), ("see https://a.b", "joy"), ("hi @anna", "joy")])["links_in_texts"]
    assert (finding.count, finding.repairable) == (2, True)


def test_a_first_or_last_word_that_gives_the_label_away():
    assert "first word" in findings(rows_of("[{label}] the {a} by the {b}"))["label_leak"].sentence
    assert "last word" in findings(rows_of("the {a} by the {b} #{label}"))["label_leak"].sentence


def test_a_label_that_stands_in_its_texts():
    finding = findings(rows_of("the {a}, full of {label}, lies by the {b}"))["label_leak"]
    assert (finding.severity, finding.count) == ("warning", 60)
    assert "name their own label" in finding.sentence


def test_a_word_that_some_texts_share_is_no_leak():
    mixed = [(f"{WORDS[n % 16]} and joy or fear {n}", ("joy", "fear")[n % 2]) for n in range(60)]
    assert findings(mixed) == {}
    unbalanced = [(f"i like {WORDS[n % 16]} {n}", "fear" if n % 30 == 0 else "joy") for n in range(90)]
    assert findings(unbalanced) == {}


def test_a_joined_column_that_gives_the_label_away():
    rows = rows_of("the {a} lies by the {b}", code=lambda n: ("J1", "F1", "J2", "F2")[n % 4])
    finding = findings(rows, columns=("text", "label", "code"), extra_text_columns=(2,))["label_leak"]
    assert finding.severity == "error"
    assert "“code”" in finding.sentence
    harmless = rows_of("the {a} lies by the {b}", place=lambda n: WORDS[n % 5])
    assert findings(harmless, columns=("text", "label", "place"), extra_text_columns=(2,)) == {}


def test_given_test_rows_play_no_part_in_what_gives_the_label_away():
    plain = [(text, label, "train") for text, label in rows_of("the {a} lies by the {b}")]
    leaking = [(text, label, "test") for text, label in rows_of("[{label}] the {a} by the {b}", 600)]
    table = Table(("text", "label"), [], [], "utf-8", False, ",", True, ())
    columns = Columns(0, 1, "", "", confident=True, extra_text_columns=())
    assert found(run_checks(TEXT_CHECKS, CheckedFile(table, columns, corpus_of(*plain, *leaking)))) == ()
    turned = [(text, label, {"train": "test", "test": "train"}[part]) for text, label, part in plain + leaking]
    results = run_checks(TEXT_CHECKS, CheckedFile(table, columns, corpus_of(*turned)))
    assert [finding.code for finding in found(results)] == ["label_leak"]


def test_placeholders_for_texts_are_told_with_a_repair():
    rows = rows_of("the {a} was beside the {b} number {n}")
    rows[3], rows[10] = ("[removed]", "joy"), ("None", "fear")
    finding = findings(rows)["placeholder_texts"]
    assert (finding.severity, finding.count, finding.repairable) == ("warning", 2, True)
    assert finding.message == "2 texts are only placeholders for a missing one, such as “[removed]”, “None”."


def test_personal_data_is_told_with_what_is_not_covered():
    rows = [
        *rows_of("the {a} lies by the {b}"),
        ("call 0171 2345678 or mail anna@b.org", "joy"),
        ("to ben@b.org", "joy"),
        ("hi @anna", "joy"),
    ]
    finding = findings(rows)["personal_data_in_texts"]
    assert (finding.count, finding.repairable, finding.severity) == (2, True, "warning")
    assert finding.message == "2 texts hold personal data: 2 mail addresses, 1 phone number."
    assert "Names of people" in finding.advice
