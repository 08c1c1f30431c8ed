"""Reads a zip of several files: a folder of texts for each class, the files of a split or of one table, or the best of several tables.

Does not parse the files: it is given the function that reads one, with options of ``read_content``.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from trainer.data.column_name_words import HEADER_WORDS, LABEL_WORDS, RATING_WORDS, SPLIT_NAMES, TEXT_WORDS
from trainer.data.files.archives import open_zip, read_entry, zip_entries
from trainer.data.files.calamine_workbook import clean_cell
from trainer.data.files.table import (
    MAX_PARTS,
    DroppedRow,
    Limits,
    Part,
    ReaderWarning,
    Table,
    too_many_rows_error,
    unknown_part_error,
)
from trainer.data.files.widths import drop_long_rows
from trainer.data.files.zip_entries import SHARD, ZipEntry, decode_entry, named_entries
from trainer.data.files.zip_label_files import read_label_files
from trainer.errors import FileError, UserError
from trainer.text_format import quote_names

_MAX_TABLES_READ = 12
_MAX_UNKNOWN_FILES = 50
_MAX_COUNTED_BYTES = 5 << 20  # of the files beside the chosen one
_SAMPLE_ROWS = 200
_MIN_CLASS_FILES = 3  # on average in a folder

Read = Callable[..., Table]  # of a file's bytes


def read_zip(data: bytes, limits: Limits, read: Read, *, part: str | None = None) -> Table:
    """The table in a zip of several files; ``part``: the name of the one to read.

    Raises UserError ``unknown_part``, ``compressed_file`` (no file is a table), ``file_too_large``, ``too_many_rows``, and what ``read`` raises.
    """
    with open_zip(data) as archive:
        entries = named_entries(zip_entries(archive))
        tables = [entry for entry in entries if entry.is_table]
        if part is not None:
            return _read_part(archive, entries, part, limits, read)
        folders = _class_folders(entries)
        if folders:
            return _read_folders(archive, folders, limits)
        if not tables:
            return _read_unknown_files(archive, entries, limits, read)
        pairs = read_label_files(archive, tables, limits)
        if pairs is not None:
            return pairs
        if len(tables) > 1 and all(entry.split or SHARD.search(entry.path.stem) for entry in tables):
            joined = _join_splits(archive, tables, limits, read)
            if joined is not None:
                return joined
        return _best_table(archive, tables, limits, read)


def _read_part(archive: zipfile.ZipFile, entries: Sequence[ZipEntry], part: str, limits: Limits, read: Read) -> Table:
    """The chosen file, and how many rows the small ones beside it have."""
    tables = [entry for entry in entries if entry.is_table]
    chosen = next((entry for entry in entries if entry.name == part), None)
    if chosen is None:
        raise unknown_part_error(part, [entry.name for entry in tables])
    table = _read_entry(archive, chosen, tables, limits, read)
    counts: dict[str, int] = {}
    left = _MAX_COUNTED_BYTES
    for entry in tables[:_MAX_TABLES_READ]:
        if entry is not chosen and entry.info.file_size <= left:
            with suppress(UserError):
                counts[entry.name] = len(_read_entry(archive, entry, tables, replace(limits, max_bytes=left), read).rows)
            left -= entry.info.file_size
    return replace(table, part=part, parts=_list_parts([chosen, *tables] if chosen not in tables else tables, counts))


def _read_entry(archive: zipfile.ZipFile, entry: ZipEntry, tables: Sequence[ZipEntry], limits: Limits, read: Read) -> Table:
    """The table in one file; the lines of a text file that are sentences with commas are no cells if all ``tables`` are text files."""
    data = read_entry(archive, entry.info, limits)
    table = read(data)
    return read(data, delimiter="") if _is_prose(table) and all(other.is_text_file for other in tables) else table


def _list_parts(tables: Sequence[ZipEntry], counts: Mapping[str, int]) -> tuple[Part, ...]:
    return tuple(Part(entry.name, "file", counts.get(entry.name)) for entry in tables[:MAX_PARTS])


def _read_unknown_files(archive: zipfile.ZipFile, entries: Sequence[ZipEntry], limits: Limits, read: Read) -> Table:
    """The classes in files without one of the usual endings, such as ``polarity.pos`` and ``polarity.neg``."""
    unknown = [entry for entry in entries if not entry.is_about]
    if not 2 <= len(unknown) <= _MAX_UNKNOWN_FILES:
        raise _no_table_error(entries)
    try:
        table = _best_table(archive, unknown, limits, read)
    except UserError as error:
        raise (error if error.code == "file_damaged" else _no_table_error(entries)) from error
    if table.part is not None:  # a file that only happens to look like a table
        raise _no_table_error(entries)
    return table


def _no_table_error(entries: Sequence[ZipEntry]) -> FileError:
    shown = quote_names([entry.name for entry in entries], limit=3) if entries else "nothing"
    return FileError(
        f"This zip file holds {len(entries):,} files ({shown}), none of which is a table. Pack the CSV file, or a folder of text files for each class, "
        "or upload the file itself.",
        code="compressed_file",
    )


# --- a folder for each class ----------------------------------------------------------------------------------------------


def _class_folders(entries: Sequence[ZipEntry]) -> list[ZipEntry]:
    """The texts of a zip that has a folder of text files for each class; [] if it has none."""
    texts = [entry for entry in entries if entry.path.suffix.casefold() in (".txt", ".text", ".md", "") or entry.path.suffix[1:].isdigit()]
    texts = [entry for entry in texts if not entry.is_about and entry.path.parent.name.casefold() not in ("", *SPLIT_NAMES)]
    sizes = Counter(entry.path.parent.name for entry in texts)
    if len(sizes) < 2 or len(texts) < _MIN_CLASS_FILES * len(sizes) or len(texts) < 0.9 * sum(entry.is_table for entry in entries):
        return []
    return texts


def _read_folders(archive: zipfile.ZipFile, entries: Sequence[ZipEntry], limits: Limits) -> Table:
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
        text, is_guess = decode_entry(data)
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


# --- several tables -------------------------------------------------------------------------------------------------------


def _join_splits(archive: zipfile.ZipFile, entries: Sequence[ZipEntry], limits: Limits, read: Read) -> Table | None:
    """The files of a split or the shards of one table, as one; None if their columns differ."""
    tables, left = [], limits.max_bytes
    for entry in entries:
        tables.append(_read_entry(archive, entry, entries, replace(limits, max_bytes=left), read))
        left -= min(left, entry.info.file_size)
    if all(len(table.columns) == 1 for table in tables) and _class_names(entries):
        return _join_classes(archive, [*zip(entries, tables, strict=True)], limits, read)
    if len({table.columns for table in tables}) > 1 or sum(len(table.rows) for table in tables) > limits.max_rows:
        return None
    message = f"The {len(entries)} files of the zip file ({quote_names([entry.name for entry in entries], limit=4)}) were read as one table"
    return _joined([*zip(entries, tables, strict=True)], _splits_by_file(entries), message)


def _splits_by_file(entries: Sequence[ZipEntry]) -> dict[str, list[str]]:
    """The column "split" with a value for each file; {} if the files do not tell a split."""
    splits = [entry.split for entry in entries]
    return {"split": [split or "" for split in splits]} if None not in splits and len(set(splits)) > 1 else {}


def _joined(found: Sequence[tuple[ZipEntry, Table]], added: Mapping[str, Sequence[str]], message: str) -> Table:
    """The tables as one; ``added``: further columns, with a value for each file. ``message`` has no full stop."""
    first = found[0][1]
    new = [name if name not in first.columns else f"{name} of the file" for name in added]
    cells = [*zip(*added.values(), strict=True)] if added else [()] * len(found)
    if added:
        columns = quote_names(new)
        message += f"; the column{'' if len(new) == 1 else 's'} {columns} say{'s' if len(new) == 1 else ''} which file a row is from"
    warnings = tuple(dict.fromkeys(warning for _, table in found for warning in table.warnings))
    return replace(
        first,
        columns=(*first.columns, *new),
        rows=[(*row, *values) for (_, table), values in zip(found, cells, strict=True) for row in table.rows],
        lines=[line for _, table in found for line in table.lines],
        dropped=tuple(row for _, table in found for row in table.dropped),
        header=first.header or bool(added.keys() - {"split"}),
        encoding_guessed=any(table.encoding_guessed for _, table in found),
        warnings=(ReaderWarning("files_joined", "ok", len(found), f"{message}."), *warnings),
        part=None,
        parts=_list_parts([entry for entry, _ in found], {entry.name: len(table.rows) for entry, table in found}),
    )


def _best_table(archive: zipfile.ZipFile, entries: Sequence[ZipEntry], limits: Limits, read: Read) -> Table:
    """The table with the most rows of text, and a warning that names the others; files of a class each, or of the same columns in folders, are joined."""
    found: list[tuple[ZipEntry, Table]] = []
    refusal, damage, left = None, None, limits.max_bytes
    damaged: list[str] = []
    for number, entry in enumerate(sorted(entries, key=lambda entry: -entry.info.file_size)):
        if number >= _MAX_TABLES_READ and not _may_be_joined(found):
            break
        try:
            found.append((entry, _read_entry(archive, entry, entries, replace(limits, max_bytes=left), read)))
            left -= min(left, entry.info.file_size)
        except UserError as error:
            refusal = refusal or error
            if error.code == "file_damaged":
                damage = damage or error
                damaged.append(entry.name)
    if not found:
        raise refusal or _no_table_error(entries)
    if damage and all(len(table.columns) == 1 for _, table in found):
        raise damage  # one of several classes
    if len(found) == len(entries) > 1 and _may_be_joined(found):
        return _join_folders_or_classes(archive, sorted(found, key=lambda pair: pair[0].name), limits, read)
    return _chosen_table(entries, found, damaged)


def _chosen_table(entries: Sequence[ZipEntry], found: Sequence[tuple[ZipEntry, Table]], damaged: Sequence[str]) -> Table:
    entry, table = max(found, key=lambda pair: _count_text_rows(pair[1]))
    others = [other.name for other in entries if other is not entry]
    if not others:
        return replace(table, part=entry.name)
    are_damaged = f" {quote_names(damaged, limit=5)} {'is' if len(damaged) == 1 else 'are'} damaged or cut short." if damaged else ""
    message = (
        f"The zip file holds {len(entries):,} files. “{entry.name[:60]}” was read, because it looks most like a table of texts; not read: "
        f"{quote_names(others, limit=3)}.{are_damaged} Choose another file if another one is meant."
    )
    warning = ReaderWarning("other_files", "warning", len(others), message)
    parts = _list_parts(entries, {other.name: len(other_table.rows) for other, other_table in found})
    return replace(table, part=entry.name, parts=parts, warnings=(warning, *table.warnings))


# --- a file for each class, or for each folder ----------------------------------------------------------------------------


def _may_be_joined(found: Sequence[tuple[ZipEntry, Table]]) -> bool:
    """Whether the files are those of a class each, or tables of the same columns in folders next to each other."""
    if not found:
        return False
    n_single = sum(len(table.columns) == 1 and (len(table.rows) > 1 or entry.is_text_file) for entry, table in found)
    if n_single == len(found):
        return bool(_class_names([entry for entry, _ in found]))
    folders = {entry.folder for entry, _ in found}
    stems = {SHARD.sub("", entry.path.stem).casefold() for entry, _ in found}
    same = len({table.columns for _, table in found}) == 1 and all(table.header for _, table in found)
    return same and "" not in folders and len(folders) == len(found) > 1 == len(stems)


def _class_names(entries: Sequence[ZipEntry]) -> list[str]:
    """The class of each file: its folder, else its name, else its ending; [] if all are the same."""
    endings = [entry.path.suffix.removeprefix(".") for entry in entries]
    for names in ([entry.folder for entry in entries], [entry.path.stem for entry in entries], endings):
        if len(set(names)) > 1 and "" not in names and not SPLIT_NAMES.keys() & {name.casefold() for name in names}:
            return names
    return []


def _join_folders_or_classes(archive: zipfile.ZipFile, found: Sequence[tuple[ZipEntry, Table]], limits: Limits, read: Read) -> Table:
    if all(len(table.columns) == 1 for _, table in found):
        return _join_classes(archive, found, limits, read)
    folders = [entry.folder for entry, _ in found]
    words = {word for name in found[0][1].columns for word in re.findall(r"\w+", name.casefold())}
    if words & (LABEL_WORDS.keys() | RATING_WORDS):
        message = f"The files in {len(found)} folders have the same columns and were read as one table"
        return _joined(found, {"folder": folders}, message)
    message = f"The zip file has a table for each class: the name of its folder ({quote_names(folders, limit=5)}) is the label"
    return _joined(found, {"label": folders}, message)


def _join_classes(archive: zipfile.ZipFile, found: Sequence[tuple[ZipEntry, Table]], limits: Limits, read: Read) -> Table:
    """The texts of several files of one column, each with the name of its folder or file as the label."""
    entries = [entry for entry, _ in found]
    is_shared = len({table.columns for _, table in found}) == 1
    tables = []
    for entry, table in found:
        if table.header and not is_shared and not _is_column_name(table.columns[0], entry):
            # A first line that no other file has is a text, however short it is.
            options = {"delimiter": "", "header": False} if entry.is_text_file else {"header": False}
            table = read(read_entry(archive, entry.info, limits), **options)
        tables.append(replace(table, columns=("text",)))
    if sum(len(table.rows) for table in tables) > limits.max_rows:
        raise too_many_rows_error(limits)
    names = _class_names(entries)
    what = "folder" if names == [entry.folder for entry in entries] else "file" if names[0] == entries[0].path.stem else "ending"
    message = f"The zip file has a file of texts for each class: the name of the {what} ({quote_names(dict.fromkeys(names), limit=5)}) is the label"
    return _joined([*zip(entries, tables, strict=True)], {"label": names} | _splits_by_file(entries), message)


def _is_prose(table: Table) -> bool:
    """Whether the commas of a table are those of sentences, with a blank after each."""
    cells = [cell for row in table.rows[:_SAMPLE_ROWS] for cell in row[1:] if cell]
    return table.delimiter == "," and sum(cell[0] == " " for cell in cells) >= 0.8 * len(cells)


def _is_column_name(name: str, entry: ZipEntry) -> bool:
    return name.strip().casefold() in HEADER_WORDS | TEXT_WORDS | {entry.path.stem.casefold()}


def _count_text_rows(table: Table) -> int:
    """Rows with a text of a few words and another filled cell."""
    return sum(any(cell.count(" ") >= 2 for cell in row) and sum(map(bool, row)) >= 2 for row in table.rows)
