"""A zip of several files: folders of texts, the files of a split, several tables of which one is chosen."""

import io
import json
import zipfile

import pyarrow as pa
import pytest

from tests.data.files.samples import make_zip
from trainer.data.columns.guess import guess_columns, guess_split_column
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Part
from trainer.errors import UserError

LABELS = ["good", "bad"]
TEXTS = [f"this is text number {n} of them" for n in range(12)]
ROWS = [(text, LABELS[n % 2]) for n, text in enumerate(TEXTS)]


def csv_of(rows, header="text,label"):
    return "\n".join([header, *map(",".join, rows)]).encode()


def arrow_of(rows):
    metadata = {"huggingface": json.dumps({"info": {"features": {"label": {"names": LABELS}}}})}
    table = pa.table({"text": [text for text, _ in rows], "label": [LABELS.index(label) for _, label in rows]}).replace_schema_metadata(
        metadata
    )
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def test_the_folder_of_a_text_is_its_label():
    files = {f"reviews/{label}/{n:03}.txt": f"{text}\r\nand a second line\n".encode() for n, (text, label) in enumerate(ROWS)}
    table = read_table(make_zip(files | {"reviews/README.md": b"about it", "reviews/.DS_Store": b"x"}))
    assert table.columns == ("text", "label", "file")
    assert table.rows == [(f"{text}\nand a second line", label, f"reviews/{label}/{n:03}.txt") for n, (text, label) in enumerate(ROWS)]
    assert [warning.code for warning in table.warnings] == ["folders_read"]
    columns = guess_columns(table)
    assert (columns.text, columns.label) == (0, 1)


def test_folders_as_some_programs_for_windows_write_them():
    table = read_table(make_zip({f"all\\{label}\\{n}.txt": text for n, (text, label) in enumerate(ROWS)}))
    assert sorted(row[:2] for row in table.rows) == sorted(ROWS)


def test_folders_of_a_split_are_the_published_split():
    files = {f"set/{'train' if n < 8 else 'test'}/{label}/{n}.txt": text.encode() for n, (text, label) in enumerate(ROWS)}
    table = read_table(make_zip(files))
    split = guess_split_column(table)
    assert [row[split] for row in table.rows] == ["train"] * 8 + ["test"] * 4
    assert [row[:2] for row in table.rows] == ROWS


def test_letters_of_an_older_encoding_are_a_guess():
    files = {f"{label}/{n}.txt": f"café {text}".encode("cp1252") for n, (text, label) in enumerate(ROWS)}
    table = read_table(make_zip(files))
    assert (table.rows[0][0], table.encoding, table.encoding_guessed) == (f"café {TEXTS[0]}", "cp1252", True)


@pytest.mark.parametrize(
    "files",
    [
        {"train.csv": csv_of(ROWS[:8]), "test.csv": csv_of(ROWS[8:])},
        {"data/emo_train.tsv": csv_of(ROWS[:8]).replace(b",", b"\t"), "data/emo_test.tsv": csv_of(ROWS[8:]).replace(b",", b"\t")},
        {"train/a.csv": csv_of(ROWS[:8]), "test/a.csv": csv_of(ROWS[8:]), "README.txt": b"about it"},
        {
            "ds/dataset_dict.json": b'{"splits": ["train", "test"]}',
            "ds/train/data-00000-of-00002.arrow": arrow_of(ROWS[:4]),
            "ds/train/data-00001-of-00002.arrow": arrow_of(ROWS[4:8]),
            "ds/train/dataset_info.json": b"{}",
            "ds/train/state.json": b"{}",
            "ds/test/data-00000-of-00001.arrow": arrow_of(ROWS[8:]),
        },
    ],
    ids=["names", "words in names", "folders", "save_to_disk"],
)
def test_the_files_of_a_split_are_one_table(files):
    table = read_table(make_zip(files))
    assert [row[:2] for row in table.rows] == ROWS
    split = guess_split_column(table)
    assert [row[split] for row in table.rows] == ["train"] * 8 + ["test"] * 4
    assert "files_joined" in [warning.code for warning in table.warnings]


def test_shards_of_one_table_are_joined_without_a_split():
    table = read_table(
        make_zip(
            {"d/data-00000-of-00002.arrow": arrow_of(ROWS[:6]), "d/data-00001-of-00002.arrow": arrow_of(ROWS[6:]), "d/state.json": b"{}"}
        )
    )
    assert (table.columns, table.rows) == (("text", "label"), ROWS)


PARTS = (Part("notes.csv", "file", 2), Part("reviews.csv", "file", 12), Part("more.csv", "file", 4))
FILES = {"notes.csv": b"a,b\n1,2\n3,4\n", "reviews.csv": csv_of(ROWS), "more.csv": csv_of(ROWS[:4], header="body,class")}


def test_the_table_of_texts_is_chosen_and_the_others_are_named():
    table = read_table(make_zip(FILES))
    assert (table.rows, table.part, table.parts) == (ROWS, "reviews.csv", PARTS)
    (warning,) = table.warnings
    assert (warning.code, warning.count) == ("other_files", 2)
    assert all(name in warning.message for name in ("“notes.csv”", "“more.csv”"))


