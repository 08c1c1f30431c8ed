"""A followed log gives the same view as a complete read, and only what was added is read."""

import builtins
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runs.examples import content_of, event
from tests.runs.test_view import ANYTHING, BEGUN, EVENTS
from trainer.recipe import Recipe
from trainer.runs import log_follower
from trainer.runs.checksums import dump
from trainer.runs.event_schema import Event, dump_event
from trainer.runs.event_types import Created, Logged, Queued, Started
from trainer.runs.events import EventLog, LogParser, parse
from trainer.runs.log_follower import LogFollower
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.view_builder import ViewBuilder, build_view

RUN = "0123456789abcdef"
MORE = [
    event("log", 101.0, step=7, loss=0.5, elapsed=12.0),
    event("resumed", 102.0, step=5),
    event("eval", 103.0, step=12, macro_f1=0.4, seconds=2.0),
    event("finished", 104.0, best_step=5),
    event("queued", 105.0),
    event("cancelled", 106.0),
    event("failed", 107.0, message="why"),
]
ANY_EVENTS = st.lists(
    st.one_of(st.sampled_from([*map(dump_event, BEGUN + MORE)]), EVENTS, st.dictionaries(st.text(max_size=4), ANYTHING, max_size=3)),
    max_size=12,
)


def whole(content: bytes) -> RunView:
    log = parse(content)
    return build_view(RUN, log.events, log.damaged)


@given(ANY_EVENTS, st.lists(st.integers(0, 12), max_size=4), st.lists(st.integers(0, 12), max_size=3))
def test_events_taken_in_parts_give_the_same_view(objects: list[dict], cuts: list[int], damaged: list[int]) -> None:
    events = content_of(objects).events
    builder, at = ViewBuilder(RUN), 0
    for cut in [*sorted(cuts), len(events)]:
        builder.add(events[at:cut])
        at = max(at, cut)
        assert builder.view() == build_view(RUN, events[:at])
    assert builder.view(damaged) == build_view(RUN, events, damaged)


def lines_of(events: list[Event]) -> list[bytes]:
    """The events as a log contains them."""
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.jsonl")
        for event in events:
            log.append(event.replace(time=None))
        return log.content().splitlines(keepends=True)


KNOWN = lines_of(BEGUN + MORE + BEGUN[3:])
LINES = st.lists(
    st.one_of(
        st.sampled_from(KNOWN),
        st.sampled_from([line[:-9] for line in KNOWN]),
        st.sampled_from([line.replace(b"0", b"1") for line in KNOWN] + [b"\n", b"{}\n", b"\xff\n"]),
        st.sampled_from(MORE).map(lambda event: b"\n" + dump({**dump_event(event), "after_torn": True}) + b"\n"),
    ),
    max_size=10,
)
CONTENTS = st.one_of(st.builds(b"".join, LINES), st.integers(0, len(KNOWN)).map(lambda n: b"".join(KNOWN[:n])))


@given(CONTENTS, st.lists(st.floats(0, 1), max_size=5))
def test_a_log_that_grows_byte_by_byte_is_the_log_read_as_a_whole(content: bytes, fractions: list[float]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        follower = LogFollower(RUN, EventLog(path))
        for end in sorted(int(fraction * len(content)) for fraction in [*fractions, 1.0]):
            with open(path, "ab") as file:
                file.write(content[path.stat().st_size : end])
            assert follower.read_view() == whole(content[:end])


@given(CONTENTS, CONTENTS)
def test_a_log_that_was_cut_or_replaced_is_read_anew(first: bytes, second: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        follower = LogFollower(RUN, EventLog(path))
        assert follower.read_view() == whole(b"")
        for at, content in enumerate((first, second, first[: len(first) // 2], b"", second + first)):
            path.write_bytes(content)
            os.utime(path, (at, at))
            assert follower.read_view() == whole(content)
        path.unlink()
        assert follower.read_view() == whole(b"")


@given(CONTENTS, st.lists(st.floats(0, 1), max_size=4))
def test_lines_parsed_in_parts_are_the_same(content: bytes, fractions: list[float]) -> None:
    lines = content.splitlines(keepends=True)
    rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
    parser, at, events = LogParser(), 0, []
    for cut in sorted(int(fraction * len(lines)) for fraction in [*fractions, 1.0]):
        events += parser.feed(b"".join(lines[at:cut]))
        at = cut
    last = parser.peek(rest)
    assert (tuple(events) + last.events, last.damaged) == (parse(content).events, parse(content).damaged)


@contextmanager
def reading(monkeypatch: pytest.MonkeyPatch, path: Path) -> Iterator[list[int]]:
    """Records the number of bytes of each read."""
    read: list[int] = []

    class Counted(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            content = super().read(size)
            read.append(len(content))
            return content

        def readall(self) -> bytes:
            content = super().readall()
            read.append(len(content))
            return content

    opened = builtins.open
    with monkeypatch.context() as patched:
        patched.setattr(builtins, "open", lambda file, *how, **named: Counted(file) if file == path else opened(file, *how, **named))
        yield read


def test_only_what_was_added_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "_CHECKED_BYTES", 1_000)
    log = EventLog(tmp_path / "events.jsonl")
    for repeated in BEGUN + MORE[:1] * 200:
        log.append(repeated.replace(time=None))
    follower = LogFollower(RUN, log)
    with reading(monkeypatch, log.path) as read:
        first = follower.read_view()
    assert sum(read) == log.size() > 20_000
    for _ in range(3):
        size_before = log.size()
        log.append(Logged(step=8, loss=0.4))
        with reading(monkeypatch, log.path) as read:
            view = follower.read_view()
        assert sum(read) == 1_000 + log.size() - size_before
        assert view == whole(log.content())
        with reading(monkeypatch, log.path) as read:
            assert follower.read_view() is view
        assert read == []
    assert len(view.points) == len(first.points) + 3


def test_a_line_far_longer_than_a_part_that_is_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "_CHUNK_BYTES", 100)
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Created(name="brisk otter", owner="local", split_notes=["x" * 5_000]))
    log.append(Queued())
    view = LogFollower(RUN, log).read_view()
    assert (view.name, len(view.split_notes[0]), view.status) == ("brisk otter", 5_000, "queued")


def test_the_runs_of_a_folder_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "_CHECKED_BYTES", 1_000)
    store = RunStore(tmp_path)
    run = store.create(recipe=Recipe(), resolved=Recipe(), fill=lambda folder: None, created=Created(name="brisk otter", owner="local"))
    run.log.append(Started(total_steps=500))
    for step in range(100):
        run.log.append(Logged(step=step, loss=0.5))
    with reading(monkeypatch, run.log.path) as read:
        assert len(store.view(run).points) == 100
    assert sum(read) == run.log.size() > 10_000
    size_before = run.log.size()
    run.log.append(Logged(step=100, loss=0.5))
    with reading(monkeypatch, run.log.path) as read:
        assert len(store.view(run).points) == 101
        store.version("local")
    assert sum(read) == 1_000 + run.log.size() - size_before
