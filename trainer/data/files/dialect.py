"""Detects the delimiter and the quotation mark of a file from a sample of its lines, never from its name."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trainer.data.files.label_first import LabelFirst, find_label_beside, find_label_beside_prose, find_label_first
from trainer.data.files.plausible_cells import are_cut_at_a_constant, clean_share, hide_entities, is_sound, show_entities
from trainer.data.files.preamble import common_width, count_short_rows_at_start, is_numeric
from trainer.data.files.records import MAX_UNSOUND_LINES, NO_DELIMITER, PLACEHOLDER, split_records
from trainer.data.files.table import Limits, too_many_columns_error

DELIMITERS = ("\t", "|", ";", ",")  # the rarest in prose first: it wins a tie
DELIMITER_NAMES = {
    "\t": "tab",
    "|": "vertical bar",
    ";": "semicolon",
    ",": "comma",
    " ": "blank",
    "  ": "run of blanks",
    ":": "colon",
    "，": "Chinese comma",
    "،": "Arabic comma",
    "؛": "Arabic semicolon",
    "；": "Chinese semicolon",
    "、": "Chinese enumeration comma",
}

# Tried only if no usual delimiter fits, and used only if every line has the same number of cells.
_RARE_DELIMITERS = (" +++$+++ ", " ::: ", ":::", "###", "@@@", " => ", " -> ", "::", "~", "^", "¦", "§", "¬", "  ", " ", ":")
_WIDE_DELIMITERS = (
    "；",
    "，",
    "、",
    "؛",
    "،",
)  # typed on a Chinese, Japanese or Arabic keyboard; texts are full of them, so column names must have them too
_BESIDE_QUOTED = re.compile(r'" "|^"[^"]*" \S|\S "[^"]*"$')
_MAX_LINES_ABOVE = 6
_SAMPLE_LINES = 2_000
_SAMPLE_CHARS = 300_000


@dataclass(frozen=True)
class Dialect:
    """How lines are split into cells.

    ``delimiter``: None for a single column. ``width``: expected cells per record. ``skip``: number of lines before the records. ``quote``,
    ``escape`` and ``skip_initial_space``: see ``split_records``. ``label_first``: each line begins with its label and a blank, as fastText's do.
    ``keeps_entities``: the semicolon of an HTML code (``&amp;``) or of a smiley is no delimiter.
    """

    delimiter: str | None
    width: int
    quote: str = '"'
    escape: bool = False
    skip_initial_space: bool = False
    skip: int = 0
    label_first: LabelFirst | None = None
    keeps_entities: bool = False

    def records(
        self, lines: list[str], *, width: int | None = None, trust_quotes: bool = False, max_unsound: int = MAX_UNSOUND_LINES
    ) -> Iterator[tuple[int, list[str]]]:
        """``split_records`` of ``lines`` in this dialect; the caller has removed the first ``skip`` lines."""
        if self.label_first:
            lines = [self.label_first.split(line, PLACEHOLDER) for line in lines]
        if self.keeps_entities:
            lines = [hide_entities(line) for line in lines]
        delimiter = PLACEHOLDER if self.label_first else NO_DELIMITER if self.delimiter is None else self.delimiter
        records = split_records(
            lines,
            delimiter,
            width=width,
            quote=self.quote,
            escape=self.escape,
            skip_initial_space=self.skip_initial_space,
            trust_quotes=trust_quotes,
            max_unsound=max_unsound,
        )
        return ((number, list(map(show_entities, cells))) for number, cells in records) if self.keeps_entities else records


def find_dialect(lines: list[str], limits: Limits, *, quote: str | None = None) -> Dialect:
    """The dialect of a file, detected from its first lines; ``quote`` None: detect it too. Raises UserError ``too_many_columns``.

    A good delimiter gives nearly all records the same number of cells, and its cells contain no other delimiter
    (except in prose, where a blank follows).
    """
    _refuse_wide(lines, limits)
    hint = sep_line_delimiter(lines)
    if hint:
        return replace(dialect_for_delimiter(lines[1:], hint, quote=quote), skip=1)
    sample = _sample(lines)
    is_whole_file = len(sample) == len(lines) and sample[-1] is lines[-1]
    fasttext = find_label_first(sample, marked=True)
    if fasttext:
        return Dialect(" ", 2, quote="", label_first=fasttext)
    best = _best_hypothesis(
        [_test(dialect, sample, is_whole_file) for delimiter in DELIMITERS for dialect in _candidates(sample, delimiter, quote)]
    )
    if best is None or _is_prose(best.records):
        rare = _rare_dialect(sample, is_whole_file, quote)
        # The colon of TREC's "NUM:dist how far" is part of the label.
        label_first = None if rare and rare.delimiter != ":" else find_label_first(sample, marked=False)
        if label_first:
            return Dialect(" ", 2, quote="", label_first=label_first)
        found = rare or (best.dialect if best else Dialect(None, 1, quote='"' if quote is None else quote))
    else:
        found = best.dialect
        beside = find_label_beside_prose(best.records, found.delimiter) if found.delimiter in (",", ";") else None
        if beside:
            return Dialect(found.delimiter, 2, quote="", label_first=beside)
        if found.delimiter == "|":
            runs = re.findall(r"\|+", "".join(sample))
            bars = next((n for n in (3, 2) if all(len(run) % n == 0 for run in runs)), 1)
            if bars > 1:
                several = Dialect(bars * "|", 1, quote=found.quote)
                found = replace(several, width=common_width(_parse_sample(sample, several, is_whole_file)))
    if found.width > limits.max_columns:
        raise too_many_columns_error(found.width, limits)
    return found


@dataclass(frozen=True)
class _Hypothesis:
    """A dialect tested on the sample. ``explains_first``: the first line has as many cells as the rows below, and could be column names."""

    dialect: Dialect
    score: float
    records: list[list[str]]
    explains_first: bool


def _test(dialect: Dialect, sample: list[str], is_whole_file: bool) -> _Hypothesis:
    records = _parse_sample(sample, dialect, is_whole_file)
    width, score = _score(records, dialect.delimiter or "")
    fitting = sum(len(cells) == width for cells in records)
    explains_first = score > 0 and fitting >= 0.9 * len(records) and _is_plausible_start(records, width) and not _is_prose(records)
    return _Hypothesis(replace(dialect, width=width), score, records, explains_first)


def _best_hypothesis(hypotheses: list[_Hypothesis]) -> _Hypothesis | None:
    """The one with the best score; if it has no place for the first line, the best of those that explain that line and the rows below."""
    best: _Hypothesis | None = None
    for hypothesis in hypotheses:
        score = best.score if best else 0.0
        # A variant is only tried for a reason, so it wins a tie with the default dialect.
        is_variant = (
            best is not None
            and hypothesis.dialect.delimiter == best.dialect.delimiter
            and hypothesis.dialect != replace(default_dialect(hypothesis.dialect.delimiter or ""), width=hypothesis.dialect.width)
        )
        if hypothesis.score > score + 0.005 or (is_variant and hypothesis.score >= score > 0):
            best = hypothesis
    if best is None or len(best.records[0]) == best.dialect.width:
        return best
    explaining = [hypothesis for hypothesis in hypotheses if hypothesis.explains_first]
    return max(explaining, key=lambda hypothesis: hypothesis.score, default=best)


def dialect_for_delimiter(lines: list[str], delimiter: str, *, quote: str | None = None) -> Dialect:
    """The dialect with a known delimiter ("" for a single column); detects the width, and the quotation mark if ``quote`` is None."""
    if not delimiter:
        return Dialect(None, 1, quote='"' if quote is None else quote)
    sample = _sample(lines)
    if quote is None:
        quote = "'" if len(delimiter) == 1 and _is_single_quoted(sample, delimiter) else '"'
    dialect = Dialect(delimiter, 1, quote=quote)
    records = _parse_sample(sample, dialect, len(sample) == len(lines) and sample[-1] is lines[-1])
    return replace(dialect, width=common_width(records[count_short_rows_at_start(records) :]))


def sep_line_delimiter(lines: list[str]) -> str | None:
    """The delimiter stated by Excel's first line ``sep=;``, if there is one."""
    hint = lines[0].rstrip("\n").strip('"')
    return hint[4] if hint[:4].lower() == "sep=" and len(hint) == 5 and len(lines) > 1 else None


