"""A log of decisions is applied to a newer file by the text of its rows; what does not fit is told."""

import pytest

from tests.audit.test_apply_decisions import decisions_of
from tests.data.examples import corpus_of
from trainer.audit.change_log import decisions_csv
from trainer.audit.decisions import Decision
from trainer.audit.logged_changes import ChangeLog, LoggedChange, apply_change_log, read_change_log
from trainer.data.files.read_table import read_table
from trainer.errors import FileError

DECISIONS = decisions_of(
    Decision(0, "relabel", "joy", "love", reason="9 of 10", text="a kiss, and more"),
    Decision(1, "keep", "fear", "fear", text="a ghost at night"),
    Decision(2, "drop", "joy", "", text="buy now"),
    Decision(3, "relabel", "joy", "fear", text='she said "boo"\nand left'),
    renamed={"joyy": "joy"},
)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_is_written_can_be_applied(delimiter: str) -> None:
    written = decisions_csv(DECISIONS, label_column="label")
    if delimiter == ";":
        table = read_table(written, header=True)
        written = "\r\n".join(
            delimiter.join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row) for row in (table.columns, *table.rows)
        ).encode("utf-8-sig")
    log = read_change_log(read_table(written, header=True))
    assert [(change.text, change.before, change.after) for change in log.changes] == [
        ("a kiss, and more", "joy", "love"),
        ("buy now", "joy", None),
        ('she said "boo"\nand left', "joy", "fear"),
    ]
    assert log.renamed == {"joyy": "joy"}
    # The newer file has the rows in another order, and further ones.
    corpus = corpus_of(
        ("new", "fear"), ('she said "boo"\nand left', "joy"), ("buy now", "joyy"), ("also new", "joyy"), ("a kiss, and more", "joyy")
    )
    applied = apply_change_log(log, corpus)
    assert applied.targets == {1: "fear", 2: None, 3: "joy", 4: "love"}
    assert (applied.n_applied, applied.n_already, any(applied.left.values())) == (3, 0, False)


def test_classes_that_swapped_names_are_applied_to_the_right_rows() -> None:
    decisions = decisions_of(Decision(0, "relabel", "joy", "anger", text="a"), renamed={"joy": "fear", "fear": "joy"})
    log = read_change_log(read_table(decisions_csv(decisions, label_column="label"), header=True))
    applied = apply_change_log(log, corpus_of(("a", "joy"), ("b", "fear")))
    assert applied.targets == {0: "anger", 1: "joy"}
    assert applied.n_applied == 1


def test_a_text_that_a_spreadsheet_would_run_is_escaped_and_found_again() -> None:
    decisions = decisions_of(Decision(0, "relabel", "joy", "fear", text='=HYPERLINK("x")'), Decision(1, "drop", "joy", "", text="@you -1"))
    written = decisions_csv(decisions, label_column="=label")
    assert written.startswith(b"\xef\xbb\xbf")
    assert b"\"'=HYPERLINK(" in written
    assert b",'=label," in written
    corpus = corpus_of(('=HYPERLINK("x")', "joy"), ("@you -1", "joy"), ("c", "fear"))
    assert apply_change_log(read_change_log(read_table(written, header=True)), corpus).targets == {0: "fear", 1: None}


def change(text: str, before: str, after: str | None) -> LoggedChange:
    return LoggedChange(text, before, after, 2)


def test_what_does_not_fit_is_told_and_not_applied() -> None:
    corpus = corpus_of(
        ("twice", "joy"),
        ("twice", "joy"),
        ("both", "joy"),
        ("both", "joy"),
        ("other", "fear"),
        ("done", "love"),
        ("mixed", "joy"),
        ("mixed", "joy"),
    )
    changes = [
        change("twice", "joy", "love"),
        change("both", "joy", "love"),
        change("both", "joy", "love"),
        change("gone", "joy", "love"),
        change("gone too", "joy", None),
        change("other", "joy", "love"),
        change("done", "joy", "love"),
        change("mixed", "joy", "love"),
        change("mixed", "joy", None),
    ]
    applied = apply_change_log(ChangeLog(tuple(changes), {}), corpus)
    assert applied.targets == {2: "love", 3: "love"}
    assert (applied.n_applied, applied.n_already) == (2, 2)
    assert {outcome: [c.text for c in left] for outcome, left in applied.left.items()} == {
        "missing": ["gone"],
        "ambiguous": ["twice", "mixed", "mixed"],
        "other label": ["other"],
    }
    assert applied.sentences() == [
        "2 changes of the log applied.",
        "In the file already: 2 changes.",
        "Not applied, because the file does not have the text: 1 change (“gone”).",
        "Not applied, because several rows have the text, of which only some were changed: 3 changes (“twice”, “mixed”, “mixed”).",
        "Not applied, because the row has another label now than it had then: 1 change (“other”).",
    ]


def test_another_table_is_no_log() -> None:
    with pytest.raises(FileError, match="no log of decisions: it has no column “before”") as refusal:
        read_change_log(read_table(b"text,label\na b c,joy\nd e f,fear\n"))
    assert refusal.value.code == "not_a_log"
