"""Reads a zip of several files: a folder of texts for each class, the files of a split or of one table, or the best of several tables.

Does not parse the files: it is given the function that reads one, with options of ``read_content``.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from trainer.data.column_name_words import HEADER_WORDS, SPLIT_NAMES, TEXT_WORDS
from trainer.data.files.archives import open_zip, read_entry, zip_entries
from trainer.data.files.calamine_workbook import clean_cell
from trainer.data.files.table import DroppedRow, Limits, ReaderWarning, Table, too_many_rows_error, unknown_part_error
from trainer.data.files.widths import drop_long_rows
from trainer.errors import FileError, UserError
from trainer.text_format import quote_names

_TABLES = frozenset("csv tsv tab txt json jsonl ndjson xlsx xlsm xlsb xls ods parquet arrow arff data dat".split())
_NO_TABLES = frozenset("readme license licence citation notice dataset_info state dataset_dict metadata datapackage schema".split())
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_MAX_TABLES_READ = 12
_SAMPLE_ROWS = 200
_MIN_CLASS_FILES = 3  # on average in a folder

Read = Callable[..., Table]  # of a file's bytes


@dataclass(frozen=True)
class _Entry:
    """A file in the zip. ``split``: the one that its name or a folder above it tells."""

    info: zipfile.ZipInfo
    path: PurePosixPath

    @property
    def name(self) -> str:
        return self.info.filename

    @property
    def split(self) -> str | None:
        words = [*re.split(r"[-_. ]", _SHARD.sub("", self.path.stem).casefold()), *(part.casefold() for part in self.path.parts[:-1])]
        splits = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
        return splits.pop() if len(splits) == 1 else None

    @property
    def is_table(self) -> bool:
        return self.path.suffix[1:].casefold() in _TABLES and self.path.stem.casefold() not in _NO_TABLES


def read_zip(data: bytes, limits: Limits, read: Read, *, part: str | None = None) -> Table:
    """The table in a zip of several files; ``part``: the name of the one to read.

    Raises UserError ``unknown_part``, ``compressed_file`` (no file is a table), ``file_too_large``, ``too_many_rows``, and what ``read`` raises.
    """
    with open_zip(data) as archive:
        entries = [_Entry(info, PurePosixPath(info.filename)) for info in zip_entries(archive)]
        tables = [entry for entry in entries if entry.is_table]
        names = tuple(entry.name for entry in tables)
        if part is not None:
            chosen = next((entry for entry in entries if entry.name == part), None)
            if chosen is None:
                raise unknown_part_error(part, names)
            return replace(read(read_entry(archive, chosen.info, limits)), part=part, parts=names)
        folders = _class_folders(entries)
        if folders:
            return _read_folders(archive, folders, limits)
        if not tables:
            raise _no_table_error(entries)
        if len(tables) > 1 and all(entry.split or _SHARD.search(entry.path.stem) for entry in tables):
            joined = _join_splits(archive, tables, limits, read)
            if joined is not None:
                return joined
        return _best_table(archive, tables, limits, read)


def _no_table_error(entries: Sequence[_Entry]) -> FileError:
    shown = quote_names([entry.name for entry in entries], limit=3) if entries else "nothing"
    return FileError(
        f"This zip file holds {len(entries):,} files ({shown}), none of which is a table. Pack the CSV file, or a folder of text files for each class, "
        "or upload the file itself.",
        code="compressed_file",
    )


# --- a folder for each class ----------------------------------------------------------------------------------------------


def _class_folders(entries: Sequence[_Entry]) -> list[_Entry]:
    """The texts of a zip that has a folder of text files for each class; [] if it has none."""
    texts = [entry for entry in entries if entry.path.suffix.casefold() in (".txt", ".text", "") or entry.path.suffix[1:].isdigit()]
    texts = [
        entry
        for entry in texts
        if entry.path.stem.casefold() not in _NO_TABLES and entry.path.parent.name.casefold() not in ("", *SPLIT_NAMES)
    ]
    sizes = Counter(entry.path.parent.name for entry in texts)
    if len(sizes) < 2 or len(texts) < _MIN_CLASS_FILES * len(sizes) or len(texts) < 0.9 * sum(entry.is_table for entry in entries):
        return []
    return texts


def _read_folders(archive: zipfile.ZipFile, entries: Sequence[_Entry], limits: Limits) -> Table:
    """One row for each file: its text, the folder it is in, its name and the split that a folder above tells."""
    if len(entries) > limits.max_rows:
        raise too_many_rows_error(limits)
    splits = [entry.split for entry in entries]
    has_splits = None not in splits and len(set(splits)) > 1
    rows, lines, left, guessed = [], [], limits.max_bytes, False
    dropped: list[DroppedRow] = []
    damage: UserError | None = None
    for number, (entry, split) in enumerate(zip(entries, splits, strict=True), 1):
        try:
            data = read_entry(archive, entry.info, replace(limits, max_bytes=left))
        except UserError as error:
            if error.code != "file_damaged":
                raise
            damage = error
            dropped.append(DroppedRow(number, f"its file, {quote_names([entry.name])}, is damaged"))
            continue
        left -= len(data)
        text, is_guess = _decode(data)
        guessed = guessed or is_guess
        rows.append(
            (clean_cell(text.strip()), clean_cell(entry.path.parent.name), clean_cell(entry.name), *([split or ""] if has_splits else []))
        )
        lines.append(number)
    if damage and not rows:
        raise damage
    rows, lines = drop_long_rows(rows, lines, dropped, limits)
    classes = list(dict.fromkeys(entry.path.parent.name for entry in entries))
    message = (
        f"The zip file has a folder of texts for each class: each of its {len(entries):,} files is a row, and the folder "
        f"({quote_names(classes, limit=5)}) its label."
    )
    return Table(
        columns=("text", "label", "file", *(["split"] if has_splits else [])),
        rows=rows,
        lines=lines,
        encoding="cp1252" if guessed else "utf-8",
        encoding_guessed=guessed,
        delimiter=None,
        header=True,
        dropped=tuple(sorted(dropped, key=lambda row: row.line)),
        warnings=(ReaderWarning("folders_read", "ok", len(entries), message),),
    )


def _decode(data: bytes) -> tuple[str, bool]:
    try:
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), True


# --- several tables -------------------------------------------------------------------------------------------------------


def _join_splits(archive: zipfile.ZipFile, entries: Sequence[_Entry], limits: Limits, read: Read) -> Table | None:
    """The tables of the splits, or the shards of one table, as one; None if their columns differ."""
    tables, left = [], limits.max_bytes
    for entry in entries:
        data = read_entry(archive, entry.info, replace(limits, max_bytes=left))
        left -= len(data)
        tables.append(read(data))
    if len({table.columns for table in tables}) > 1 or sum(len(table.rows) for table in tables) > limits.max_rows:
        return None
    splits = [entry.split for entry in entries]
    has_splits = None not in splits and len(set(splits)) > 1
    names = [entry.name for entry in entries]
    message = f"The {len(entries)} files of the zip file ({quote_names(names, limit=4)}) were read as one table"
    if not has_splits:
        return _joined(tables, None, [""] * len(tables), names, f"{message}.")
    column = "split" if "split" not in tables[0].columns else "split of the file"
    return _joined(
        tables, column, [split or "" for split in splits], names, f"{message}; the column “{column}” says which file a row is from."
    )


def _joined(tables: Sequence[Table], column: str | None, values: Sequence[str], names: Sequence[str], message: str) -> Table:
    first = tables[0]
    rows = [(*row, value) if column else row for table, value in zip(tables, values, strict=True) for row in table.rows]
    warnings = tuple(dict.fromkeys(warning for table in tables for warning in table.warnings))
    return replace(
        first,
        columns=(*first.columns, column) if column else first.columns,
        rows=rows,
        lines=[line for table in tables for line in table.lines],
        dropped=tuple(row for table in tables for row in table.dropped),
        header=first.header or column == "label",
        encoding_guessed=any(table.encoding_guessed for table in tables),
        warnings=(ReaderWarning("files_joined", "ok", len(tables), message), *warnings),
        parts=tuple(names),
    )


def _best_table(archive: zipfile.ZipFile, entries: Sequence[_Entry], limits: Limits, read: Read) -> Table:
    """The table with the most rows of text, and a warning that names the others; files of one column each are a class each."""
    found: list[tuple[_Entry, Table]] = []
    refusal, damage, left = None, None, limits.max_bytes
    damaged: list[str] = []
    are_texts = all(_is_text_file(entry) for entry in entries)
    for entry in sorted(entries, key=lambda entry: -entry.info.file_size)[:_MAX_TABLES_READ]:
        try:
            data = read_entry(archive, entry.info, replace(limits, max_bytes=left))
            table = read(data)
            if are_texts and _is_prose(table):
                table = read(data, delimiter="")
            found.append((entry, table))
            left -= len(data)
        except UserError as error:
            refusal = refusal or error
            if error.code == "file_damaged":
                damage = damage or error
                damaged.append(entry.name)
    if not found:
        raise refusal or _no_table_error(entries)
    if damage and all(len(table.columns) == 1 for _, table in found):
        raise damage  # one of several classes
    if len(found) == len(entries) > 1 and all(len(table.columns) == 1 and len(table.rows) > 1 for _, table in found):
        return _join_classes(archive, sorted(found, key=lambda pair: pair[0].name), limits, read)
    entry, table = max(found, key=lambda pair: _count_text_rows(pair[1]))
    others = [other.name for other in entries if other is not entry]
    names = tuple(other.name for other in entries)
    if not others:
        return replace(table, part=entry.name, parts=names)
    are_damaged = f" {quote_names(damaged, limit=5)} {'is' if len(damaged) == 1 else 'are'} damaged or cut short." if damaged else ""
    message = (
        f"The zip file holds {len(names)} files. “{entry.name}” was read, because it looks most like a table of texts; not read: "
        f"{quote_names(others, limit=5)}.{are_damaged} If you want another one, choose it, or upload that file alone."
    )
    warning = ReaderWarning("other_files", "warning", len(others), message)
    return replace(table, part=entry.name, parts=names, warnings=(warning, *table.warnings))


def _join_classes(archive: zipfile.ZipFile, found: Sequence[tuple[_Entry, Table]], limits: Limits, read: Read) -> Table:
    """The texts of several files of one column, each with the name of its file as the label."""
    is_shared = len({table.columns for _, table in found}) == 1
    tables = []
    for entry, table in found:
        if table.header and not is_shared and not _is_column_name(table.columns[0], entry):
            # A first line that no other file has is a text, however short it is.
            options = {"delimiter": "", "header": False} if _is_text_file(entry) else {"header": False}
            table = read(read_entry(archive, entry.info, limits), **options)
        tables.append(replace(table, columns=("text",)))
    stems = [entry.path.stem for entry, _ in found]
    message = f"The zip file has a file of texts for each class: the name of the file ({quote_names(stems, limit=5)}) is the label."
    return _joined(tables, "label", stems, [entry.name for entry, _ in found], message)


def _is_text_file(entry: _Entry) -> bool:
    return entry.path.suffix.casefold() == ".txt"


def _is_prose(table: Table) -> bool:
    """Whether the commas of a table are those of sentences, with a blank after each."""
    cells = [cell for row in table.rows[:_SAMPLE_ROWS] for cell in row[1:] if cell]
    return table.delimiter == "," and sum(cell[0] == " " for cell in cells) >= 0.8 * len(cells)


def _is_column_name(name: str, entry: _Entry) -> bool:
    return name.strip().casefold() in HEADER_WORDS | TEXT_WORDS | {entry.path.stem.casefold()}


def _count_text_rows(table: Table) -> int:
    """Rows with a text of a few words and another filled cell."""
    return sum(any(cell.count(" ") >= 2 for cell in row) and sum(map(bool, row)) >= 2 for row in table.rows)