def default_dialect(delimiter: str) -> Dialect:
    """The dialect of a delimiter with double quotation marks and no escapes."""
    return Dialect(delimiter, 1)


def _candidates(sample: list[str], delimiter: str, quote: str | None) -> Iterator[Dialect]:
    if quote is not None:
        yield replace(default_dialect(delimiter), quote=quote)
        return
    yield default_dialect(delimiter)
    if delimiter == ";" and any(hide_entities(line) != line for line in sample):
        yield replace(default_dialect(delimiter), keeps_entities=True)
    # The same characters may be inside a quoted cell ("hi, "", he said"): some cell must begin with them.
    if any(f'{delimiter} "' in line for line in sample) and any(
        cell.startswith(' "') for cells in _parse_sample(sample, default_dialect(delimiter), True) for cell in cells
    ):
        yield replace(default_dialect(delimiter), skip_initial_space=True)
    text = "".join(sample)
    if _is_single_quoted(sample, delimiter):
        spaced = any(f"{delimiter} '" in line for line in sample)
        yield replace(default_dialect(delimiter), quote="'", skip_initial_space=spaced, escape="\\'" in text)
    escaped = text.count('\\"')
    # Either the file is malformed without escapes, or every quotation mark is escaped.
    if (escaped or f"\\{delimiter}" in text) and (
        escaped == text.count('"') > 0 or not _is_strict(sample, delimiter) or (escaped and _are_all_escaped(sample, text, delimiter))
    ):
        yield replace(default_dialect(delimiter), escape=True)


