"""Where the cells of one record of delimited text are, and how a new value is written in the manner of the old one. Knows no file."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trainer.data.files.dialect import Dialect
from trainer.data.files.line_repairs import quoted_content
from trainer.data.files.list_cells import EMPTY_LIST, parse_list, read_list_cell
from trainer.data.files.plausible_cells import hide_entities
from trainer.data.labels import is_list
from trainer.data.rewrite.edits import not_rewritable_error

Span = tuple[int, int]
_MARK = re.compile(r"(__[A-Za-z]+__)([^\s,]+)")
"""Of fastText, before a label."""
_NO_VALUE = "\\N"


@dataclass(frozen=True)
class RecordForm:
    """How records are written. ``width``: cells of a row. ``wrapped``: each line may be one quoted cell that holds a whole row."""

    dialect: Dialect
    width: int
    wrapped: bool = False

    def with_cell(self, record: str, column: int, old: str, new: str) -> str:
        """A record with another value in a column. Raises UserError ``not_rewritable``."""
        if self.wrapped and (inner := quoted_content(record)) is not None:
            return _wrapped(record, replace(self, wrapped=False).with_cell(inner, column, old, new))
        start, end = _find_cell(record, self, column, old)
        return record[:start] + _written_like(record[start:end], old, new, self) + record[end:]

    def with_cells_after(self, record: str, cells: list[str], *, is_header: bool = False) -> str:
        """A record with further cells behind those of the table's columns; a header (R's has no name for row names) is not filled up."""
        if self.wrapped and (inner := quoted_content(record)) is not None:
            return _wrapped(record, replace(self, wrapped=False).with_cells_after(inner, cells, is_header=is_header))
        delimiter = self.delimiter
        spans = next(_readings(record, self))
        width = len(spans) if is_header else self.width
        padding = delimiter * max(0, width - len(spans))
        rest = spans[width:]
        end = spans[width - 1][1] if rest and not any(record[a:b].strip() for a, b in rest) else len(record)
        first, last = spans[0], spans[-1]
        all_quoted = all(_is_quoted(record[a:b], self.dialect.quote) for a, b in (first, last))
        written = [_quoted(cell, self) if all_quoted or _needs_quotes(cell, self) else cell for cell in cells]
        return record[:end] + padding + delimiter + delimiter.join(written) + record[end:]

    @property
    def delimiter(self) -> str:
        """The delimiter as it is to be written. Raises UserError ``not_rewritable`` if rows have none."""
        if self.dialect.delimiter is None or self.dialect.label_first:
            raise not_rewritable_error("its lines have no delimiter that a further column could stand behind")
        return self.dialect.delimiter


def first_record_end(text: str, start: int, limit: int, quote: str) -> int:
    """Where the record that starts at ``start`` ends: at a line end outside quotation marks."""
    end = start
    for match in re.compile(r"[^\r\n]*").finditer(text, start, limit):
        end = match.end()
        if not quote or text.count(quote, start, end) % 2 == 0:
            break
    return end


def _wrapped(record: str, inner: str) -> str:
    """A record in quotation marks around its whole line, with another content."""
    lead, trail = record[: len(record) - len(record.lstrip())], record[len(record.rstrip()) :]
    return f'{lead}"{inner.replace(chr(34), 2 * chr(34))}"{trail}'


def _find_cell(record: str, form: RecordForm, column: int, old: str) -> Span:
    """The cell that has the old value: as a whole in any reading of the record, else as a part of it (``['joy']``)."""
    if form.dialect.label_first:
        return _label_span(record, form, column)
    found: list[Span] = []
    for spans in _readings(record, form):
        positions = dict.fromkeys((column, len(spans) - form.width + column))  # a text with a delimiter in it may stand before
        found += [spans[position] for position in positions if 0 <= position < len(spans)]
    values = [(span, _value(record[span[0] : span[1]], form)) for span in found]
    whole = [
        span for span, value in values if old.strip() in (value.strip(), read_list_cell(value)) or (not old and value.strip() == _NO_VALUE)
    ]
    parts = [span for span, value in values if old and value.count(old) == 1]
    for candidates in (whole, parts):
        if candidates:
            return candidates[0]
    raise not_rewritable_error(f"the label “{old[:60]}” is not found in its row")


def _label_span(record: str, form: RecordForm, column: int) -> Span:
    label_first = form.dialect.label_first
    match = label_first and (
        label_first.pattern.search(record) if label_first.marked or label_first.at_end else label_first.pattern.match(record)
    )
    if not label_first or not match or column != (1 if label_first.at_end else 0):
        raise not_rewritable_error("a line does not begin or end with a label")
    return match.span(1)


# --- cells ----------------------------------------------------------------------------------------------------------------


def _readings(record: str, form: RecordForm) -> Iterator[list[Span]]:
    """The spans of the cells in quoted form, then as if quotation marks were part of the texts."""
    dialect = form.dialect
    if dialect.delimiter is None:
        yield [(0, len(record))]
        return
    seen = hide_entities(record) if dialect.keeps_entities else record
    delimiter = re.compile(r" {2,}" if dialect.delimiter == "  " else re.escape(dialect.delimiter))
    if dialect.quote and dialect.quote in record:
        yield _spans(seen, delimiter, _quoted_cell(dialect), escape=dialect.escape)
    yield _spans(seen, delimiter, None, escape=dialect.escape)


def _quoted_cell(dialect: Dialect) -> re.Pattern[str]:
    quote = re.escape(dialect.quote)
    inner = rf"(?:[^{quote}\\]|\\.|{quote}{quote})*+" if dialect.escape else rf"(?:[^{quote}]|{quote}{quote})*+"
    return re.compile(rf"{' *' if dialect.skip_initial_space else ''}{quote}{inner}{quote}[ \t]*", re.DOTALL)


def _spans(record: str, delimiter: re.Pattern[str], quoted: re.Pattern[str] | None, *, escape: bool) -> list[Span]:
    spans: list[Span] = []
    start = 0
    while True:
        match = quoted.match(record, start) if quoted else None
        if match and match.end() < len(record) and not delimiter.match(record, match.end()):
            # A tab in the blanks after a quoted cell may be the delimiter itself.
            end = len(match[0].rstrip(" \t")) + start
            match = match if delimiter.match(record, end) else None
        else:
            end = match.end() if match else start
        after = delimiter.match(record, end) if match else _next_delimiter(record, delimiter, start, escape=escape)
        spans.append((start, end if match else after.start() if after else len(record)))
        if after is None:
            return spans
        start = after.end()


def _next_delimiter(record: str, delimiter: re.Pattern[str], start: int, *, escape: bool) -> re.Match[str] | None:
    for match in delimiter.finditer(record, start):
        before = record[start : match.start()]
        if not escape or (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return match
    return None


def _is_quoted(raw: str, quote: str) -> bool:
    stripped = raw.strip()
    return bool(quote) and len(stripped) > 1 and stripped[0] == quote == stripped[-1]


def _value(raw: str, form: RecordForm) -> str:
    """The value of a cell as it is written, with one kind of line ends."""
    quote = form.dialect.quote
    if _is_quoted(raw, quote):
        inner = raw.strip()[1:-1].replace(2 * quote, quote)
        raw = inner.replace("\\" + quote, quote) if form.dialect.escape else inner
    return raw.replace("\r\n", "\n").replace("\r", "\n")


def _written_like(raw: str, old: str, new: str, form: RecordForm) -> str:
    """A new value with the quotation marks, and the blanks around it, that the old one has."""
    value = _value(raw, form)
    if form.dialect.label_first and form.dialect.label_first.marked:
        return _with_marks(raw, new)
    if form.dialect.label_first and form.dialect.delimiter == " " and (" " in new or "\t" in new):
        raise not_rewritable_error(f"“{new[:60]}” has a blank, and in this file a blank ends the label")
    if form.dialect.label_first and (form.dialect.delimiter or "") in new:
        raise not_rewritable_error(f"“{new[:60]}” has the character that ends a label, and this file has no quotation marks")
    if not value.strip() or value.strip() == _NO_VALUE:
        whole = new
    elif value.strip() == old.strip():
        start = value.index(value.strip())
        whole = value[:start] + new + value[start + len(value.strip()) :]
    elif old in value and not is_list(new):
        whole = value.replace(old, new)
    else:
        whole = _list_like(value.strip(), new)
    if _is_quoted(raw, form.dialect.quote):
        lead, trail = raw[: len(raw) - len(raw.lstrip())], raw[len(raw.rstrip()) :]
        return lead + _quoted(whole, form) + trail
    if form.dialect.label_first or form.dialect.delimiter is None:
        return whole
    return _quoted(whole, form) if _needs_quotes(whole, form, new=new) else whole


def _list_like(value: str, new: str) -> str:
    """New labels, one or a JSON list of them, as a set of Python where the old ones are one, else as a list in JSON."""
    labels = parse_list(new)
    labels = [new] if labels is None else list(map(str, labels))
    if value[:1] != "[":
        return f"{{{', '.join(map(repr, labels))}}}" if labels else "set()"
    return new if is_list(new) else json.dumps(labels, ensure_ascii="\\u" in value)


def _with_marks(raw: str, new: str) -> str:
    """Labels, with a semicolon between them, each behind fastText's mark, and with what stands between the old ones."""
    names = [name.strip() for name in new.split(";")]
    if new == EMPTY_LIST:
        raise not_rewritable_error("each of its lines has a label, and a text has none now")
    if wrong := next((name for name in names if not re.fullmatch(r"[^\s,]+", name)), None):
        raise not_rewritable_error(f"“{wrong[:60]}” has a blank or a comma, and in this file they end a label")
    first, *others = _MARK.finditer(raw)
    between = raw[first.end() : others[0].start()] if others else " "
    return between.join(first[1] + name for name in names)


def _needs_quotes(value: str, form: RecordForm, *, new: str | None = None) -> bool:
    """Whether a cell cannot stand without quotation marks. ``new``: what is new in it; the rest was written without them."""
    fresh = value if new is None else new
    delimiter, quote = form.dialect.delimiter or "", form.dialect.quote
    return (
        bool(delimiter and delimiter in fresh) or bool(quote and quote in fresh) or "\n" in fresh or "\r" in fresh or fresh != fresh.strip()
    )


def _quoted(value: str, form: RecordForm) -> str:
    quote = form.dialect.quote
    if not quote:
        raise not_rewritable_error(f"“{value[:60]}” has the character that ends a cell, and this file has no quotation marks")
    if len(form.dialect.delimiter or "") > 1 and (form.dialect.delimiter or "") in value:
        raise not_rewritable_error(f"“{value[:60]}” has the characters that end a cell in this file")
    if form.dialect.escape:
        return quote + value.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
    return quote + value.replace(quote, 2 * quote) + quote
