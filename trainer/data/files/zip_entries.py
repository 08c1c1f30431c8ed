"""The files in a zip, with what their names and folders tell, and their texts.

Reads no tables: ``zip_tables`` does.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from trainer.data.column_name_words import SPLIT_NAMES

NO_TABLES = frozenset("readme license licence citation notice dataset_info state dataset_dict metadata datapackage schema".split())
SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_TABLES = frozenset("csv tsv tab txt json jsonl ndjson xlsx xlsm xlsb xls ods parquet arrow arff data dat".split())


@dataclass(frozen=True)
class ZipEntry:
    """A file in the zip. ``name`` is distinct: a second file of the same path is "a.csv (2)". ``split``: the one that its name or a folder above it tells."""

    info: zipfile.ZipInfo
    path: PurePosixPath
    name: str

    @property
    def split(self) -> str | None:
        words = [*re.split(r"[-_. ]", SHARD.sub("", self.path.stem).casefold()), *(part.casefold() for part in self.path.parts[:-1])]
        splits = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
        return splits.pop() if len(splits) == 1 else None

    @property
    def is_table(self) -> bool:
        return self.path.suffix[1:].casefold() in _TABLES and not self.is_about

    @property
    def is_about(self) -> bool:
        """Whether it says something about the data, by its name."""
        return self.path.stem.casefold() in NO_TABLES or "readme" in self.path.name.casefold()

    @property
    def is_text_file(self) -> bool:
        return self.path.suffix.casefold() == ".txt"

    @property
    def folder(self) -> str:
        """The name of the folder that it is in, without one that only names a split."""
        folder = self.path.parent.name
        return "" if folder.casefold() in SPLIT_NAMES else folder


def named_entries(infos: Sequence[zipfile.ZipInfo]) -> list[ZipEntry]:
    """The files with distinct names, by which one can be chosen."""
    seen: Counter[str] = Counter()
    entries = []
    for info in infos:
        path = info.filename.replace("\\", "/")  # some programs for Windows write it so
        seen[path] += 1
        name = path if seen[path] == 1 else f"{path} ({seen[path]})"
        entries.append(ZipEntry(info, PurePosixPath(path), name))
    return entries


def decode_entry(data: bytes) -> tuple[str, bool]:
    """The text of a file of texts, and whether its encoding is a guess."""
    try:
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), True
