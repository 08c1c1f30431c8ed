"""Files read by children: whatever a file does to its reader, the result is a table or a UserError, and the next file is read."""

import gzip
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.addresses import TIMEOUT_SECONDS
from tests.child_processes import popen
from tests.data.files.samples import make_ods, make_zip
from tests.readers import InProcessReader
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits, Table
from trainer.data.reader import child_process, resource_limits
from trainer.data.reader.file_reader import FileReader, TableReader
from trainer.data.rewrite.edits import AddedColumn, Edits
from trainer.data.rewrite.rewrite_file import rewrite
from trainer.errors import UserError

CSV = b"text,label\nhello there you,joy\nbye bye now,sad\n"
ROOT = Path(__file__).resolve().parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the limits of Linux")


@pytest.fixture(scope="module")
def odd_reader() -> Iterator[FileReader]:
    """A reader whose children do what the file says ("odd: abort")."""
    with pytest.MonkeyPatch.context() as patched, FileReader() as made:
        patched.setattr(child_process, "_CHILD_MODULE", "tests.data.reader.odd_child")
        yield made


def refusal_of(reader: FileReader, data: bytes) -> UserError:
    with pytest.raises(UserError) as refusal:
        reader.read(data)
    return refusal.value


def children() -> set[int]:
    """The process ids of the reader children of this process."""
    pids = set()
    for process in psutil.Process().children():
        with suppress(psutil.Error):  # it is just ending
            if any("reader" in word for word in process.cmdline()):
                pids.add(process.pid)
    return pids


@pytest.mark.parametrize(
    ("action", "code", "message"),
    [
        ("abort", "file_damaged", "the process that read it ended suddenly"),
        ("kill", "file_too_heavy", "more memory"),
        pytest.param("spin", "file_too_heavy", "seconds of computing", marks=linux),
        pytest.param("memory", "file_too_heavy", "more memory", marks=linux),
        ("garbage", "file_damaged", "ended suddenly"),
    ],
)
def test_a_file_that_ends_its_reader_is_an_error_and_the_next_one_is_read(
    odd_reader: FileReader, action: str, code: str, message: str
) -> None:
    refusal = refusal_of(odd_reader, f"odd: {action}".encode())
    assert (refusal.code, message in refusal.message, refusal.message[-1]) == (code, True, ".")
    assert odd_reader.read(CSV) == read_table(CSV)


