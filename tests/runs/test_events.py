"""The event log: what was appended is read back, torn lines are passed over, numbers are finite or absent."""

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.runs.checksums import dump
from trainer.runs.events import EventLog, parse

FIELDS = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda name: name not in ("time", "kind", "durable", "self")),
    st.one_of(st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=30), st.booleans(), st.lists(st.integers(0, 9), max_size=4)),
    max_size=4,
)


def _encodable(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@settings(max_examples=60, deadline=None)
@given(st.lists(FIELDS, max_size=8), st.floats(0, 1))
def test_every_whole_line_is_read_back_whatever_was_torn(events: list[dict], share: float) -> None:
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.jsonl")
        for fields in events:
            log.append("fact", **fields)
        read = list(log.read())
        assert len(read) == len(events)
        for fields, event in zip(events, read, strict=True):
            finite = {k: v for k, v in fields.items() if not (isinstance(v, float) and not math.isfinite(v))}
            clean = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in finite.items()}
            assert {k: v for k, v in event.items() if k not in ("time", "kind")} == clean or any(
                "\ud800" <= c <= "\udfff" for c in str(fields)
            )
        content = log.path.read_bytes() if log.path.exists() else b""
        cut = int(share * len(content))
        log.path.write_bytes(content[:cut])
        log.append("after", n=1)
        survivors = list(log.read())
        assert survivors[-1]["kind"] == "after"
        assert survivors[:-1] == read[: len(survivors) - 1]
        assert len(survivors) - 1 >= content[:cut].count(b"\n")


def test_infinite_and_missing_numbers_are_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("log", loss=float("nan"), accuracy=float("inf"), step=3, note=None)
    (event,) = log.read()
    assert set(event) == {"time", "kind", "step"}
    json.loads(log.path.read_text(), parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))


def test_noise_is_passed_over(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_bytes(b'\xff\xfe\n[1, 2]\n"text"\n{"kind": 3, "time": 1}\n{"kind": "log"}\n\n' + dump({"kind": "log", "time": 1}) + b"\n")
    assert [e["kind"] for e in log.read()] == ["log"]
    assert parse(log.content()).damaged == (0, 0, 0, 0, 0)


def test_an_absent_log_is_empty(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "nowhere.jsonl")
    assert list(log.read()) == []
    assert log.size() == 0
