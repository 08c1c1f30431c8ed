"""Texts with line ends in them but no quotation marks around them are put together where it is certain."""

from trainer.data.files.read_table import read_table
from trainer.data.files.rejoin_lines import rejoin_broken_lines

PAIRS = [(f"this is text {n} of them", ["joy", "anger", "fear"][n % 3]) for n in range(20)]


def test_the_parts_of_a_text_are_one_row_again():
    lines = [f"{n}\t{text}\nand more\n\nof it\t{label}" if n % 6 == 3 else f"{n}\t{text}\t{label}" for n, (text, label) in enumerate(PAIRS)]
    table = read_table("\n".join(["id\ttext\tlabel", *lines]).encode())
    assert [row[2] for row in table.rows] == [label for _, label in PAIRS]
    assert table.rows[3] == ("3", f"{PAIRS[3][0]}\nand more\n\nof it", "joy")
    assert (table.dropped, [(warning.code, warning.count) for warning in table.warnings]) == ((), [("line_end_in_text", 3)])
    assert table.lines[3:5] == [5, 9]


def test_parts_that_end_in_no_known_label_are_dropped():
    lines = [f"{n}\t{text}\t{label}" for n, (text, label) in enumerate(PAIRS)]
    table = read_table("\n".join(["id\ttext\tlabel", *lines[:9], "9\ta broken text", "goes on\tnever seen", *lines[9:]]).encode())
    assert (len(table.rows), [row.line for row in table.dropped]) == (20, [11, 12])


def test_records_that_do_not_follow_one_another_stay_apart():
    rows = [("1", "a b c", "joy"), ("2", "d e f", "joy"), ("3", "g h i", "sad"), ("4", "j k l", "sad")]
    apart = [(5, ("9", "x")), (20, ("y", "joy"))]
    assert rejoin_broken_lines(apart, rows, 3) == ([], apart)
    assert rejoin_broken_lines([(5, ("9", "x")), (6, ("y", "joy"))], rows, 3) == ([(5, ("9", "x\ny", "joy"))], [])
