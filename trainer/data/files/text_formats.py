"""Text formats that are no tables of cells: reads Weka's ARFF and Rasa's Markdown; refuses others by name, with the way out.

Refused are SQL dumps, YAML, TOML, labels of words (CoNLL), vectors (LIBSVM) and EBCDIC.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator

from trainer.data.files.table import Cells, DroppedRow, Limits, too_many_columns_error, too_many_rows_error
from trainer.errors import FileError

_ARFF = re.compile(r"(?:[ \t]*(?:%[^\n]*)?\n)*[ \t]*@relation\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\s*@attribute\s+(?:'([^']*)'|"([^"]*)"|(\S+))""", re.IGNORECASE)
_ARFF_DATA = re.compile(r"^[ \t]*@data[ \t]*$", re.IGNORECASE | re.MULTILINE)
_ARFF_QUOTE = re.compile(r"""(?:^|,)\s*(['"])""")  # an apostrophe elsewhere is part of a text
_SQL_PART = r"""(?:`[^`\n]+`|"[^"\n]+"|\[[^\]\n]+\]|[\w$]+)"""
_SQL_NAME = rf"{_SQL_PART}(?:\.{_SQL_PART})*"
_SQL = re.compile(
    rf"^[ \t]*(?:INSERT\s+(?:OR\s+\w+\s+|IGNORE\s+)?INTO\s+{_SQL_NAME}\s*(?:\(|VALUES\b|SELECT\b)"
    rf"|CREATE\s+(?:TEMP(?:ORARY)?\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_SQL_NAME}\s*\(|COPY\s+\S.*FROM\s+stdin\b)",
    re.IGNORECASE | re.MULTILINE,
)
_SQL_END = re.compile(r";[ \t]*$", re.MULTILINE)
_SQL_START = re.compile(r"\s*(?:--|/\*|SET\s|CREATE\s|INSERT\s|DROP\s|BEGIN\b|PRAGMA\s|USE\s|COPY\s|START\s|LOCK\s)", re.IGNORECASE)
_YAML_LINE = re.compile(r"""(?:---|\s*#.*|\s*-\s.*|\s*(?:-\s*)?["']?[\w.-]+["']?:(?:\s.*)?|\s{2,}\S.*|\s*)$""")
_YAML_KEY = re.compile(r"""\s*(?:-\s*)?["']?[\w.-]+["']?:\s*(?:[|>][-+]?\s*)?$""")
_RASA = re.compile(r"^## intent:\s*\S", re.MULTILINE)
_RASA_LINE = ("#", "- ", "* ", "<!--", "-->")
_RASA_ENTITY = re.compile(r"\[([^\[\]\n]+)\](?:\([^)\n]{0,500}\)|\{[^}\n]{0,500}\})")
_LIBSVM = re.compile(r"[+-]?\d+(?:\.\d+)?(?:\s+\d+:[-+\d.eE]+)+\s*")
_CONLL = re.compile(r"(?:\S+(?:\t\S+)*\t|\S+(?: \S+){0,4} )(?:O|[BIES]-\S+)\s*|-DOCSTART-.*")
_TOML = re.compile(r"\s*\[\[?[\w.-]+\]\]?\s*|\s*[\w.-]+\s=\s.*")
_SAMPLE_LINES = 200
_EBCDIC_LETTERS = bytes(
    [*range(0x81, 0x8A), *range(0x91, 0x9A), *range(0xA2, 0xAA), *range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA)]
)


def refuse_ebcdic(data: bytes) -> None:
    """Raise UserError ``not_a_table`` for text in the encoding of mainframes, whose blank is an @ and whose letters are above ASCII."""
    sample = data[:50_000]
    letters = len(sample) - len(sample.translate(None, _EBCDIC_LETTERS))
    if letters > 0.5 * len(sample) and sample.count(b"\x40") > 0.05 * len(sample) and sample.count(b" ") < 0.01 * len(sample):
        raise FileError(
            "This text is in EBCDIC, the encoding of mainframes. Transfer the file in text mode, or convert it "
            "(iconv -f IBM037 -t UTF-8), and upload the result.",
            code="not_a_table",
        )


