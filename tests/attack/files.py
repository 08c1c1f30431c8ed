"""Files of every supported format, damaged at random, read by a real reader: the result is a table or an error message.

The same seed repeats the same damage.
"""

import bz2
import gzip
import io
import json
import logging
import lzma
import random
import re
import struct
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.process_cost import child_processes, resident_megabytes
from tests.data.files.samples import make_ods, make_workbook, make_xls, make_zip
from trainer.data.files.table import Table
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError

TRIES = 20_000
_MAX_SECONDS = 60.0
_INTERNAL_ERRORS = ("reading_failed", "reader_unavailable")


def attack(options: AttackOptions) -> Outcome:
    """Read files with flipped, cut, repeated and spliced bytes; each format in turn."""
    rng, valid_files = random.Random(options.seed), make_valid_files()
    outcome, results = Outcome(), Counter[str]()
    formats = list(valid_files)
    log = _LogMessages()
    logging.getLogger("emotune").addHandler(log)
    memory_before, children_before, max_seconds = resident_megabytes(), len(child_processes()), 0.0
    with FileReader(replaces=False) as reader:
        for number in range(options.scaled(TRIES)):
            file_format = formats[number % len(formats)]
            data = damage(rng, rng.choice(valid_files[file_format]), [file for files in valid_files.values() for file in files])
            started = time.monotonic()
            result = _read(reader, data)
            seconds = time.monotonic() - started
            max_seconds = max(max_seconds, seconds)
            outcome.tries += 1
            results[result] += 1
            if result.startswith("failed") or result in _INTERNAL_ERRORS:
                outcome.effects.append(f"try {number} ({file_format}): {result} {log.pop()}")
            if seconds > _MAX_SECONDS:
                outcome.effects.append(f"try {number} ({file_format}): took {seconds:.0f} s")
    logging.getLogger("emotune").removeHandler(log)
    if (left := len(child_processes()) - children_before) > 0:
        outcome.effects.append(f"{left} children were left behind")
    if (growth := resident_megabytes() - memory_before) > 200:
        outcome.effects.append(f"the memory of this process grew by {growth:.0f} MB")
    outcome.figures = {"max_seconds": round(max_seconds, 2), "growth_mb": round(growth), **dict(results.most_common())}
    return outcome


class _LogMessages(logging.Handler):
    """Collects what the reader logs about internal errors."""

    def __init__(self) -> None:
        super().__init__()
        self._messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())

    def pop(self) -> str:
        """The messages since the last call."""
        messages, self._messages = " ".join(self._messages), []
        return messages


def _read(reader: FileReader, data: bytes) -> str:
    try:
        table = reader.read(data)
    except UserError as refusal:
        return refusal.code if refusal.message.endswith(".") else f"failed: {refusal.message}"
    except BaseException as error:
        return f"failed: {error!r}"
    complete = (
        isinstance(table, Table) and len(table.rows) == len(table.lines) and all(len(row) == len(table.columns) for row in table.rows)
    )
    return "read" if complete else "failed: an inconsistent table"


