"""The event log: appended events are read back, torn lines are skipped, numbers are finite or left out."""

import json
import math
import multiprocessing
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.runs.checksums import dump
from trainer.runs.events import MAX_TEXT_CHARS, EventLog, parse

FIELDS = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda name: name not in ("time", "type", "durable", "self")),
    st.one_of(st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=30), st.booleans(), st.lists(st.integers(0, 9), max_size=4)),
    max_size=4,
)


def _encodable(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@settings(max_examples=60, deadline=None)
@given(st.lists(FIELDS, max_size=8), st.floats(0, 1))
def test_every_whole_line_is_read_back_whatever_was_torn(events: list[dict], fraction: float) -> None:
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.jsonl")
        for fields in events:
            log.append("fact", **fields)
        read = list(log.read())
        assert len(read) == len(events)
        for fields, event in zip(events, read, strict=True):
            finite = {k: v for k, v in fields.items() if not (isinstance(v, float) and not math.isfinite(v))}
            clean = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in finite.items()}
            assert {k: v for k, v in event.items() if k not in ("time", "type")} == clean or any(
                "\ud800" <= c <= "\udfff" for c in str(fields)
            )
        content = log.path.read_bytes() if log.path.exists() else b""
        cut = int(fraction * len(content))
        log.path.write_bytes(content[:cut])
        log.append("after", n=1)
        survivors = list(log.read())
        assert survivors[-1]["type"] == "after"
        assert survivors[:-1] == read[: len(survivors) - 1]
        assert len(survivors) - 1 >= content[:cut].count(b"\n")


def test_infinite_and_missing_numbers_are_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("log", loss=float("nan"), accuracy=float("inf"), step=3, note=None)
    (event,) = log.read()
    assert set(event) == {"time", "type", "step"}
    json.loads(log.path.read_text(), parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))


