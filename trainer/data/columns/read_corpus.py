"""The corpus in the columns of a table: one label in each cell, or several labels of a text in whatever form. Chooses no columns."""

from collections.abc import Mapping

from trainer.data.columns.guess import Columns
from trainer.data.columns.label_form import read_label_sets
from trainer.data.corpus import Corpus, build_corpus, join_repeated_texts
from trainer.data.files.table import Table


def read_corpus(table: Table, columns: Columns, class_names: Mapping[str, str], split_column: int | None = None) -> Corpus:
    """The texts and labels in these columns; ``class_names`` gives labels as written ("0") a name. Raises what ``build_corpus`` raises."""
    form = columns.label_form if columns.several else None
    corpus = build_corpus(
        table,
        text=columns.text,
        label=columns.label,
        extra_text_columns=columns.extra_text_columns,
        split_column=split_column,
        class_names=class_names,
        label_sets=None if form is None else read_label_sets(table, form),
    )
    return corpus if form is None or form.kind != "rows" else join_repeated_texts(corpus)