def damage(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Flip, cut or repeat bytes, or splice in those of another file, once or several times."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not data:
            return data
        data = rng.choice(_DAMAGES)(rng, data, others)
    return data


def _flip(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        damaged[rng.randrange(len(damaged))] = rng.choice((rng.randrange(256), 0, 0xFF, 0x22, 0x0A, 0x7F))
    return bytes(damaged)


def _cut(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    begin, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return rng.choice((data[:end], data[:begin] + data[end:], data[begin:]))


def _repeat(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    begin = rng.randrange(len(data))
    end = min(len(data), begin + rng.choice((1, 4, 64, 4096)))
    return (data[:begin] + data[begin:end] * rng.choice((2, 3, 50, 1_000)) + data[end:])[: 4 << 20]


def _splice(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    begin, end = sorted((rng.randrange(len(other) + 1), rng.randrange(len(other) + 1)))
    at = rng.randrange(len(data) + 1)
    return data[:at] + other[begin:end] + data[rng.choice((at, min(len(data), at + end - begin))) :]


def _damage_inside(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Damage one file of a zip and pack it again, so that the damage reaches the parser of what is inside; flip bytes of another file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, EOFError, OSError, NotImplementedError, RuntimeError):
        files = {}
    name = rng.choice(list(files) or [""])
    if not files.get(name):
        return _flip(rng, data, others)
    return make_zip(files | {name: rng.choice((_flip, _cut, _repeat, _splice, _swap_numbers))(rng, files[name], others)})


def _swap_numbers(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    """Write another number in place of one in a text, often a far too big one."""
    numbers = list(re.finditer(rb"[0-9]+", data))
    if not numbers:
        return data
    number = rng.choice(numbers)
    new = rng.choice((b"0", b"-1", b"65536", b"1048576", b"1048577", b"16777216", b"2147483647", b"4294967295", b"99999999999999999999"))
    return data[: number.start()] + new + data[number.end() :]


_DAMAGES: tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...] = (_flip, _flip, _cut, _repeat, _splice, _damage_inside)


def make_valid_files() -> dict[str, list[bytes]]:
    """Readable files by format, to be damaged."""
    rows = [(f"This is text number {n}, “quoted” \N{SLIGHTLY SMILING FACE} é", "joy" if n % 2 else "sadness", n) for n in range(60)]
    cells = [["text", "label", "n"], *map(list, rows)]
    text = "".join(f'"{a}";{b};{n}\n' for a, b, n in rows)
    csv = "text,label,n\n" + "".join(f'"{a}",{b},{n}\n' for a, b, n in rows)
    objects = [{"text": a, "label": b, "n": n, "more": {"cats": {"x": 1.0}, "list": [n, None, True]}} for a, b, n in rows]
    book, plain = make_workbook({"S": cells, "T": cells[:3]}), csv.encode()
    lines = {label: "".join(f"{a}\n" for a, b, _ in rows if b == label) for label in ("joy", "sadness")}
    html = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{n}</td></tr>\n" for a, b, n in rows)
    return {
        "csv": [plain, text.encode("cp1252", "replace"), csv.encode("utf-16"), csv.replace("\n", "\r\n").encode("utf-8-sig")],
        "tsv": ["".join(f"{a}\t{b}\t{n}\n" for a, b, n in rows).encode()],
        "json": [json.dumps(objects).encode(), json.dumps({"text": [a for a, *_ in rows], "label": [b for _, b, _ in rows]}).encode()],
        "jsonl": ["\n".join(map(json.dumps, objects)).encode()],
        "xlsx": [book],
        "xls": [make_xls(cells, hidden=(3, 7))],
        "ods": [make_ods(cells, hidden=(3, 7))],
        "parquet": _parquets(rows),
        "arrow": _arrows(rows),
        "html": [f"<html><body><table><tr><th>text</th><th>label</th><th>n</th></tr>\n{html}</table></body></html>".encode()],
        "lines": ["".join(f"__label__{b} {a}\n" for a, b, _ in rows).encode(), "".join(f"{b}:{n} {a}\n" for a, b, n in rows).encode()],
        "zip": [
            make_zip({"a.csv": csv}),
            make_zip({"a.xlsx": book}),
            make_zip({"train.csv": csv, "test.csv": csv, "README.md": "# texts"}),
            make_zip({f"{label}/{n}.txt": text for label in lines for n, text in enumerate(lines[label].splitlines())}),
            make_zip({f"{label}.txt": text for label, text in lines.items()}),
        ],
        "gz": [gzip.compress(plain, mtime=0), gzip.compress(book, mtime=0)],
        "bz2": [bz2.compress(plain)],
        "xz": [lzma.compress(plain), lzma.compress(_parquets(rows)[0])],
    }


def _table(rows: list[tuple[str, str, int]]) -> pa.Table:
    texts, labels, numbers = zip(*rows, strict=True)
    return pa.table(
        {
            "text": texts,
            "label": pa.array(labels).dictionary_encode(),
            "n": numbers,
            "x": pa.array([n / 3 for n in numbers]),
            "tags": [[label] for label in labels],
            "picture": [{"bytes": b"x", "path": None}] * len(rows),
        }
    )


def _arrows(rows: list[tuple[str, str, int]]) -> list[bytes]:
    """The file and the stream, which ``datasets`` saves."""
    table, files = _table(rows), []
    for new_writer in (pa.ipc.new_file, pa.ipc.new_stream):
        sink = io.BytesIO()
        with new_writer(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=20)
        files.append(sink.getvalue())
    return files


def _parquets(rows: list[tuple[str, str, int]]) -> list[bytes]:
    table, files = _table(rows), []
    for options in ({}, {"compression": "zstd", "row_group_size": 20}, {"compression": "none", "use_dictionary": False, "version": "1.0"}):
        sink = io.BytesIO()
        pq.write_table(table, sink, **options)
        files.append(sink.getvalue())
    return files
