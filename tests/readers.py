"""Readers for tests: one that reads in the test's own process, where its cost can be measured and errors have a traceback, and one that is shared."""

from dataclasses import asdict
from typing import Any, Self

from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits, Table
from trainer.data.reader.file_reader import FileReader
from trainer.data.rewrite.edits import Edits, Rewritten
from trainer.data.rewrite.rewrite_file import rewrite


class InProcessReader:
    """A TableReader without a child process. Not for files that may crash the process."""

    def read(self, data: bytes, **options: Any) -> Table:
        return read_table(data, **options)

    def rewrite(self, data: bytes, edits: Edits, **options: Any) -> Rewritten:
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

    def rewrite(self, data: bytes, edits: Edits, **options: Any) -> Rewritten:
        return self._owner.rewrite(data, edits, **options)