def test_another_one_can_be_named():
    table = read_table(make_zip(FILES), part="more.csv")
    assert (table.columns, len(table.rows), table.part) == (("body", "class"), 4, "more.csv")
    assert table.parts == PARTS
    with pytest.raises(UserError, match=r"“reviews\.csv”") as refusal:
        read_table(make_zip(FILES), part="x.csv")
    assert refusal.value.code == "unknown_part"


def test_a_file_of_texts_for_each_class():
    files = {f"{label}.txt": "\n".join(text for text, other in ROWS if other == label).encode() for label in LABELS}
    table = read_table(make_zip(files))
    assert (table.columns, sorted(table.rows)) == (("text", "label"), sorted(ROWS))


def test_the_first_line_of_the_file_of_a_class_is_a_text():
    firsts = {"good": "so happy", "bad": "furious"}
    texts = {label: [firsts[label], *(text for text, other in ROWS if other == label)] for label in LABELS}
    table = read_table(make_zip({f"{label}.txt": "\n".join(lines) for label, lines in texts.items()}))
    assert (table.columns, table.header) == (("text", "label"), True)
    assert table.rows == [(text, label) for label in sorted(LABELS) for text in texts[label]]
    assert [row for row, line in zip(table.rows, table.lines, strict=True) if line == 1] == [("furious", "bad"), ("so happy", "good")]


def test_sentences_with_commas_are_no_cells():
    texts = {label: [f"well, this is {label} number {n}" for n in range(9)] for label in LABELS}
    table = read_table(make_zip({f"{label}.txt": "\n".join(lines) for label, lines in texts.items()}))
    assert table.rows == [(text, label) for label in sorted(LABELS) for text in texts[label]]


@pytest.mark.parametrize("names", [("text", "text"), ("comment", "bad"), ("Seen", "Seen")])
def test_the_name_above_the_texts_of_a_class_is_no_text(names):
    files = {
        f"{label}.csv": "\n".join([name, *(text for text, other in ROWS if other == label)])
        for label, name in zip(LABELS, names, strict=True)
    }
    assert sorted(read_table(make_zip(files)).rows) == sorted(ROWS)


def texts_of(label, n_texts=3):
    return [f"this is {label} text number {n}" for n in range(n_texts)]


def test_the_folder_of_a_table_without_labels_is_its_class():
    files = {f"data/{label}/data.csv": csv_of([(str(n), text) for n, text in enumerate(texts_of(label))], "id,text") for label in LABELS}
    table = read_table(make_zip(files))
    assert table.columns == ("id", "text", "label")
    assert [(row[1], row[2]) for row in table.rows] == [(text, label) for label in sorted(LABELS) for text in texts_of(label)]
    assert (table.part, [part.rows for part in table.parts]) == (None, [3, 3])
    (warning,) = table.warnings
    assert warning.code == "files_joined"
    assert "a table for each class" in warning.message


@pytest.mark.parametrize("names", ["data.csv", "{label}.csv", "{n}.txt"])
def test_the_folder_of_a_file_of_texts_is_its_class(names):
    files = {
        f"{label}/{names.format(label=label + ' texts', n=n)}": "\n".join(
            [*(["text"] if "csv" in names else []), *texts_of(f"{label} {n}")]
        ).encode()
        for label in LABELS
        for n in range(1 if "n" not in names else 2)
    }
    table = read_table(make_zip(files))
    assert table.columns == ("text", "label")
    assert all(row[0].startswith(f"this is {row[1]}") for row in table.rows)
    assert len(table.rows) == 3 * len(files)


def test_tables_with_labels_in_folders_are_one_table_with_the_folder():
    table = read_table(make_zip({"2023/data.csv": csv_of(ROWS[:6]), "2024/data.csv": csv_of(ROWS[6:])}))
    assert table.columns == ("text", "label", "folder")
    assert [row[:2] for row in table.rows] == ROWS
    columns = guess_columns(table)
    assert (columns.text, columns.label) == (0, 1)


def test_more_classes_than_are_looked_at_first_are_joined():
    classes = [f"class {n:02}" for n in range(30)]
    table = read_table(make_zip({f"{label}.txt": "\n".join(texts_of(label)).encode() for label in classes}))
    assert table.rows == [(text, label) for label in classes for text in texts_of(label)]


def test_the_files_of_classes_in_the_folders_of_a_split():
    files = {f"{split}/{label}.txt": "\n".join(texts_of(f"{split} {label}")).encode() for split in ("train", "test") for label in LABELS}
    table = read_table(make_zip(files))
    assert table.columns == ("text", "label", "split")
    assert {(row[1], row[2]) for row in table.rows} == {(label, split) for label in LABELS for split in ("train", "test")}
    assert all(row[0].startswith(f"this is {row[2]} {row[1]}") for row in table.rows)


