"""Readers for tests: one that reads in the test's own process, where its cost can be measured and errors have a traceback, and one that is shared."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits, Table
from trainer.data.reader.file_reader import FileReader
from trainer.data.reader.text_wire import PackedTexts
from trainer.data.reader.wire import pack_columns
from trainer.data.rewrite.edits import Edits, Rewritten, WrittenAs
from trainer.data.rewrite.rewrite_file import rewrite, rewrite_as_csv
from trainer.data.text_rows import find_texts


class InProcessReader:
    """A TableReader without a child process. Not for files that may crash the process."""

    def read(self, data: bytes, **options: Any) -> Table:
        return read_table(data, **options)

    def read_texts(self, data: bytes, text_columns: Sequence[str] = (), **options: Any) -> PackedTexts:
        rows, texts = find_texts(read_table(data, **options), text_columns)
        return PackedTexts(rows, pack_columns([texts], list(range(len(texts)))).to_pybytes())

    def rewrite(self, data: bytes, edits: Edits, *, written_as: WrittenAs = "itself", **options: Any) -> Rewritten:
        if written_as != "itself":
            return rewrite_as_csv(read_table(data, **options), edits, spreadsheet=written_as == "spreadsheet")
        limits = Limits(**{name: options.pop(name) for name in asdict(Limits()) if name in options})
        return rewrite(data, edits, limits, **options)


class SharedReader:
    """Stands in for a FileReader; uses another one, which stays open."""

    def __init__(self, owner: FileReader) -> None:
        self._owner = owner

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass

    def read(self, data: bytes, **options: Any) -> Table:
        return self._owner.read(data, **options)

    def read_texts(self, data: bytes, text_columns: Sequence[str] = (), **options: Any) -> PackedTexts:
        return self._owner.read_texts(data, text_columns, **options)

    def rewrite(self, data: bytes, edits: Edits, **options: Any) -> Rewritten:
        return self._owner.rewrite(data, edits, **options)
