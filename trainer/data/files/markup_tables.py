"""Reads the table in an HTML page or an XML spreadsheet, which web applications save as ``.xls``; refuses other markup by name.

Follows no link and expands no entity of a document's own.
"""

import codecs
import email
import re
from contextlib import suppress
from html.parser import HTMLParser

from trainer.data.files.calamine_workbook import clean_cell
from trainer.data.files.formats import not_a_table_error
from trainer.data.files.table import (
    Cells,
    Limits,
    ReaderWarning,
    too_many_cells_error,
    too_many_columns_error,
    too_many_rows_error,
    too_much_text_error,
)
from trainer.errors import FileError

_PAGES = ("<!doctype html", "<html", "<table", "<head", "<body", "<meta", "<style", "<div")
_XML = ("<?xml", "<!doctype ", "<rss", "<svg", "<feed", "<workbook", "<ss:workbook")
_PIECES = ("<table", "<style", "<div")  # of a page; whole ones begin otherwise
_SNIPPET_ROW = re.compile(r'>"? ?[,;\t|] ?"?[^<>"]{1,80}"?$')
_SAMPLE_CHARS, _SAMPLE_LINES = 200_000, 200
_ROWS, _CELLS = ("tr", "row", "ss:row"), ("td", "th", "cell", "ss:cell")
_SILENT = ("script", "style", "title", "comment", "ss:comment")
_NESTING = re.compile(r"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_MIME = re.compile(r"(?:[\w-]+: [^\n]*\n(?:[ \t][^\n]*\n)*)*?(?:mime-version|content-type): ", re.IGNORECASE)
_MAX_SPAN = 1_000
_MAX_PARTS = 20  # in one another, of a mail: the parser compares each line with the boundaries of all
_NO_CHARSETS = ("idna", "punycode")  # Python knows them as encodings; they are for host names, and take quadratic time
_MAX_BROKEN_CHARS = 2_000  # at the end of a page: each of its "<" is compared with all that follows


def read_markup(text: str, limits: Limits) -> Cells | None:
    """The longest table in an HTML page or an XML spreadsheet; None if the text is neither.

    Raises UserError ``not_a_table`` for markup without a table or with a broken one, ``too_many_rows``, ``too_many_columns``, ``too_many_cells``
    or ``file_too_large``.
    """
    if _MIME.match(text[:2_000]):
        text = _page_in_mail(text)
    start = text[:200].lstrip().lower()
    if not start.startswith(_PAGES + _XML) or _are_snippets(text):
        return None
    is_page = start.startswith(_PAGES) or "<html" in text[:2_000].lower()
    parser = _Tables(limits)
    lowered = text[:5_000_000].lower()
    if "<table" in lowered or "<ss:table" in lowered:
        parser.read(text)
    tables = [table for table in parser.tables if len(table) > 1 and max(map(len, table)) > 1]
    if not tables:
        raise _no_table_error(is_page=is_page)
    rows = max(tables, key=len)
    if len(rows) > limits.max_rows + 1:
        raise too_many_rows_error(limits)
    width = max(map(len, rows))
    if width * len(rows) > limits.max_cells:
        raise too_many_cells_error(limits)
    records = [row + [""] * (width - len(row)) for row in rows]
    what = "an HTML page" if is_page else "an XML spreadsheet"
    message = f"The file is {what} with a table, whatever its name says; the longest table in it was read."
    return Cells(list(range(1, len(records) + 1)), records, warnings=(ReaderWarning("table_in_markup", "ok", len(records), message),))


def _are_snippets(text: str) -> bool:
    """Whether the lines are rows: a text with markup in it, then a cell without; a piece of a page may be such a text without a line of its own."""
    lines = [line.strip() for line in text[:_SAMPLE_CHARS].split("\n")[:_SAMPLE_LINES] if line.strip()]
    if len(lines) > 2 and sum(map(bool, map(_SNIPPET_ROW.search, lines))) >= 0.8 * len(lines):
        return True
    is_piece = lines[0].lower().startswith(_PIECES) if lines else False
    return is_piece and bool(_SNIPPET_ROW.search(lines[0])) and "<table" not in text[:_SAMPLE_CHARS].lower()


def _page_in_mail(text: str) -> str:
    """The web page in a file that Excel saved as a single page (MHTML), with the longest table; the text itself if there is none."""
    pages = []
    # A part holds further ones if it is "multipart/..." or "message/...".
    if len(_NESTING.findall(text)) > _MAX_PARTS:
        return text
    for part in email.message_from_string(text).walk():
        if part.get_content_type() == "text/html" and isinstance(content := part.get_payload(decode=True), bytes):
            # ValueError: of an unknown charset with odd characters in its name.
            with suppress(LookupError, ValueError):
                charset = codecs.lookup(part.get_content_charset() or "utf-8").name
                if charset not in _NO_CHARSETS:
                    pages.append(content.decode(charset, "replace"))
    return max(pages, key=lambda page: page.lower().count("<tr"), default=text).lstrip("\ufeff")


def _broken_error(line: int) -> FileError:
    return FileError(
        f"The markup of this web page or spreadsheet (HTML, XML) is broken in line {line:,}, and the table cannot be read beyond. "
        "Open it in a browser or in Excel, copy the table or save it as CSV (UTF-8), and upload that.",
        code="not_a_table",
    )


def _no_table_error(*, is_page: bool) -> FileError:
    if is_page:
        return FileError(
            "This is a web page (HTML), not a table. Probably a link was saved instead of the file behind it: "
            "use the page's own download button, then upload the CSV file.",
            code="not_a_table",
        )
    return not_a_table_error("an XML document")


class _Tables(HTMLParser):
    """Collects the rows of every table; of a table inside a cell the cells belong to the inner one."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._limits = limits
        self._open: list[list[list[str]]] = []
        self._down: list[
            dict[int, tuple[int, str]]
        ] = []  # of each open table: columns with a cell from above, in how many more rows, and its text
        self._cell: list[str] | None = None
        self._span = self._rows_of_cell = 1
        self._silent = 0
        self._chars = self._rows = self._n_cells = 0

    def read(self, text: str) -> None:
        """Collect the tables of a whole page. Raises UserError ``not_a_table`` if they cannot be read to the end, and those of the limits."""
        try:
            self.feed(text)
            # What the parser has not read begins with a "<" that no ">" ends.
            if len(self.rawdata) <= _MAX_BROKEN_CHARS:
                self.close()
            elif any(f"<{tag}" in self.rawdata.lower() for tag in _ROWS):
                raise _broken_error(self.getpos()[0])
        except (AssertionError, ValueError) as error:  # a declaration that is none; a character of a thousand digits
            raise _broken_error(self.getpos()[0]) from error
        self._end_cell()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in ("table", "ss:table"):
            self._end_cell()
            self._open.append([])
            self._down.append({})
            self.tables.append(self._open[-1])
        elif tag in _ROWS and self._open:
            self._end_cell()
            if self._open[-1]:
                self._fill_from_above()
            self._open[-1].append([])
            self._rows += 1
            if self._rows > 2 * self._limits.max_rows + 1:
                raise too_many_rows_error(self._limits)
        elif tag in _CELLS and self._open and self._open[-1]:
            self._end_cell()
            self._start_cell(dict(attrs))
        elif tag in ("br", "p", "div", "li") and self._cell:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _CELLS or tag in _ROWS:
            self._end_cell()
        elif tag in ("table", "ss:table") and self._open:
            self._end_cell()
            if self._open[-1]:
                self._fill_from_above()
            self._open.pop()
            self._down.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._silent:
            self._chars += len(data)
            if self._chars > self._limits.max_chars:
                raise too_much_text_error(self._limits)
            self._cell.append(data)

    def _start_cell(self, attributes: dict[str, str | None]) -> None:
        row = self._open[-1][-1]
        index = _whole_number(attributes.get("ss:index"))
        if index:  # an XML spreadsheet leaves empty cells out
            n_empty = min(index, self._limits.max_columns + 1) - 1 - len(row)
            self._count_cells(n_empty)
            row.extend([""] * n_empty)
        self._fill_from_above()
        self._cell, self._span = [], max(1, _whole_number(attributes.get("colspan")))
        self._rows_of_cell = max(1, _whole_number(attributes.get("rowspan")), 1 + _whole_number(attributes.get("ss:mergedown")))

    def _end_cell(self) -> None:
        if self._cell is None or not self._open or not self._open[-1]:
            self._cell = None
            return
        lines = [" ".join(line.split()) for line in "".join(self._cell).split("\n")]
        row = self._open[-1][-1]
        self._count_cells(self._span)
        text = clean_cell("\n".join(filter(None, lines)))
        if self._rows_of_cell > 1:
            self._down[-1][len(row)] = (self._rows_of_cell - 1, text)
        row.extend([text, *[""] * (self._span - 1)])
        if len(row) > self._limits.max_columns:
            raise too_many_columns_error(len(row), self._limits)
        self._cell = None

    def _fill_from_above(self) -> None:
        """Repeat the cells that reach down into the next columns of the last row."""
        row, down = self._open[-1][-1], self._down[-1]
        while len(row) in down:
            rows_left, text = down.pop(len(row))
            if rows_left > 1:
                down[len(row)] = (rows_left - 1, text)
            self._count_cells(1)
            self._chars += len(text)
            if self._chars > self._limits.max_chars:
                raise too_much_text_error(self._limits)
            row.append(text)

    def _count_cells(self, n_cells: int) -> None:
        self._n_cells += max(0, n_cells)
        if self._n_cells > self._limits.max_cells:
            raise too_many_cells_error(self._limits)


def _whole_number(value: str | None) -> int:
    return min(int(value), _MAX_SPAN) if value and value.isascii() and value.isdigit() and len(value) < 8 else 0
