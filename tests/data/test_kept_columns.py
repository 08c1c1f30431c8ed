from trainer.data.corpus import build_corpus, join_corpora
from trainer.data.files.table import Table
from trainer.data.kept_columns import find_kept_columns

HEAD = ("text", "mood", "source", "id", "note", "constant")


def table_of(n: int) -> Table:
    rows = [(f"text {i}", "joy" if i % 2 else "fear", ("web", "phone", "")[i % 3], str(i), "x" if i < 3 else "", "same") for i in range(n)]
    return Table(HEAD, rows, list(range(n)), encoding="utf-8", encoding_guessed=False, delimiter=",", header=True, dropped=())


def test_columns_with_a_few_values_are_kept_row_by_row() -> None:
    table = table_of(60)
    corpus = build_corpus(table, text=0, label=1)
    kept = find_kept_columns(table, {0, 1}, corpus)
    assert list(kept) == ["source"]
    assert kept["source"] == tuple(("web", "phone", "")[i % 3] for i in corpus.source_rows.tolist())


def test_rows_of_another_file_have_no_value() -> None:
    table = table_of(30)
    corpus = build_corpus(table, text=0, label=1)
    joined = join_corpora(corpus, test=build_corpus(table_of(10), text=0, label=1))
    kept = find_kept_columns(table, {0, 1}, joined)["source"]
    assert [value for value, file in zip(kept, joined.files, strict=True) if file == "test"] == [""] * 10