def read_or_refuse(text: str, limits: Limits) -> Cells | None:
    """The table of an ARFF or a Rasa Markdown file; None for a text that is none of these formats.

    Raises UserError ``not_a_table`` for the formats that are refused, ``too_many_rows``, ``too_many_columns``.
    """
    if _ARFF.match(text[:20_000]) and _ARFF_DATA.search(text):
        return _read_arff(text, limits)
    if _RASA.search(text[:20_000]) and _is_rasa(text):
        return _read_rasa(text, limits)
    if _SQL_START.match(text[:200]) and _SQL.search(text[:200_000]) and _SQL_END.search(text):
        raise FileError(
            "This is an SQL dump: the commands that make a table, not the table itself. Load it into the database and export the columns "
            "with the texts and the labels as CSV (SELECT ... in a database program, then Export), and upload that.",
            code="not_a_table",
        )
    lines = [line for line in text[:50_000].split("\n")[:_SAMPLE_LINES] if line.strip()][:-1]
    what = _other_format(lines)
    if what is not None:
        raise FileError(f"This is {what}. Upload a table with one text and its label in each row, as CSV (UTF-8).", code="not_a_table")
    if _is_yaml(lines):
        raise FileError(
            "This is a YAML file (as Rasa and other assistants keep their examples), not a table. "
            "Convert it to CSV or JSON with one text and its label, such as the intent, in each row, and upload that.",
            code="not_a_table",
        )
    return None


def _other_format(lines: list[str]) -> str | None:
    """What the lines are, if they are no table of texts and no YAML."""
    if _mostly_match(_LIBSVM, lines):
        return "a file of numbers in LIBSVM's format, without texts"
    # Each word has as many columns.
    if _mostly_match(_CONLL, lines) and Counter(len(line.split()) for line in lines).most_common(1)[0][1] >= 0.9 * len(lines):
        return "a file with a label for each word (CoNLL), which a classifier of texts cannot learn"
    # Comments alone are no settings: a tweet begins with # too.
    settings = [line for line in lines if not line.lstrip().startswith("#")]
    if _mostly_match(_TOML, settings) and len(settings) >= 0.3 * len(lines) and any(" = " in line for line in settings):
        return "a TOML or INI file, not a table"
    return None


def _mostly_match(pattern: re.Pattern[str], lines: list[str]) -> bool:
    return len(lines) > 3 and sum(map(bool, map(pattern.fullmatch, lines))) >= 0.98 * len(lines)


def _is_yaml(lines: list[str]) -> bool:
    nested = sum(line.lstrip().startswith("- ") or line.startswith("  ") for line in lines)
    return (
        len(lines) > 3
        and nested >= 0.3 * len(lines)
        and any(map(_YAML_KEY.match, lines))
        and sum(map(bool, map(_YAML_LINE.match, lines))) >= 0.98 * len(lines)
    )


def _is_rasa(text: str) -> bool:
    """Whether the lines are headings, examples and comments, rather than a table with such a text in it."""
    lines = [line for line in text[:50_000].split("\n") if line.strip()][:_SAMPLE_LINES]
    return sum(line.lstrip().startswith(_RASA_LINE) for line in lines) >= 0.8 * len(lines) and any(
        line[:2] in ("- ", "* ") for line in map(str.lstrip, lines)
    )


def _read_rasa(text: str, limits: Limits) -> Cells:
    """The examples below each ``## intent:name``, without the marks of entities in them."""
    numbers, records, intent = [], [], ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("## "):
            intent = line.removeprefix("## intent:").strip() if line.startswith("## intent:") else ""
        elif intent and line.lstrip()[:2] in ("- ", "* "):
            numbers.append(number)
            records.append([_RASA_ENTITY.sub(r"\1", line.lstrip()[2:]).strip(), intent])
            if len(records) > limits.max_rows:
                raise too_many_rows_error(limits)
    return Cells(numbers, records, ["text", "intent"])


def _read_arff(text: str, limits: Limits) -> Cells:
    names: list[str] = []
    lines = iter(enumerate(text.split("\n"), 1))
    for _, line in lines:
        if line.strip().casefold() == "@data":
            break
        if match := _ATTRIBUTE.match(line):
            names.append(next(name for name in match.groups() if name is not None))
    if len(names) > limits.max_columns:
        raise too_many_columns_error(len(names), limits)
    numbers, records, dropped = [], [], []
    for number, cells in _arff_rows(lines):
        if len(cells) != len(names):
            dropped.append(DroppedRow(number, f"{len(cells)} values instead of {len(names)}"))
            continue
        numbers.append(number)
        records.append(["" if cell == "?" else cell for cell in cells])
        if len(records) > limits.max_rows:
            raise too_many_rows_error(limits)
    return Cells(numbers, records, names, dropped)


def _arff_rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(2**31 - 1)
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("%"):
            continue
        opening = _ARFF_QUOTE.search(line)
        quote = opening[1] if opening else '"'
        yield number, [cell.strip() for cell in next(csv.reader([line], quotechar=quote, escapechar="\\", skipinitialspace=True), [])]