def _is_single_quoted(sample: list[str], delimiter: str) -> bool:
    """Whether cells are in single quotation marks: many lines have such cells, and most of these close properly."""
    # Lines above the table have no such marks.
    first = next((number for number, line in enumerate(sample[:_MAX_LINES_ABOVE]) if line.startswith("'")), None)
    if first is not None and _is_strict(sample[first:], delimiter, quote="'"):
        return True
    text = "".join(sample)
    edge = rf"(?:^|{re.escape(delimiter)}) ?"
    whole = [line.strip() for line in sample[1:] if line.strip()]
    if whole and sum(line[0] == line[-1] == "'" and f"'{delimiter}'" in line for line in whole) >= 0.9 * len(whole):
        return True
    opened = len(re.findall(rf"{edge}'", text, re.MULTILINE))
    if opened < 0.5 * len(sample) or opened <= 2 * len(re.findall(rf'{edge}"', text, re.MULTILINE)):
        return False
    closed = len(re.findall(rf"{edge}'(?:[^'\n\\]|\\.|'')*'(?=\s*(?:{re.escape(delimiter)}|$))", text, re.MULTILINE))
    return closed >= 0.7 * opened


def _is_strict(sample: list[str], delimiter: str, *, quote: str = '"', escape: str | None = None) -> bool:
    """Whether the sample is well-formed CSV, without backslash escapes unless ``escape`` is a backslash."""
    try:
        reader = csv.reader(sample, delimiter=delimiter, quotechar=quote, escapechar=escape, strict=True)
        widths = {len(cells) for cells in reader if cells}
    except csv.Error:
        return False
    return len(widths) == 1 and widths != {1}


def _are_all_escaped(sample: list[str], text: str, delimiter: str) -> bool:
    """Whether the sample is well-formed CSV in which each quotation mark that is not at the edge of a cell is escaped by a backslash."""
    if not _is_strict(sample, delimiter, escape="\\"):
        return False
    inner = re.sub(r"\\\\|\\\"", "", text)
    edges = rf'(?:^|(?<=[\n{re.escape(delimiter)}]))"|"(?=[\n{re.escape(delimiter)}]|$)'
    return '"' not in re.sub(edges, "", inner)


def _parse_sample(sample: list[str], dialect: Dialect, is_whole_file: bool) -> list[list[str]]:
    records = [cells for _, cells in dialect.records(sample)]
    if not is_whole_file and len(records) > 1:
        records.pop()  # it may be incomplete
    return records


def _is_prose(records: list[list[str]]) -> bool:
    """Whether the columns are only texts with equally many commas: a blank follows each, and a header has none."""
    rows = records[1:] if len(records[0]) == 1 else records
    return bool(rows) and all(len(cells) >= 2 and all(cell[:1] == " " for cell in cells[1:]) for cells in rows)


def _rare_dialect(sample: list[str], is_whole_file: bool, quote: str | None) -> Dialect | None:
    for delimiter in _WIDE_DELIMITERS:
        if delimiter in sample[0]:
            hypothesis = _test(Dialect(delimiter, 1, quote='"' if quote is None else quote), sample, is_whole_file)
            if hypothesis.score > 0 and len(hypothesis.records[0]) == hypothesis.dialect.width:
                return hypothesis.dialect
            beside = find_label_beside(sample, delimiter)
            if beside:
                return Dialect(delimiter, 2, quote="", label_first=beside)
    for delimiter in _RARE_DELIMITERS:
        if delimiter == " " and sum(_BESIDE_QUOTED.search(line) is not None for line in sample) < 0.8 * len(sample):
            continue  # prose is full of blanks; a blank is a delimiter only between quoted cells
        # R escapes a quotation mark in a text as \".
        escape = delimiter == " " and quote is None and any('\\"' in line for line in sample)
        dialect = Dialect(delimiter, 1, quote='"' if quote is None else quote, escape=escape)
        records = _parse_sample(sample, dialect, is_whole_file)
        records = records[count_short_rows_at_start(records) :]
        if delimiter == " " and len(records) > 5 and 2 <= len(records[0]) == len(records[1]) - 1:
            records = records[1:]  # the header of R's write.table has no name for the column of row names
        if not records:
            continue
        width = len(records[0])
        agreed = width >= 2 and all(len(cells) == width for cells in records)
        if delimiter == ":" and not _separates_labels(records):
            continue
        if agreed and len(records) >= (3 if delimiter in ("::", "  ") else 5):
            return replace(dialect, width=width)
    return None


