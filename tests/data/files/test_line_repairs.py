"""Whole lines in quotation marks, lines continued after a backslash, marks for no value, files put together."""

from trainer.data.files.read_table import read_table

PAIRS = [(f"this is text {n} of them", ["joy", "anger", "fear"][n % 3]) for n in range(12)]


def test_lines_in_quotation_marks_are_rows():
    lines = ["text,label", *(f'""he said, {text}"",{label}' if n % 2 else f"{text},{label}" for n, (text, label) in enumerate(PAIRS))]
    table = read_table("".join(f'"{line}"\r\n' for line in lines).encode())
    assert (table.columns, table.delimiter) == (("text", "label"), ",")
    assert table.rows == [(f"he said, {text}" if n % 2 else text, label) for n, (text, label) in enumerate(PAIRS)]


def test_only_some_lines_in_quotation_marks():
    lines = [f'"""well, {text}"",{label}"' if n % 4 == 0 else f"{text},{label}" for n, (text, label) in enumerate(PAIRS)]
    table = read_table("\n".join(["text,label", *lines]).encode())
    assert table.rows == [(f"well, {text}" if n % 4 == 0 else text, label) for n, (text, label) in enumerate(PAIRS)]


def test_a_rule_below_each_row_is_no_row():
    rule, head = "+-----------------------------------------+-------+\n", "+=========================================+=======+\n"
    rows = "".join(f"| {text:<40}| {label:<6}|\n{rule}" for text, label in PAIRS)
    table = read_table(f"{rule}| text | label |\n{head}{rows}".encode())
    assert [tuple(filter(None, map(str.strip, row))) for row in table.rows] == PAIRS


def test_a_column_of_quoted_prose_stays_a_column():
    table = read_table("\n".join(f'"Well, {text}"' for text, _ in PAIRS).encode())
    assert (len(table.columns), table.rows[0]) == (1, ("Well, this is text 0 of them",))


def test_a_quoted_sentence_alone_on_its_line_is_no_row():
    sentences = ['"Well, thanks"', '"Good, yes"', '"It costs 1,000 euros"', '"He said ""well, joy"""']
    table = read_table("\n".join(["text,label", *map(",".join, PAIRS), *sentences]).encode())
    assert table.rows == PAIRS
    assert [row.line for row in table.dropped] == [14, 15, 16, 17]


def test_a_row_in_quotation_marks_without_others_inside():
    wrapped = [f'"{text}; and more,{label}"' if n % 4 == 0 else f"{text},{label}" for n, (text, label) in enumerate(PAIRS)]
    table = read_table("\n".join(["text,label", *wrapped]).encode())
    assert table.rows == [(f"{text}; and more" if n % 4 == 0 else text, label) for n, (text, label) in enumerate(PAIRS)]


def test_a_line_end_after_a_backslash_belongs_to_the_cell():
    lines = [f"{n}\t{text}\\\nsecond line\t{label}" if n % 3 == 0 else f"{n}\t{text}\t{label}" for n, (text, label) in enumerate(PAIRS)]
    table = read_table("\n".join(lines).encode())
    assert [row[1] for row in table.rows] == [f"{text}\nsecond line" if n % 3 == 0 else text for n, (text, _) in enumerate(PAIRS)]
    assert table.lines[:4] == [1, 3, 4, 5]


def test_a_backslash_before_each_line_end_in_quotation_marks_is_no_text():
    def texts(second: str) -> list[str]:
        rows = [f'"{n}"\t"{text}{second if n == 3 else chr(92)}\nsecond line"\t"{label}"' for n, (text, label) in enumerate(PAIRS)]
        return [row[1] for row in read_table("\n".join(rows).encode()).rows]

    assert texts("\\") == [f"{text}\nsecond line" for text, _ in PAIRS]
    assert texts("")[:1] == [f"{PAIRS[0][0]}\\\nsecond line"]


def test_a_backslash_at_the_end_of_a_path_joins_nothing():
    table = read_table(("text,label\n" + "".join(f"{text},C:\\{label}\\\n" for text, label in PAIRS)).encode())
    assert (len(table.rows), table.rows[0][1]) == (12, "C:\\joy\\")


def test_a_text_that_ends_in_a_backslash_keeps_its_row():
    pairs = [("joy", "see C:\\dir\\"), *((label, text) for text, label in PAIRS * 3), ("anger", "it is in D:\\"), ("fear", "E:\\ is full")]
    table = read_table(("label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in pairs)).encode())
    assert table.rows == pairs


def test_few_continued_lines_of_a_long_file():
    lines = [f"{n}\tthis is text {n}\tjoy" for n in range(2_500)] + ["2500\tone\\", "two\tfear", "2501\tthree\tC:\\", "2502\tfour\tfear"]
    table = read_table("\n".join(lines).encode())
    assert table.rows[-3:] == [("2500", "one\ntwo", "fear"), ("2501", "three", "C:\\"), ("2502", "four", "fear")]


def test_the_mark_of_databases_for_no_value_is_an_empty_cell():
    table = read_table(
        ("id\ttext\tlabel\n" + "".join(f"{n}\t{text}\t{label if n else chr(92) + 'N'}\n" for n, (text, label) in enumerate(PAIRS))).encode()
    )
    assert (table.rows[0], table.rows[1]) == (("0", PAIRS[0][0], ""), ("1", PAIRS[1][0], "anger"))


def test_files_put_together_keep_no_mark_between_them():
    part = "\ufefftext,label\n" + "".join(f"{text},{label}\n" for text, label in PAIRS)
    table = read_table((part + part).encode())
    assert table.rows == PAIRS + PAIRS
    assert [row.reason for row in table.dropped] == ["it repeats the column names"]


def test_null_characters_at_the_ends_of_cells_and_of_the_file():
    cells = "".join(f'"{text}\0","{label}"\n' for text, label in PAIRS)
    for data in (f'"text\0","label"\n{cells}', "text,label\n" + "".join(f"{text},{label}\n" for text, label in PAIRS) + "\0" * 3_000):
        table = read_table(data.encode())
        assert (table.columns, table.rows) == (("text", "label"), PAIRS)
        assert [warning.code for warning in table.warnings] == ["null_bytes"]
    inside = read_table(("text,label\n" + "".join(f'"he said \0"{text}\0" to me",{label}\n' for text, label in PAIRS)).encode())
    assert inside.rows[0] == (f'he said "{PAIRS[0][0]}" to me', "joy")


def test_a_null_character_in_each_cell_is_told_and_a_picture_is_no_text():
    table = read_table(("text,label\n" + "".join(f"{text}\0,{label}\n" for text, label in PAIRS)).encode())
    assert (table.rows, [(w.code, w.count) for w in table.warnings]) == (PAIRS, [("null_bytes", 12)])
