"""The event log: appended events are read back, torn lines are skipped, numbers are finite or left out."""

import json
import math
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.runs.checksums import CHECKSUM_OF_LINE, dump
from trainer.runs.event_schema import MAX_TEXT_CHARS, Event, Positive
from trainer.runs.event_types import (
    Created,
    Evaluated,
    Finished,
    Logged,
    Notice,
    Phase,
    RecordedFinding,
    Renamed,
    Started,
    describe_events,
    load_event,
)
from trainer.runs.events import EventLog, parse
from trainer.runs.view_builder import build_view

STEPS = st.integers(0, 2**40)
EVENTS = st.one_of(
    st.builds(Notice, step=st.none() | STEPS, message=st.text(max_size=30)),
    st.builds(Logged, step=STEPS, loss=st.none() | st.floats(0, 1e30) | st.sampled_from([math.nan, math.inf])),
    st.builds(Evaluated, step=STEPS, accuracy=st.floats(0, 1), unplanned=st.sampled_from([None, True])),
    st.builds(
        Created, name=st.just("brisk otter"), owner=st.text(max_size=8, alphabet="aé€🫠"), repairs=st.dictionaries(st.just("html"), STEPS)
    ),
    st.builds(Started, epoch_steps=st.lists(st.integers(1, 9), max_size=4).map(tuple)),
)


def as_read(event: Event) -> Event:
    """Without its time, and without numbers that are not finite."""
    loss = getattr(event, "loss", None)
    return event.replace(time=None, **({} if loss is None or math.isfinite(loss) else {"loss": None}))


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=8), st.floats(0, 1))
def test_every_whole_line_is_read_back_whatever_was_torn(events: list[Event], fraction: float) -> None:
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.jsonl")
        for event in events:
            log.append(event)
        read = list(log.read())
        assert [as_read(event) for event in read] == [as_read(event) for event in events]
        assert all(event.time is not None for event in read)
        content = log.path.read_bytes() if log.path.exists() else b""
        cut = int(fraction * len(content))
        log.path.write_bytes(content[:cut])
        log.append(Renamed(name="after"))
        survivors = list(log.read())
        assert as_read(survivors[-1]) == Renamed(name="after")
        assert survivors[:-1] == read[: len(survivors) - 1]
        assert len(survivors) - 1 >= content[:cut].count(b"\n")


def test_infinite_and_missing_numbers_are_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Logged(loss=float("nan"), accuracy=float("inf"), step=3, grad_norm=None))
    (event,) = log.read()
    assert event == Logged(step=3, time=event.time)
    line = json.loads(log.path.read_text(), parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))
    assert set(line) == {"time", "type", "step", "crc"}


