"""Files of every format that is read, damaged at random, through a real reader: the answer is a table or a sentence, and nobody is hurt.

Draws from a seed; the same seed damages in the same way.
"""

import bz2
import gzip
import io
import json
import logging
import lzma
import random
import time
from collections import Counter
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.outcomes import Bounds, Outcome
from tests.attack.watching import children, memory
from tests.data.files.samples import make_ods, make_workbook, make_xls, make_zip
from trainer.data.files.reading import Table
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError

TRIES = 20_000
_MOST_WALL = 60.0
_NO_ANSWERS = ("reading_failed", "reader_unavailable")


def attack(bounds: Bounds) -> Outcome:
    """Read files that were flipped, cut, repeated and spliced; each format in turn."""
    draw, sound = random.Random(bounds.seed), sound_files()
    outcome, codes = Outcome(), Counter[str]()
    kinds = list(sound)
    failures = _Failures()
    logging.getLogger("emotune").addHandler(failures)
    before, beside, longest = memory(), len(children()), 0.0
    with FileReader(replaces=False) as reader:
        for number in range(bounds.of(TRIES)):
            kind = kinds[number % len(kinds)]
            data = damaged(draw, draw.choice(sound[kind]), [file for files in sound.values() for file in files])
            begun = time.monotonic()
            answer = _answer(reader, data)
            longest = max(longest, time.monotonic() - begun)
            outcome.tries += 1
            codes[answer] += 1
            if answer.startswith("failed") or answer in _NO_ANSWERS:
                outcome.effects.append(f"try {number} ({kind}): {answer} {failures.taken()}")
            if time.monotonic() - begun > _MOST_WALL:
                outcome.effects.append(f"try {number} ({kind}): took {time.monotonic() - begun:.0f} s")
    logging.getLogger("emotune").removeHandler(failures)
    if (left := len(children()) - beside) > 0:
        outcome.effects.append(f"{left} children were left behind")
    if (grown := memory() - before) > 200:
        outcome.effects.append(f"the memory of this process grew by {grown:.0f} MB")
    outcome.figures = {"longest_seconds": round(longest, 2), "grown_mb": round(grown), **dict(codes.most_common())}
    return outcome


class _Failures(logging.Handler):
    """What the reader says of mistakes of ours."""

    def __init__(self) -> None:
        super().__init__()
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())

    def taken(self) -> str:
        said, self._said = " ".join(self._said), []
        return said


def _answer(reader: FileReader, data: bytes) -> str:
    try:
        table = reader.read(data)
    except UserError as refusal:
        return refusal.code if refusal.message.endswith(".") else f"failed: {refusal.message}"
    except BaseException as error:
        return f"failed: {error!r}"
    whole = isinstance(table, Table) and len(table.rows) == len(table.lines) and all(len(row) == len(table.columns) for row in table.rows)
    return "read" if whole else "failed: a table that is none"


def damaged(draw: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Bytes that were flipped, cut, repeated or spliced with those of another file, once or several times."""
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        if not data:
            return data
        data = draw.choice(_DAMAGES)(draw, data, others)
    return data


def _flipped(draw: random.Random, data: bytes, _: list[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        changed[draw.randrange(len(changed))] = draw.choice((draw.randrange(256), 0, 0xFF, 0x22, 0x0A, 0x7F))
    return bytes(changed)


def _cut(draw: random.Random, data: bytes, _: list[bytes]) -> bytes:
    begin, end = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
    return draw.choice((data[:end], data[:begin] + data[end:], data[begin:]))


def _repeated(draw: random.Random, data: bytes, _: list[bytes]) -> bytes:
    begin = draw.randrange(len(data))
    end = min(len(data), begin + draw.choice((1, 4, 64, 4096)))
    return (data[:begin] + data[begin:end] * draw.choice((2, 3, 50, 1_000)) + data[end:])[: 4 << 20]


def _spliced(draw: random.Random, data: bytes, others: list[bytes]) -> bytes:
    other = draw.choice(others)
    begin, end = sorted((draw.randrange(len(other) + 1), draw.randrange(len(other) + 1)))
    at = draw.randrange(len(data) + 1)
    return data[:at] + other[begin:end] + data[draw.choice((at, min(len(data), at + end - begin))) :]


_DAMAGES: tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...] = (_flipped, _flipped, _cut, _repeated, _spliced)


def sound_files() -> dict[str, list[bytes]]:
    """By format, files that are read; each damage begins with one."""
    rows = [(f"This is text number {n}, “quoted” \N{SLIGHTLY SMILING FACE} é", "joy" if n % 2 else "sadness", n) for n in range(60)]
    cells = [["text", "label", "n"], *map(list, rows)]
    text = "".join(f'"{a}";{b};{n}\n' for a, b, n in rows)
    csv = "text,label,n\n" + "".join(f'"{a}",{b},{n}\n' for a, b, n in rows)
    objects = [{"text": a, "label": b, "n": n, "more": {"cats": {"x": 1.0}, "list": [n, None, True]}} for a, b, n in rows]
    book, plain = make_workbook({"S": cells, "T": cells[:3]}), csv.encode()
    return {
        "csv": [plain, text.encode("cp1252", "replace"), csv.encode("utf-16"), csv.replace("\n", "\r\n").encode("utf-8-sig")],
        "tsv": ["".join(f"{a}\t{b}\t{n}\n" for a, b, n in rows).encode()],
        "json": [json.dumps(objects).encode(), json.dumps({"text": [a for a, *_ in rows], "label": [b for _, b, _ in rows]}).encode()],
        "jsonl": ["\n".join(map(json.dumps, objects)).encode()],
        "xlsx": [book],
        "xls": [make_xls(cells)],
        "ods": [make_ods(cells)],
        "parquet": _parquets(rows),
        "zip": [make_zip({"a.csv": csv}), make_zip({"a.xlsx": book})],
        "gz": [gzip.compress(plain, mtime=0), gzip.compress(book, mtime=0)],
        "bz2": [bz2.compress(plain)],
        "xz": [lzma.compress(plain), lzma.compress(_parquets(rows)[0])],
    }


def _parquets(rows: list[tuple[str, str, int]]) -> list[bytes]:
    texts, labels, numbers = zip(*rows, strict=True)
    table = pa.table(
        {
            "text": texts,
            "label": pa.array(labels).dictionary_encode(),
            "n": numbers,
            "x": pa.array([n / 3 for n in numbers]),
            "tags": [[label] for label in labels],
            "picture": [{"bytes": b"x", "path": None}] * len(rows),
        }
    )
    files = []
    for how in ({}, {"compression": "zstd", "row_group_size": 20}, {"compression": "none", "use_dictionary": False, "version": "1.0"}):
        sink = io.BytesIO()
        pq.write_table(table, sink, **how)
        files.append(sink.getvalue())
    return files
