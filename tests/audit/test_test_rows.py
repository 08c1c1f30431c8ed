import numpy as np

from tests.audit.examples import clean_rows, corpus_of
from trainer.audit.quick_check import quick_check


def test_the_labels_of_test_rows_change_no_judgement_of_other_rows():
    texts, labels = clean_rows(120)
    texts[119] = texts[0]
    learned = np.arange(120) < 90
    others = [label if kept else "fear" for label, kept in zip(labels, learned, strict=True)]
    one, other = (
        [suspect for suspect in quick_check(corpus_of(texts, given), learned=learned).ranked if suspect.row < 90]
        for given in (labels, others)
    )
    assert [(s.row, s.score, s.suggested) for s in one] == [(s.row, s.score, s.suggested) for s in other]
    assert [s.why for s in one] == [s.why for s in other]