def test_noise_is_passed_over(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_bytes(
        b'\xff\xfe\n[1, 2]\n"text"\n{"type": 3, "time": 1}\n{"type": "log"}\n\n' + dump({"type": "log", "time": 1}) + b"\n"
    )
    assert [e["type"] for e in log.read()] == ["log"]
    assert parse(log.content()).damaged == (0, 0, 0, 0, 0)


def test_an_absent_log_is_empty(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "nowhere.jsonl")
    assert list(log.read()) == []
    assert log.size() == 0


def test_a_torn_line_is_skipped_and_a_damaged_one_is_counted(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(4):
        log.append("log", step=step)
    lines = log.content().splitlines(keepends=True)
    torn = b"".join(lines[:3]) + lines[3][:-7]
    assert (len(parse(torn).events), parse(torn).damaged) == (3, ())
    # The writer that comes next says that it found one.
    log.path.write_bytes(torn)
    log.append("log", step=9)
    assert (["after_torn" in e for e in parse(log.content()).events], parse(log.content()).damaged) == ([False] * 4, ())
    # Without that word the same line is damage, and so is one that had been whole.
    log.path.write_bytes(torn + b"\n" + lines[3])
    assert parse(log.content()).damaged == (3,)
    log.path.write_bytes(b"".join(lines)[:-1] + b"X")
    assert parse(log.content()).damaged == (3,)
    log.append("log", step=9)
    assert (len(parse(log.content()).events), parse(log.content()).damaged) == (4, (3,))


def test_a_line_that_lacks_only_its_end_is_whole(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("log", step=1)
    log.path.write_bytes(log.content()[:-1])
    log.append("log", step=2)
    assert ([e["step"] for e in log.read()], parse(log.content()).damaged) == ([1, 2], ())


def test_no_byte_of_a_log_can_be_another_one_unnoticed(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(3):
        log.append("log", step=step, word="größer")
    content, whole = log.content(), parse(log.content())
    for at in range(len(content)):
        for other in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            read = parse(content[:at] + bytes([content[at] ^ other]) + content[at + 1 :])
            assert read.damaged or read == whole, (at, other)


@pytest.mark.parametrize(
    "line", [b"[" * 200_000, b'{"a":' * 50_000, b"{" + b" " * 2_000_000 + b"}", b"\x00" * 100, b'{"type": "log", "time": 1}']
)
def test_lines_beyond_reason_are_damage(tmp_path: Path, line: bytes) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("log", step=1)
    log.path.write_bytes(log.content() + line + b"\n")
    log.append("log", step=2)
    read = parse(log.content())
    assert ([e["step"] for e in read.events], read.damaged) == ([1, 2], (1,))


def test_whole_lines_removed_repeated_moved_or_added_are_told(tmp_path: Path) -> None:
    log, other = EventLog(tmp_path / "events.jsonl"), EventLog(tmp_path / "other.jsonl")
    for step in range(6):
        log.append("log", step=step)
        other.append("log", step=10 + step)
    a, b, c, d, e, f = lines = log.content().splitlines(keepends=True)
    cases = {
        "first removed": ([b, c, d, e, f], [1, 2, 3, 4, 5], 1),
        "one removed": ([a, b, d, e, f], [0, 1, 3, 4, 5], 1),
        "many removed": ([a, f], [0, 5], 1),
        "repeated at once": ([a, b, b, c, d, e, f], [0, 1, 2, 3, 4, 5], 1),
        "repeated later": ([a, b, c, d, b, e, f], [0, 1, 2, 3, 4, 5], 1),
        "repeated last": ([*lines, c], [0, 1, 2, 3, 4, 5], 1),
        "swapped": ([a, c, b, d, e, f], [0, 2, 1, 3, 4, 5], 3),
        "another log's": ([*lines, other.content().splitlines(keepends=True)[3]], [0, 1, 2, 3, 4, 5, 13], 1),
    }
    for name, (kept, steps, damaged) in cases.items():
        log.path.write_bytes(b"".join(kept))
        assert ([event["step"] for event in log.read()], len(parse(log.content()).damaged)) == (steps, damaged), name
        # What comes after is a line like any other.
        log.append("log", step=7)
        assert ([event["step"] for event in log.read()], len(parse(log.content()).damaged)) == ([*steps, 7], damaged), name


def test_a_flipped_byte_damages_one_line_and_the_next_one_counts(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(3):
        log.append("log", step=step)
    content = log.content()
    start = content.index(b"\n") + 1
    for at in range(start, content.index(b"\n", start)):
        read = parse(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert ([e["step"] for e in read.events], read.damaged) == ([0, 2], (1,)), at
        log.path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        log.append("log", step=3)
        assert parse(log.content()).damaged == (1,), at


def test_the_last_checksum_is_found_behind_lines_longer_than_a_look_at_the_end(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("created", split_notes=["x" * MAX_TEXT_CHARS] * 20)
    log.path.write_bytes(log.content() + b"y" * 300_000)
    log.append("log", step=1)
    log.append("created", split_notes=["x" * MAX_TEXT_CHARS] * 20)
    log.append("log", step=2)
    assert (len(list(log.read())), parse(log.content()).damaged) == (4, ())


def test_lines_of_one_checksum_are_not_taken_for_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Among so many lines as a long training has, two have the same CRC-32 by chance.
    monkeypatch.setattr("trainer.runs.checksums._checksum", lambda content: b"00c0ffee")
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(5):
        log.append("log", step=step)
    assert ([e["step"] for e in log.read()], parse(log.content()).damaged) == ([0, 1, 2, 3, 4], ())


def _append_many(path: Path, writer: int) -> None:
    for number in range(200):
        EventLog(path).append("fact", writer=writer, number=number)


def test_lines_of_many_writers_at_once_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append_many, args=(path, number)) for number in range(3)]
    writers += [threading.Thread(target=_append_many, args=(path, number)) for number in (3, 4)]  # type: ignore[list-item]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    read = parse(path.read_bytes())
    assert read.damaged == ()
    assert sorted((e["writer"], e["number"]) for e in read.events) == [(w, n) for w in range(5) for n in range(200)]


def test_texts_nobody_could_write_or_read_are_cleaned_and_cut(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("created", name="torn \ud800", split_notes=["x" * 50_000, "\udfff"], findings=[{"message": "y" * 50_000}])
    (event,) = log.read()
    assert event["name"] == "torn ?"
    assert event["split_notes"] == ["x" * MAX_TEXT_CHARS, "?"]
    assert event["findings"] == [{"message": "y" * MAX_TEXT_CHARS}]