TWEETEVAL = {
    "emo/train_text.txt": "\n".join(TEXTS[:8]) + "\n",
    "emo/train_labels.txt": "0\n1\n" * 4,
    "emo/test_text.txt": "\n".join(TEXTS[8:]),
    "emo/test_labels.txt": "0\n1\n0\n1",
    "emo/mapping.txt": "0\tgood\n1\tbad\n",
}


def test_texts_and_labels_in_files_of_their_own():
    table = read_table(make_zip(TWEETEVAL))
    assert table.columns == ("text", "label", "split")
    assert table.rows == [(text, label, "train" if n < 8 else "test") for n, (text, label) in enumerate(ROWS)]
    table = read_table(make_zip({"texts.txt": "\r\n".join(TEXTS), "labels.txt": "\r\n".join(label for _, label in ROWS)}))
    assert (table.columns, table.rows) == (("text", "label"), ROWS)


def test_texts_and_labels_of_different_lengths_are_refused():
    with pytest.raises(UserError, match=r"“emo/test_text\.txt” has 4 lines and “emo/test_labels\.txt” has 3") as refusal:
        read_table(make_zip(TWEETEVAL | {"emo/test_labels.txt": "0\n1\n0"}))
    assert refusal.value.code == "not_a_table"


def test_the_ending_of_a_file_may_be_its_class():
    files = {f"polarity/reviews.{label}": "\n".join(text for text, other in ROWS if other == label) for label in LABELS}
    table = read_table(make_zip(files | {"polarity.README.1.0.txt": "About these reviews\n\nThey are made up.\n"}))
    assert (table.columns, sorted(table.rows)) == (("text", "label"), sorted(ROWS))


def test_files_of_the_same_path_can_be_told_apart():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", csv_of(ROWS))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.csv", csv_of(ROWS[:4]))
        archive.writestr("b.csv", csv_of(ROWS[:2], header="body,class"))
    assert [part.name for part in read_table(file.getvalue()).parts] == ["a.csv", "a.csv (2)", "b.csv"]
    assert read_table(file.getvalue(), part="a.csv (2)").rows == ROWS[:4]


def damaged_zip(files, name):
    """A zip with a flipped bit in the content of the member ``name``, which is stored as it is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    data, start = bytearray(file.getvalue()), file.getvalue().index(files[name])
    data[start + 20] ^= 1
    return bytes(data)


def test_a_damaged_file_beside_a_good_one_is_named():
    table = read_table(damaged_zip({"a.csv": csv_of(ROWS), "b.csv": csv_of(ROWS, "notes,number")}, "b.csv"))
    assert (table.part, table.rows) == ("a.csv", ROWS)
    (warning,) = table.warnings
    assert (warning.code, warning.severity) == ("other_files", "warning")
    assert "not read: “b.csv”" in warning.message
    assert "“b.csv” is damaged" in warning.message


def test_a_damaged_text_in_the_folder_of_a_class_is_a_dropped_row():
    files = {f"{label}/{n}.txt": text.encode() for n, (text, label) in enumerate(ROWS)}
    table = read_table(damaged_zip(files, "good/2.txt"))
    assert [row[:2] for row in table.rows] == [*ROWS[:2], *ROWS[3:]]
    assert table.lines == [1, 2, *range(4, 13)]
    assert [(row.line, row.reason) for row in table.dropped] == [(3, "its file, “good/2.txt”, is damaged")]


@pytest.mark.parametrize(
    "files",
    [
        {f"{label}.txt": "\n".join(text for text, other in ROWS if other == label).encode() for label in LABELS},
        {"train.csv": csv_of(ROWS), "test.csv": csv_of(ROWS[::-1])},
    ],
    ids=["a class", "a split"],
)
def test_a_damaged_part_of_a_table_is_refused(files):
    with pytest.raises(UserError) as refusal:
        read_table(damaged_zip(files, list(files)[1]))
    assert refusal.value.code == "file_damaged"
    assert f"“{list(files)[1]}”" in refusal.value.message


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a.png": b"\x89PNG", "b.png": b"\x89PNG"}, "compressed_file"),
        ({"a.zip": make_zip({"x.csv": csv_of(ROWS)}), "b.zip": b"PK"}, "compressed_file"),
        ({"a.csv": make_zip({"x.csv": csv_of(ROWS), "y.csv": csv_of(ROWS)}), "b.csv": b"%PDF-1.7"}, "compressed_file"),
    ],
)
def test_a_zip_without_a_table_is_refused(files, code):
    with pytest.raises(UserError) as refusal:
        read_table(make_zip(files))
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")


def test_limits_count_for_all_files_together():
    many = {f"{label}/{n}.txt": (text * 50).encode() for n, (text, label) in enumerate(ROWS)}
    for files in (many, {"train.csv": csv_of(ROWS * 50), "test.csv": csv_of(ROWS * 50)}):
        with pytest.raises(UserError) as refusal:
            read_table(make_zip(files), max_bytes=10_000)
        assert refusal.value.code == "file_too_large"
    with pytest.raises(UserError) as refusal:
        read_table(make_zip(many), max_rows=5)
    assert refusal.value.code == "too_many_rows"