def test_noise_is_passed_over(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_bytes(
        b'\xff\xfe\n[1, 2]\n"text"\n{"type": 3, "time": 1}\n{"type": "log"}\n\n' + dump({"type": "log", "time": 1, "step": 1}) + b"\n"
    )
    assert [e.type for e in log.read()] == ["log"]
    assert parse(log.content()).damaged == (0, 0, 0, 0, 0)


def test_an_absent_log_is_empty(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "nowhere.jsonl")
    assert list(log.read()) == []
    assert log.size() == 0


def test_a_torn_line_is_skipped_and_a_damaged_one_is_counted(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(4):
        log.append(Logged(step=step))
    lines = log.content().splitlines(keepends=True)
    torn = b"".join(lines[:3]) + lines[3][:-7]
    assert (len(parse(torn).events), parse(torn).damaged) == (3, ())
    # The writer that comes next says that it found one.
    log.path.write_bytes(torn)
    log.append(Logged(step=9))
    assert ([e.step for e in log.read()], parse(log.content()).damaged) == ([0, 1, 2, 9], ())
    # Without that word the same line is damage, and so is one that had been whole.
    log.path.write_bytes(torn + b"\n" + lines[3])
    assert parse(log.content()).damaged == (3,)
    log.path.write_bytes(b"".join(lines)[:-1] + b"X")
    assert parse(log.content()).damaged == (3,)
    log.append(Logged(step=9))
    assert (len(parse(log.content()).events), parse(log.content()).damaged) == (4, (3,))


def test_a_line_that_lacks_only_its_end_is_whole(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Logged(step=1))
    log.path.write_bytes(log.content()[:-1])
    log.append(Logged(step=2))
    assert ([e.step for e in log.read()], parse(log.content()).damaged) == ([1, 2], ())


def test_no_byte_of_a_log_can_be_another_one_unnoticed(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(3):
        log.append(Notice(step=step, message="größer"))
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
    log.append(Logged(step=1))
    log.path.write_bytes(log.content() + line + b"\n")
    log.append(Logged(step=2))
    read = parse(log.content())
    assert ([e.step for e in read.events], read.damaged) == ([1, 2], (1,))


def test_whole_lines_removed_repeated_moved_or_added_are_told(tmp_path: Path) -> None:
    log, other = EventLog(tmp_path / "events.jsonl"), EventLog(tmp_path / "other.jsonl")
    for step in range(6):
        log.append(Logged(step=step))
        other.append(Logged(step=10 + step))
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
        assert ([event.step for event in log.read()], len(parse(log.content()).damaged)) == (steps, damaged), name
        # What comes after is a line like any other.
        log.append(Logged(step=7))
        assert ([event.step for event in log.read()], len(parse(log.content()).damaged)) == ([*steps, 7], damaged), name


def test_a_flipped_byte_damages_one_line_and_the_next_one_counts(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(3):
        log.append(Logged(step=step))
    content = log.content()
    start = content.index(b"\n") + 1
    for at in range(start, content.index(b"\n", start)):
        read = parse(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert ([e.step for e in read.events], read.damaged) == ([0, 2], (1,)), at
        log.path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        log.append(Logged(step=3))
        assert parse(log.content()).damaged == (1,), at


def test_the_last_checksum_is_found_behind_lines_longer_than_a_look_at_the_end(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Created(name="a", owner="b", split_notes=("x" * MAX_TEXT_CHARS,) * 20))
    log.path.write_bytes(log.content() + b"y" * 300_000)
    log.append(Logged(step=1))
    log.append(Created(name="a", owner="b", split_notes=("x" * MAX_TEXT_CHARS,) * 20))
    log.append(Logged(step=2))
    assert (len(list(log.read())), parse(log.content()).damaged) == (4, ())


def test_lines_of_one_checksum_are_not_taken_for_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Among so many lines as a long training has, two have the same CRC-32 by chance.
    monkeypatch.setattr("trainer.runs.checksums._checksum", lambda content: b"00c0ffee")
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(5):
        log.append(Logged(step=step))
    assert ([e.step for e in log.read()], parse(log.content()).damaged) == ([0, 1, 2, 3, 4], ())


def _append_many(path: Path, writer: int) -> None:
    for number in range(200):
        EventLog(path).append(Notice(step=writer, message=str(number)))


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
    assert sorted((e.step, int(e.message)) for e in read.events) == [(w, n) for w in range(5) for n in range(200)]


def test_texts_nobody_could_write_or_read_are_cleaned_and_cut(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    finding = RecordedFinding("html", "warning", 1, "y" * 50_000)
    log.append(Created(name="torn \ud800\nand broken", owner="o", split_notes=("x" * 50_000, "\udfff"), findings=(finding,)))
    (event,) = log.read()
    assert event.name == "torn ? and broken"
    assert event.split_notes == ("x" * MAX_TEXT_CHARS, "?")
    assert event.findings == (replace(finding, message="y" * MAX_TEXT_CHARS),)


@pytest.mark.parametrize(
    "event",
    [
        Logged(step=-1),
        Logged(step=None),
        Logged(step=1, accuracy=1.5),
        Phase(what="x", stage="baking"),
        Notice(message=7),
        Renamed(name=None),
    ],
)
def test_what_would_be_damage_when_read_is_not_written(tmp_path: Path, event: Event) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    with pytest.raises((ValueError, TypeError, AttributeError)):
        log.append(event)
    assert log.size() == 0


def test_an_event_that_is_too_long_to_be_read_again_is_not_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Notice(message="first"))
    with pytest.raises(ValueError, match="at most 1,000,000"):
        log.append(Finished(result={"texts": ["x" * 9_000] * 150}))
    log.append(Notice(message="second"))
    content = parse(log.content())
    assert ([event.message for event in content.events], content.damaged) == (["first", "second"], ())


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "log"},
        {"type": "log", "step": True},
        {"type": "log", "step": 1, "unheard_of": 1},
        {"type": "unheard of", "step": 1},
        {"type": ["log"], "step": 1},
        {"step": 1},
        {"type": "queued", "time": None},
    ],
)
def test_an_intact_line_that_is_no_event_is_damage_and_the_next_one_follows_it(tmp_path: Path, fields: dict) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Logged(step=1))
    last = log.content()[CHECKSUM_OF_LINE.start - 1 :][:8].decode()
    log.path.write_bytes(log.content() + dump({"time": 1.0, **fields, "previous": last}) + b"\n")
    log.append(Logged(step=2))
    assert ([e.step for e in log.read()], parse(log.content()).damaged) == ([1, 2], (1,))


def test_a_line_without_a_time_is_damage(tmp_path: Path) -> None:
    assert parse(dump({"type": "log", "step": 1}) + b"\n").damaged == (0,)


@pytest.fixture
def rested() -> Iterator[type[Event]]:
    """A toy event, which is defined here and nowhere else; forgotten after the test."""

    class Rested(Event, type="rested"):
        """The trainer rests."""

        minutes: Positive
        where: Literal["sofa", "bed"] | None = None

    yield Rested
    del Event.types["rested"]


def test_a_toy_event_takes_one_place(tmp_path: Path, rested: type[Event]) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Created(name="brisk otter", owner="local"))
    log.append(rested(minutes=20, where="sofa"))
    # Written and read, with its type.
    assert [as_read(event) for event in log.read()][1] == rested(minutes=20, where="sofa")
    # What does not match is damage.
    for wrong in ({"minutes": 0}, {"minutes": 5, "where": "train"}, {"where": "bed"}, {"minutes": 5, "with": "cat"}):
        assert load_event({"type": "rested", "time": 1.0, **wrong}) is None, wrong
    # The view of the run is not disturbed by it.
    assert build_view("id", log.read()).damage == ()
    # And it is described.
    assert [(row.event, row.field, row.values, row.required) for row in describe_events() if row.event == "rested"] == [
        ("rested", "minutes", "a whole number, at least 1", True),
        ("rested", "where", "“sofa”, “bed”", False),
    ]