@linux
def test_a_workbook_that_repeats_a_row_without_end_is_refused_and_the_next_one_is_read() -> None:
    rows = [["text", "label"], *([f"this is text {n}", "joy"] for n in range(3))]
    with zipfile.ZipFile(io.BytesIO(make_ods(rows))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    endless = parts["content.xml"].replace(b"<table:table-row", b'<table:table-row table:number-rows-repeated="2147483647"')
    with FileReader(replaces=False) as reader:
        refusal = refusal_of(reader, make_zip(parts | {"content.xml": endless}))
        assert (refusal.code, refusal.message[-1]) == ("spreadsheet_file", ".")
        assert "asks for far too much memory" in refusal.message
        assert len(reader.read(make_ods(rows)).rows) == 3


def test_a_file_that_ended_three_readers_is_not_read_again(odd_reader: FileReader) -> None:
    for _ in range(3):
        assert "ended suddenly" in refusal_of(odd_reader, b"odd: abort\nthrice").message
    assert "has ended the process that reads files 3 times" in refusal_of(odd_reader, b"odd: abort\nthrice").message
    assert "ended suddenly" in refusal_of(odd_reader, b"odd: abort\nonce").message
    assert odd_reader.read(CSV) == read_table(CSV)


def test_a_file_that_is_refused_in_words_may_be_tried_as_often_as_one_likes(odd_reader: FileReader) -> None:
    for _ in range(5):
        assert refusal_of(odd_reader, b"\x1f\x8b\x08 cut short").code == "file_damaged"


def test_a_file_that_keeps_its_reader_waiting_is_given_up(odd_reader: FileReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_limits, "wall_seconds", lambda weight: 0.1)
    assert refusal_of(odd_reader, b"odd: sleep").code == "file_too_heavy"


def test_what_a_library_prints_is_no_answer(odd_reader: FileReader) -> None:
    assert odd_reader.read(b"odd: print\n" + CSV).columns == ("text", "label")


def test_a_bug_is_logged_without_the_content_of_the_file(odd_reader: FileReader, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert refusal_of(odd_reader, b"odd: fail some secret").code == "reading_failed"
    assert "IndexError in" in caplog.text
    assert "secret" not in caplog.text


@linux
def test_a_reader_knows_no_page_and_no_model_and_may_write_nothing(odd_reader: FileReader) -> None:
    odd_reader.read(CSV)
    modules = set(refusal_of(odd_reader, b"odd: modules").message.split())
    assert "sys" in modules
    assert modules & {"gradio", "torch", "transformers", "sklearn", "pandas"} == set()
    # They cost each child a fifth of a second before its first file.
    assert modules & {"trainer.data.corpus", "trainer.data.text_rows"} == set()
    limits = dict(limit.split("=") for limit in refusal_of(odd_reader, b"odd: limits").message.split())
    assert (limits["RLIMIT_CORE"], limits["RLIMIT_FSIZE"]) == ("0", "0")
    assert resource_limits.memory_bytes(0) < int(limits["RLIMIT_AS"]) < resource_limits.memory_bytes(0) + (1 << 30)


@linux
def test_a_reader_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("EMOTUNE_PASSWORD", "secret")
    children_before = children()
    with FileReader() as reader:
        reader.read(CSV)
        (child,) = children() - children_before
        assert b"secret" not in Path(f"/proc/{child}/environ").read_bytes()
    assert children() == children_before


def test_a_child_that_was_ended_while_it_waited_costs_no_file(odd_reader: FileReader) -> None:
    odd_reader.read(CSV)
    for waiting in children():
        os.kill(waiting, signal.SIGTERM)
    assert odd_reader.read(CSV) == read_table(CSV)


def test_where_no_child_can_be_started_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with FileReader() as reader:
        monkeypatch.setattr(subprocess, "Popen", fails)
        refusal = refusal_of(reader, CSV)
        assert (refusal.code, "Resource temporarily unavailable" in refusal.message) == ("reader_unavailable", True)
        monkeypatch.undo()
        assert reader.read(CSV) == read_table(CSV)


def test_a_small_file_does_not_wait_for_big_ones(odd_reader: FileReader, tmp_path: Path) -> None:
    big_file = f"odd: hold {tmp_path / 'go'}\n".encode() + CSV + b"more words here,joy\n" * 250_000
    n_rows: list[int] = []
    readers = [threading.Thread(target=lambda: n_rows.append(len(odd_reader.read(big_file).rows))) for _ in range(3)]
    odd_reader.read(CSV)
    for thread in readers:
        thread.start()
    # As many as are read at the same time; the third one waits for one of them.
    while len(list(tmp_path.glob("go-*"))) < 2:
        time.sleep(0.01)
    assert odd_reader.read(CSV) == read_table(CSV)
    assert n_rows == []
    (tmp_path / "go").touch()
    for thread in readers:
        thread.join()
    assert n_rows == [250_002] * 3


def test_a_child_reads_no_more_after_a_big_file_so_that_its_memory_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "_CHILD_MODULE", "tests.data.reader.odd_child")
    child, request = child_process.ChildProcess(), json.dumps({"limits": asdict(Limits())}).encode()
    try:
        assert (child.ask(request, CSV), child.usable) == (read_table(CSV), True)
        compressed = gzip.compress(CSV + b"more words here,joy\n" * 250_000)
        assert (len(child.ask(request, compressed).rows), child.usable) == (250_002, False)
    finally:
        child.close()
    child = child_process.ChildProcess()
    try:
        assert (len(child.ask(request, b"odd: grow\n" + CSV).columns), child.usable) == (2, False)
    finally:
        child.close()


_PARENT = """
import sys, threading, time
from pathlib import Path
from trainer.data.reader import child_process
from trainer.data.reader.file_reader import FileReader

child_process._CHILD_MODULE = "tests.data.reader.odd_child"
reader = FileReader()
reader.read(b"text,label\\nhello there,joy\\n")
go = Path(sys.argv[1])
threading.Thread(target=reader.read, args=(f"odd: hold {go}".encode(),), daemon=True).start()
while not (held := list(go.parent.glob(f"{go.name}-*"))):
    time.sleep(0.01)
print(held[0].name.rpartition("-")[2], flush=True)
threading.Event().wait()
"""


@linux
def test_a_child_ends_with_its_parent_even_in_the_middle_of_a_file(tmp_path: Path) -> None:
    with popen([sys.executable, "-c", _PARENT, str(tmp_path / "go")], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert psutil.wait_procs([child], timeout=TIMEOUT_SECONDS)[1] == []


# --- the same table as without a child --------------------------------------------------------------------------------

_word = st.text(st.sampled_from("abcXYZ éüжя日本😀'\"-.!?0123456789\x00\x1f\t"), max_size=12)
_row = st.tuples(_word, _word, st.sampled_from(["joy", "fear", "", "01", "NA"]))
_csv = st.lists(_row, min_size=1, max_size=30).map(lambda rows: "text,other,label\n" + "".join(f"{','.join(row)}\n" for row in rows))
_json = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.one_of(_word, st.integers(), st.none(), st.just("\ud800x")), min_size=1), min_size=1
)


@settings(max_examples=80)
@given(
    data=st.one_of(_csv.map(lambda text: text.encode("utf-16")), _csv.map(str.encode), _json.map(lambda rows: json.dumps(rows).encode()))
)
def test_a_child_reads_what_is_read_here(reader: FileReader, data: bytes) -> None:
    assert outcome_of(reader, data) == outcome_of(InProcessReader(), data)


def outcome_of(reader: TableReader, data: bytes, **options: object) -> Table | tuple[str, str]:
    try:
        return reader.read(data, **options)
    except UserError as refusal:
        return refusal.code, refusal.message


def test_how_a_file_is_read_and_its_limits_reach_the_child(reader: FileReader) -> None:
    data = "größe;ort\neins;zwei\n".encode("cp1252")
    options = {"delimiter": ";", "header": True, "encoding": "cp1252"}
    assert reader.read(data, **options) == read_table(data, **options)
    assert outcome_of(reader, CSV, max_rows=1)[0] == "too_many_rows"
    several = make_zip({"a.csv": CSV, "b.csv": b"body,class\nhello there you,joy\nbye to all,sad\n"})
    for part in ("a.csv", "b.csv", None):
        table = reader.read(several, part=part)
        assert table == read_table(several, part=part)
        assert [p.name for p in table.parts] == ["a.csv", "b.csv"]


def test_a_child_changes_what_is_changed_here(reader: FileReader) -> None:
    added = (AddedColumn("class", ["joy", "fear"]), AddedColumn("p", ["0.5", ""], "number"))
    edits = Edits(1, {0: "féar"}, frozenset({1}), added)
    assert reader.rewrite(CSV, edits) == rewrite(CSV, edits, Limits())
    with pytest.raises(UserError) as refusal:
        reader.rewrite(CSV, Edits(dropped=frozenset({0, 1})))
    assert refusal.value.code == "nothing_left"
