"""Decided labels of texts that may have several, in every form of a file: the corrected file says them, and nothing else has changed in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.columns.test_label_form import EVIDENCE, FORMS_WITH_EMPTY, FORMS_WITHOUT_EMPTY, rows_of
from tests.property_examples import examples
from tests.readers import InProcessReader
from trainer.audit.corrected_edits import label_edits
from trainer.data.columns.guess import guess_columns
from trainer.data.columns.label_form import read_label_sets
from trainer.data.columns.read_corpus import read_corpus
from trainer.data.files.read_table import read_table
from trainer.data.reader.file_reader import rewrite_in_turn

NO_WAY_TO_SAY_NONE = ("numbered columns", "fastText")
FORMS = FORMS_WITHOUT_EMPTY | FORMS_WITH_EMPTY
_orders = st.permutations(range(4))
_decided = st.dictionaries(
    st.integers(len(EVIDENCE), 2 * len(EVIDENCE) - 1),
    st.none() | _orders.flatmap(lambda order: st.integers(0, 3).map(lambda n: tuple(order[:n]))),
    max_size=6,
)
"""By row: the numbers of its labels, or None to leave it out. What the file is recognised by stays as it is."""


@pytest.mark.parametrize("form", FORMS)
@examples(3)
@given(decided=_decided)
def test_a_corrected_file_has_what_was_decided_and_is_else_the_same(form: str, decided: dict[int, tuple[int, ...] | None]) -> None:
    names, write = FORMS[form]
    content = write(rows_of(names, [], last=(0,)))
    table = read_table(content)
    columns = guess_columns(table)
    written = dict(zip(names, map(str, range(4)), strict=True)) if form == "GoEmotions" else {}
    corpus = read_corpus(table, columns, {})
    targets = {row: None if ids is None else tuple(written.get(names[n], names[n]) for n in ids) for row, ids in decided.items()}
    if form in NO_WAY_TO_SAY_NONE:
        targets = {row: labels for row, labels in targets.items() if labels != ()}
    edits, _ = label_edits(table, columns, corpus, {row: labels and corpus.task.written(labels) for row, labels in targets.items()})
    again = read_table(rewrite_in_turn(InProcessReader(), content, edits).data)
    kept = [row for row in range(len(table.rows)) if targets.get(row, ()) is not None]
    sets = read_label_sets(table, columns.label_form)
    expected = [frozenset(targets.get(row, sets[row])) for row in kept]
    assert [frozenset(labels) for labels in read_label_sets(again, guess_columns(again, task="several").label_form)] == expected
    places = columns.label_form.columns
    for row, cells in zip(kept, again.rows, strict=True):
        before = table.rows[row]
        assert [cell for place, cell in enumerate(cells) if place not in places] == [
            cell for place, cell in enumerate(before) if place not in places
        ]
        assert row in targets or cells == before
