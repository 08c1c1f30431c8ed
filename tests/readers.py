"""Readers for tests: one that reads in the test's own process, where its cost can be measured and errors have a traceback, and one that is shared."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, BinaryIO, Self

from trainer.data.files.read_table import open_content, read_table
from trainer.data.files.table import Limits, Table
from trainer.data.reader.file_reader import FileReader
from trainer.data.reader.read_texts import read_texts
from trainer.data.reader.text_wire import PackedTexts
from trainer.data.reader.wire import pack_columns
from trainer.data.rewrite.append_columns import append_columns
from trainer.data.rewrite.edits import Appending, Cells, Edits, Rewritten, WrittenAs
from trainer.data.rewrite.rewrite_file import rewrite, rewrite_as_csv


class InProcessReader:
    """A TableReader without a child process. Not for files that may crash the process."""

    def read(self, data: bytes, **options: Any) -> Table:
        return read_table(data, **options)

    def read_texts(self, data: bytes, text_columns: Sequence[str] = (), *, with_texts: bool = True, **options: Any) -> PackedTexts:
        limits = _limits(options)
        content = open_content(data, limits)
        rows, parts = read_texts(content, limits, text_columns, **options)
        return PackedTexts(rows, tuple(pack_columns([part], range(len(part))).to_pybytes() for part in parts if with_texts))

    def rewrite(self, data: bytes, edits: Edits, *, written_as: WrittenAs = "itself", **options: Any) -> Rewritten:
        if written_as != "itself":
            return rewrite_as_csv(read_table(data, **options), edits, spreadsheet=written_as == "spreadsheet")
        return rewrite(data, edits, _limits(options), **options)

    def append(self, data: bytes, appending: Appending, cells: Cells, sink: BinaryIO, **options: Any) -> tuple[str, ...]:
        limits = _limits(options)
        pieces = append_columns(data, open_content(data, limits), appending, cells, limits, **options)
        while True:
            try:
                sink.write(next(pieces))
            except StopIteration as end:
                return end.value


def _limits(options: dict[str, Any]) -> Limits:
    return Limits(**{name: options.pop(name) for name in asdict(Limits()) if name in options})


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

    def append(self, data: bytes, appending: Appending, cells: Cells, sink: BinaryIO, **options: Any) -> tuple[str, ...]:
        return self._owner.append(data, appending, cells, sink, **options)
