"""Lines to records: which quotation marks open a cell and which are part of the text."""

import time

import pytest

from trainer.data.files.records import split_lines, split_records


def records(text: str, delimiter: str = ",", **options) -> list[tuple[int, list[str]]]:
    return list(split_records(split_lines(text), delimiter, **options))


def test_lines_end_at_newlines_only():
    assert split_lines("a\u2028b\x0cc\x85d\ne") == ["a\u2028b\x0cc\x85d\n", "e"]


def test_lines_are_counted_over_cells_of_several_lines():
    assert records('a,"b\nc\n"\n\nd,e\n"f\n",g') == [(1, ["a", "b\nc\n"]), (5, ["d", "e"]), (6, ["f\n", "g"])]


def test_after_a_doubtful_line_the_next_is_read_as_usual():
    text = 'a,"b\nc,d\ne,"f"\n"g"h,i\nj,"k\nl"\n'
    assert records(text, width=2) == [(1, ["a", '"b']), (2, ["c", "d"]), (3, ["e", "f"]), (4, ['"g"h', "i"]), (5, ["j", "k\nl"])]


def test_a_mark_that_is_never_closed_swallows_nothing():
    assert records('"a,b\nc,d\n', width=2) == [(1, ['"a', "b"]), (2, ["c", "d"])]


@pytest.mark.parametrize(("trust_quotes", "n_records"), [(False, 10), (True, 2)])
def test_a_cell_that_looks_like_many_records_is_suspected_unless_trusted(trust_quotes, n_records):
    text = '"a,b\n' + "c,d\n" * 8 + 'e,f",g\n' + "h,i\n"
    assert len(records(text, width=2, trust_quotes=trust_quotes)) in (n_records, n_records + 1)


def test_no_quotation_marks_at_all():
    assert records('"a","b\n', quote="") == [(1, ['"a"', '"b'])]


def test_a_delimiter_of_several_characters_stays_in_quoted_cells():
    assert records('a::"b::c"\n', "::") == [(1, ["a", "b::c"])]
    assert records("a   b c  d\n", "  ") == [(1, ["a", "b c", "d"])]


def test_backslashes_escape_marks_and_nothing_else():
    assert records('"a\\"b",c\\,d,\\n\\\\e\n', escape=True) == [(1, ['a"b', "c,d", "\\n\\e"])]


def test_many_doubtful_lines_take_linear_time():
    def seconds(lines: int) -> float:
        start = time.process_time()
        assert len(records('"a,b\n' * lines, width=2)) == lines
        return time.process_time() - start

    # Eight times the lines take eight times as long, not 64 times.
    assert seconds(200_000) < 30 * min(seconds(25_000) for _ in range(3))
