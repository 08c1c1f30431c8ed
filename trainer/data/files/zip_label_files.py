"""Reads a zip that keeps texts and labels in files of their own, line by line: ``train_text.txt`` beside ``train_labels.txt``, as TweetEval has them."""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainer.data.files.archives import read_entry
from trainer.data.files.calamine_workbook import clean_cell
from trainer.data.files.table import MAX_PARTS, DroppedRow, Limits, Part, ReaderWarning, Table, too_many_rows_error
from trainer.data.files.widths import drop_long_rows
from trainer.data.files.zip_entries import ZipEntry, decode_entry
from trainer.errors import FileError
from trainer.text_format import quote_names

_LABELS = re.compile(r"(?<![a-z])(?:labels?|targets?)(?![a-z])")
_TEXTS = ("text", "texts", "sentence", "sentences", "data", "input", "inputs", "")
_MAPPING_LINE = re.compile(r"(-?\d+)\s+(\S.*)")


@dataclass(frozen=True)
class _Pair:
    texts: ZipEntry
    labels: ZipEntry


def read_label_files(archive: zipfile.ZipFile, entries: Sequence[ZipEntry], limits: Limits) -> Table | None:
    """A row for each line of the files of texts, with the same line of the file of labels; None if the zip is not of this kind.

    A file ``mapping.txt`` with lines such as "0 anger" names the labels. Raises UserError ``not_a_table`` if two files do not have as many lines,
    ``file_too_large``, ``file_damaged``, ``too_many_rows``.
    """
    pairs = _find_pairs(entries)
    if not pairs:
        return None
    left, guessed = limits.max_bytes, False

    def read_lines(entry: ZipEntry) -> list[str]:
        nonlocal left, guessed
        data = read_entry(archive, entry.info, replace(limits, max_bytes=left))
        left -= len(data)
        text, is_guess = decode_entry(data)
        guessed = guessed or is_guess
        return [clean_cell(line) for line in text.removesuffix("\n").split("\n")]

    names = _label_names([read_lines(entry) for entry in entries if entry.path.stem.casefold() in ("mapping", "label_mapping")])
    splits = [pair.texts.split or pair.labels.split or "" for pair in pairs]
    has_splits = "" not in splits and len(set(splits)) > 1
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    dropped: list[DroppedRow] = []
    parts = []
    for pair, split in zip(pairs, splits, strict=True):
        texts, labels = read_lines(pair.texts), read_lines(pair.labels)
        if len(texts) != len(labels):
            raise _different_lengths_error(pair, len(texts), len(labels))
        parts += [Part(pair.texts.name, "file", len(texts)), Part(pair.labels.name, "file", len(labels))]
        for number, (text, label) in enumerate(zip(texts, labels, strict=True), 1):
            if text.strip() or label.strip():
                rows.append((text.strip(), names.get(label.strip(), label.strip()), *([split] if has_splits else [])))
                lines.append(number)
            else:
                dropped.append(DroppedRow(number, "the row is empty"))
        if len(rows) > limits.max_rows:
            raise too_many_rows_error(limits)
    rows, lines = drop_long_rows(rows, lines, dropped, limits)
    return Table(
        columns=("text", "label", *(["split"] if has_splits else [])),
        rows=rows,
        lines=lines,
        encoding="cp1252" if guessed else "utf-8",
        encoding_guessed=guessed,
        delimiter=None,
        header=True,
        dropped=tuple(dropped),
        warnings=(_joined_warning(pairs),),
        parts=tuple(parts[:MAX_PARTS]),
    )


def _find_pairs(entries: Sequence[ZipEntry]) -> list[_Pair]:
    """The files of labels, each with its texts: in the same folder, with another word in the place of "labels"."""
    by_path = {(entry.path.parent, entry.path.stem.casefold()): entry for entry in entries if entry.is_text_file}
    pairs = []
    for (folder, stem), entry in by_path.items():
        match = _LABELS.search(stem)
        if match:
            stems = [re.sub(r"^[-_. ]|[-_. ]$", "", stem[: match.start()] + word + stem[match.end() :]) for word in _TEXTS]
            texts = next((by_path[folder, other] for other in stems if (folder, other) in by_path), None)
            if texts is not None:
                pairs.append(_Pair(texts, entry))
    return pairs


def _label_names(files: Sequence[list[str]]) -> dict[str, str]:
    """What the numbers of labels stand for, from lines such as "0 anger"; {} if a line is another one."""
    lines = [line for file in files[:1] for line in file if line.strip()]
    matches = [_MAPPING_LINE.fullmatch(line.strip()) for line in lines]
    return {} if None in matches else {match[1]: match[2].strip() for match in matches if match}


def _joined_warning(pairs: Sequence[_Pair]) -> ReaderWarning:
    names = quote_names([name for pair in pairs for name in (pair.texts.name, pair.labels.name)], limit=6)
    message = f"The zip file keeps texts and labels in files of their own ({names}): each line of texts has the label on the same line of the other file."
    return ReaderWarning("files_joined", "ok", 2 * len(pairs), message)


def _different_lengths_error(pair: _Pair, n_texts: int, n_labels: int) -> FileError:
    names = quote_names([pair.texts.name]), quote_names([pair.labels.name])
    return FileError(
        f"The zip file keeps texts and labels in files of their own, but {names[0]} has {n_texts:,} lines and {names[1]} has {n_labels:,}. "
        "Each text needs its label on the same line: correct the files, or put both into one table, and upload that.",
        code="not_a_table",
    )
