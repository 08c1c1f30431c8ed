"""Changes cells of delimited text: comma, tab, semicolon, bar, any other delimiter, label-first lines. JSON is in ``json_files``."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace

from trainer.data.files.decoding import decode
from trainer.data.files.dialect import Dialect
from trainer.data.files.read_table import text_dialect
from trainer.data.files.records import split_lines
from trainer.data.files.table import Limits, Table
from trainer.data.rewrite.cell_spans import RecordForm, first_record_end
from trainer.data.rewrite.edits import Edits
from trainer.data.rewrite.exact_text import ExactText

_LINE_END = re.compile(r"\r\n|\r|\n")


def rewrite_delimited(
    exact: ExactText,
    data: bytes,
    table: Table,
    edits: Edits,
    limits: Limits,
    *,
    delimiter: str | None,
    quote: str | None,
    encoding: str | None,
) -> bytes:
    """The bytes of a delimited file with ``edits``; ``table`` is what the reader makes of it with the same options."""
    text, lines, dialect = text_dialect(decode(data, encoding=encoding).text, limits, delimiter, quote)
    form = RecordForm(_written_dialect(dialect, exact.text), _raw_width(table), wrapped=lines != split_lines(text))
    return exact.encode(Records(exact, table).change(edits, form))


def _raw_width(table: Table) -> int:
    """The columns that are in the file: a column of the crossed classes is not."""
    return len(table.columns) - any(warning.code == "crosses_joined" for warning in table.warnings)


def _written_dialect(dialect: Dialect, text: str) -> Dialect:
    """The dialect with the delimiter that is written where the reader takes a control character for a tab."""
    if dialect.delimiter == "\t" and "\t" not in text:
        mark = next((mark for mark in ("\x01", "\x1f") if mark in text), "\t")
        return replace(dialect, delimiter=mark)
    return dialect


class Records:
    """Where the records of a table are in the text of its file."""

    def __init__(self, exact: ExactText, table: Table) -> None:
        self._text = exact.text
        self._table = table
        self._starts = exact.line_starts()
        header = [table.header_line] if table.header_line else []
        self._lines = sorted({*table.lines, *(row.line for row in table.dropped), *header})

    def span(self, line: int) -> tuple[int, int]:
        """The first and the last character, exclusive, of the record that starts in a line, without its line end."""
        position = bisect_right(self._lines, line)
        start = self._starts[line - 1]
        limit = self._starts[self._lines[position] - 1] if position < len(self._lines) else len(self._text)
        end = limit
        while end > start and self._text[end - 1] in "\r\n\ufeff":
            end -= 1
        return start, end

    def change(self, edits: Edits, form: RecordForm) -> str:
        """The whole text with ``edits``."""
        return spliced(self._text, self._changes(edits, form))

    def _changes(self, edits: Edits, form: RecordForm) -> Iterator[tuple[int, int, str]]:
        if edits.added and self._table.header_line:
            yield self._header_change(edits, form)
        for row in edits.touched:
            start, end = self.span(self._table.lines[row])
            if row in edits.dropped:
                line_end = _LINE_END.match(self._text, end)
                yield start, line_end.end() if line_end else end, ""
                continue
            record = self._text[start:end]
            if row in edits.cells and edits.column is not None:
                record = form.with_cell(record, edits.column, self._table.rows[row][edits.column], edits.cells[row])
            if edits.added:
                record = form.with_cells_after(record, [column.cells[row] for column in edits.added])
            yield start, end, record

    def _header_change(self, edits: Edits, form: RecordForm) -> tuple[int, int, str]:
        start, limit = self.span(self._table.header_line or 1)
        end = first_record_end(self._text, start, limit, form.dialect.quote)
        record = self._text[start:end]
        return start, end, form.with_cells_after(record, [column.name for column in edits.added], is_header=True)


def spliced(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """The text with ``(start, end, new)`` in place of each span; the changes are in the order of the text."""
    pieces, last = [], 0
    for start, end, new in changes:
        pieces += [text[last:start], new]
        last = end
    return "".join([*pieces, text[last:]])
