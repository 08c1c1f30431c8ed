"""Text formats that are no tables of cells: reads Weka's ARFF, Rasa's Markdown and blocks of fields; refuses others by name, with the way out.

Refused are pointers to files, SQL dumps, YAML, TOML, LaTeX, BibTeX, RDF, subtitles, chats, labels of words (CoNLL), vectors (LIBSVM), features (Vowpal Wabbit) and EBCDIC.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator

from trainer.data.column_name_words import HEADER_WORDS, TEXT_WORDS
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
_YAML_ITEM = re.compile(r"""-\s+["']?[\w.-]+["']?:\s+\S""")
_YAML_FIELD = re.compile(r"""\s{2,}["']?[\w.-]+["']?:\s+\S""")
_RASA = re.compile(r"^## intent:\s*\S", re.MULTILINE)
_RASA_LINE = ("#", "- ", "* ", "<!--", "-->")
_RASA_ENTITY = re.compile(r"\[([^\[\]\n]+)\](?:\([^)\n]{0,500}\)|\{[^}\n]{0,500}\})")
_LIBSVM = re.compile(r"[+-]?\d+(?:\.\d+)?(?:\s+\d+:[-+\d.eE]+)+\s*")
_CONLL = re.compile(r"(?:\S+(?:\t\S+)*\t|\S+(?: \S+){0,4} )(?:O|[BIES]-\S+)\s*|-DOCSTART-.*")
_TOML = re.compile(r"\s*\[\[?[\w.-]+\]\]?\s*|\s*[\w.-]+\s=\s.*")
_INI_SECTION = re.compile(r"\s*\[\[?[\w.-]+\]\]?\s*")
_TOML_VALUE = re.compile(r"""\s*[\w.-]+\s=\s(?:"[^"]*"|'[^']*'|[\[{].*|true|false|[-+\d][\d.:TZeE_+-]*)\s*(?:#.*)?""")
_LATEX = re.compile(r"(?:\s*%[^\n]*\n)*\s*\\(?:documentclass\b|begin\{(?:document|table|tabular|longtable|center)\b)")
_VOWPAL = re.compile(r"[+-]?\d+(?:\.\d+)?(?: [\d.]+)?(?: '\S+)? \|([A-Za-z]\w*)(?::[\d.]+)? .*")
_POINTER = re.compile(r"version https://git-lfs\.github\.com/")
_LINK = re.compile(r"""\s*(?:\[InternetShortcut\]|\{\s*"(?:url|doc_id)"\s*:[^\n]*docs\.google\.com)""")
_CUE = re.compile(r"\s*(?:\d+:)?\d\d:\d\d[.,]\d{3}\s*-->\s*(?:\d+:)?\d\d:\d\d[.,]\d{3}.*")
_MESSAGE = re.compile(
    r"\u200e?\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},? \d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:[ \u202f][AaPp]\.?[Mm]\.?)?(?:\]| -) [^:\n]{1,60}: .*"
)
_TURTLE = re.compile(r"@prefix\s+[\w.-]*:\s*<[^>\n]*>\s*\.")
_BIBTEX = re.compile(
    r"\s*@(?:article|book|inproceedings|incollection|misc|phdthesis|techreport|proceedings|online|comment|string)\s*\{", re.IGNORECASE
)
_BIBTEX_FIELD = re.compile(r"^[ \t]*(?:title|author|abstract|keywords?|year)\s*=\s*[{\"]", re.IGNORECASE | re.MULTILINE)
_FIELD = re.compile(r"[ \t]{0,8}([^\W\d_][\w /()-]{0,30}?)[ \t]{0,8}:(?:\s+(.*))?")
_MAX_FIELDS, _MIN_BLOCKS = 8, 3
_MAIL_FIELDS = frozenset("from to subject date cc received return-path delivered-to message-id mime-version".split())
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
    fields = _field_names(text)
    if fields is not None:
        return _read_fields(text, fields, limits)
    if _SQL_START.match(text[:200]) and _SQL.search(text[:200_000]) and _SQL_END.search(text):
        raise FileError(
            "This is an SQL dump: the commands that make a table, not the table itself. Load it into the database and export the columns "
            "with the texts and the labels as CSV (SELECT ... in a database program, then Export), and upload that.",
            code="not_a_table",
        )
    if _BIBTEX.match(text[:2_000]) and _BIBTEX_FIELD.search(text[:50_000]):
        raise FileError(
            "This is a BibTeX file, a list of references, not a table. Export the references from the reference manager as CSV "
            "(Zotero, JabRef and others can), with the title or abstract and the keyword or collection that is the label, and upload that.",
            code="not_a_table",
        )
    if _POINTER.match(text[:200]) or _LINK.match(text[:2_000]):
        raise FileError(
            "This is not the file itself but a pointer to it (of Git LFS, or a link to a document on the web). "
            "Open what it points to, download or export that as CSV or .xlsx, and upload it.",
            code="not_a_table",
        )
    if _LATEX.match(text[:5_000]) and "\\end{" in text[-2_000:]:
        raise FileError(
            "This is a LaTeX document, not a table of cells. Export the table as CSV (UTF-8) from the program that made it, and upload that.",
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
    # Texts after a vertical bar do not all begin with the same word.
    if _mostly_match(_VOWPAL, lines) and len({match[1] for line in lines if (match := _VOWPAL.fullmatch(line))}) == 1:
        return "a file of features in Vowpal Wabbit's format"
    if sum(map(bool, map(_CUE.fullmatch, lines))) >= max(2, 0.15 * len(lines)):
        return "a file of subtitles, which have no labels"
    if _mostly_match(_MESSAGE, lines):
        return "the export of a chat, whose messages have no labels"
    if any(map(_TURTLE.match, lines[:20])):
        return (
            "RDF (Turtle), a list of statements and not a table. Select the texts and the labels with a SPARQL query, which gives a table"
        )
    if _is_printed_by_pandas(lines):
        return "a table as pandas prints it, with blanks between the columns, which are in texts too. Save it with df.to_csv(...)"
    headers = [match[1].casefold() for line in lines[:6] if (match := _FIELD.fullmatch(line))]
    if len(_MAIL_FIELDS.intersection(headers)) >= 3:
        return "an e-mail, not a table"
    # Each word has as many columns.
    if _mostly_match(_CONLL, lines) and Counter(len(line.split()) for line in lines).most_common(1)[0][1] >= 0.9 * len(lines):
        return "a file with a label for each word (CoNLL), which a classifier of texts cannot learn"
    # Comments alone are no settings: a tweet begins with # too.
    settings = [line for line in lines if not line.lstrip().startswith("#")]
    if _mostly_match(_TOML, settings) and len(settings) >= 0.3 * len(lines) and any(" = " in line for line in settings):
        # Without a section and with other values than a file of settings has, these are texts: "good = nice words,pos".
        values = [line for line in settings if not _INI_SECTION.fullmatch(line)]
        if len(values) < len(settings) or _mostly_match(_TOML_VALUE, values):
            return "a TOML or INI file, not a table"
    return None


def _mostly_match(pattern: re.Pattern[str], lines: list[str]) -> bool:
    return len(lines) > 3 and sum(map(bool, map(pattern.fullmatch, lines))) >= 0.98 * len(lines)


def _is_printed_by_pandas(lines: list[str]) -> bool:
    """Whether the lines begin with the row numbers 0, 1, 2, ... below a line that is indented as far."""
    numbers = [match[1] for line in lines[1:] if (match := re.match(r"(\d+)\s{2,}\S", line))]
    return len(lines) > 3 and lines[0].startswith("  ") and numbers == [*map(str, range(len(lines) - 1))] and "\t" not in "".join(lines)


def _field_names(text: str) -> list[str] | None:
    """The names of the fields in blocks such as "Text: ...", "Label: ...", which follow one another again and again; None for any other text."""
    lines = [line for line in text[:50_000].split("\n")[:_SAMPLE_LINES] if line.strip()]
    matches = [_FIELD.fullmatch(line) for line in lines]
    if not matches or None in matches:
        return None
    names = [match[1] for match in matches if match]
    fields = [*dict.fromkeys(names)]
    cycle = [fields[number % len(fields)] for number in range(len(names))]
    is_known = any(name.casefold() in HEADER_WORDS | TEXT_WORDS for name in fields)
    return fields if 2 <= len(fields) <= _MAX_FIELDS and len(names) >= _MIN_BLOCKS * len(fields) and names == cycle and is_known else None


def _read_fields(text: str, fields: list[str], limits: Limits) -> Cells:
    """A row for each block; a line without a field's name goes on with the field above."""
    numbers: list[int] = []
    records: list[list[str]] = []
    position = len(fields)
    for number, line in enumerate(text.split("\n"), 1):
        match = _FIELD.fullmatch(line)
        if match and match[1] in fields:
            following = fields.index(match[1])
            if following <= position or not records:
                numbers.append(number)
                records.append([""] * len(fields))
            position = following
            records[-1][position] = (match[2] or "").strip()
        elif line.strip() and records:
            records[-1][position] = f"{records[-1][position]}\n{line.strip()}"
        if len(records) > limits.max_rows:
            raise too_many_rows_error(limits)
    return Cells(numbers, records, fields)


def _is_yaml(lines: list[str]) -> bool:
    nested = sum(line.lstrip().startswith("- ") or line.startswith("  ") for line in lines)
    return (
        len(lines) > 3
        and nested >= 0.3 * len(lines)
        and (any(map(_YAML_KEY.match, lines)) or _are_yaml_items(lines))
        and sum(map(bool, map(_YAML_LINE.match, lines))) >= 0.98 * len(lines)
    )


def _are_yaml_items(lines: list[str]) -> bool:
    """Whether the lines are a list of objects, "- text: ..." with "  label: ..." below."""
    items, fields = (sum(map(bool, map(pattern.match, lines))) for pattern in (_YAML_ITEM, _YAML_FIELD))
    return min(items, fields) > 1 and items + fields >= 0.9 * len(lines)


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