def _separates_labels(records: list[list[str]]) -> bool:
    """Whether the colon separates labels from texts, rather than being part of times or addresses."""
    if any(is_numeric(cells[0]) or cells[-1].startswith("//") for cells in records[1:]):
        return False
    return any(len({cells[edge] for cells in records[1:]}) <= len(records) // 2 for edge in (0, -1))


def _refuse_wide(lines: list[str], limits: Limits) -> None:
    """Refuse too many columns before parsing, which would cost time and memory."""
    first = next((line for line in lines if not line.isspace()), "")
    if '"' not in first:
        n_columns = max(first.count(delimiter) for delimiter in DELIMITERS) + 1
        if n_columns > limits.max_columns:
            raise too_many_columns_error(n_columns, limits)


def _sample(lines: list[str]) -> list[str]:
    size = 0
    for n_lines, line in enumerate(lines[:_SAMPLE_LINES], 1):
        size += len(line)
        if len(line) > _SAMPLE_CHARS:
            return [*lines[: n_lines - 1], line[:_SAMPLE_CHARS]]  # the beginning of a huge line is enough
        if size >= _SAMPLE_CHARS:
            return lines[:n_lines]
    return lines[:_SAMPLE_LINES]


def _score(records: list[list[str]], delimiter: str) -> tuple[int, float]:
    """``(width, score)``; a score of 0 rules the delimiter out."""
    all_records = records
    records = all_records[count_short_rows_at_start(all_records) :]
    width = common_width(records)
    if width < 2:
        return width, 0.0
    n_fitting = sum(len(cells) == width or (len(cells) > width and not any(map(str.strip, cells[width:]))) for cells in records)
    consistency = n_fitting / len(records)
    required = 0.8 if len(records) >= 10 else 0.6
    if consistency < required and not (consistency >= 0.3 and _is_plausible_start(records, width)):
        width = _unquoted_width(all_records)
        if not width:
            return common_width(records), 0.0
    others = [other for other in DELIMITERS if other != delimiter]
    clean = clean_share([cell for record in records[:500] for cell in record[:50]], others)
    sound = sum(map(is_sound, records[:500])) / len(records[:500])
    # Records skipped as a preamble count against a delimiter, but less than ragged rows.
    table_fraction = (1 + len(records) / len(all_records)) / 2
    # A blank after each delimiter is usual in prose and in lists: another delimiter is likelier.
    spaced = 0.9 if _is_prose(records) else 1.0
    whole = 0.5 if are_cut_at_a_constant(records[:500], others) else 1.0
    return width, whole * spaced * table_fraction * consistency * (0.4 + 0.6 * clean) * (0.6 + 0.4 * sound)


def _is_plausible_start(records: list[list[str]], width: int) -> bool:
    """Whether the first record looks like column names; then unquoted delimiters in texts may explain longer records."""
    cells = records[0]
    if len(cells) != width or any(cell != cell.strip() or len(cell) > 30 or len(cell.split()) > 3 for cell in cells):
        return False
    return len(set(cells)) == len(cells) and not any(is_numeric(cell) for cell in cells)


def _unquoted_width(records: list[list[str]]) -> int:
    """The width of a table whose texts contain unquoted delimiters; 0 if it is none.

    Its records are hardly ever shorter, and begin or end with one of a few values; the width is the number of column names, or 2.
    """
    width = len(records[0])
    named = 2 <= width <= 12 and _is_plausible_start(records, width)
    rows = records[1:] if named else records
    width = width if named else 2
    n_complete = sum(len(cells) == width for cells in rows)
    if len(rows) < 10 or n_complete < 3 or sum(len(cells) >= width for cells in rows) < 0.95 * len(rows):
        return 0
    max_values = len(rows) // 3 if named else len(rows) // 4
    for edge in (0, -1):
        values = {cells[edge] for cells in rows}
        if len(values) <= max_values and (named or not any(value[:1] == " " or len(value.split()) > 3 for value in values)):
            return width
    return 0
