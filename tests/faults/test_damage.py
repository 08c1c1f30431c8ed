"""Any byte that is another one or missing in any file of a run, any event field of another type or size, is told, and takes nothing else down."""

import json
import random
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import small_rows, write_rows
from trainer import __main__ as terminal
from trainer.charts.curves import accuracy_chart, loss_chart
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.evaluation.diagnostics import diagnose
from trainer.jobs import pipeline
from trainer.recipe import Recipe
from trainer.runs import integrity
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_schema import EVENT_TYPES
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER as ME
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import endpoints, results_tab, runs_list, train_tab, train_view
from trainer.ui.run_names import title
from trainer.ui.status_bar import status_bar_html

RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)
TEXTS = ["happy sunny laugh", "lonely tears"]
WITHOUT_SEAL = ("lock", "alive", "heartbeat", "error.log", "processes.log", "stop")
"""Nothing in them could be wrong."""


@dataclass(frozen=True)
class Pair:
    """A runs folder with two finished runs; one is damaged, the other must not notice."""

    studio: Studio
    run: str
    other: str

    @property
    def folder(self) -> Path:
        return self.studio.settings.runs_dir / self.run


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Path:
    """Two runs trained alike."""
    folder = tmp_path_factory.mktemp("template")
    path = write_rows(folder / "moods.csv", small_rows(120))
    studio = Studio(Settings(runs_dir=folder / "runs", save_seconds=0), encoders=[tiny_encoder], reader=reader)
    for _ in range(2):
        view = studio.train_files(ME, {"main": (path.name, path)}, RECIPE)
        assert studio.wait(ME, view.id, 120).status == "finished"
    studio.close()
    shutil.rmtree(folder / "runs" / "drafts", ignore_errors=True)
    return folder / "runs"


@pytest.fixture
def duplicate_mask(pair: Path, tmp_path: Path, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Callable[[], Pair]]:
    """Each call hands out copies of the two, byte by byte, in the same place, under a studio that has seen neither."""
    runs = tmp_path / "runs"
    other, one = (view.id for view in RunStore(pair).list(ME))

    def copy() -> Pair:
        shutil.rmtree(runs, ignore_errors=True)
        shutil.copytree(pair, runs)
        studio = Studio(Settings(runs_dir=runs), encoders=[tiny_encoder], reader=reader)
        studio._enqueue = lambda run: None  # type: ignore[method-assign]  # nothing is trained here
        return Pair(studio, one, other)

    yield copy
    shutil.rmtree(runs, ignore_errors=True)


def drawn_on_the_page(view: RunView) -> str:
    """All that the page, the API and the terminal make of a view; what it is does not matter, but that it can be made."""
    pieces = [
        runs_list.table_html([view], {view.id: title(view)}, {}),
        runs_list.version([view]),
        status_bar_html([view], {view.id: title(view)}, None, now=view.queued),
        train_view.head(view, title(view)),
        train_view.details(view, diagnose(view, None)),
        train_view.footer(view, None, None),
        str(loss_chart(train_tab._curves(view))),
        str(accuracy_chart(train_tab._curves(view))),
        json.dumps(endpoints._progress(view), allow_nan=False),
        json.dumps(terminal._run_json(view, Path("x")), allow_nan=False),
        *(d.message for d in diagnose(view, None)),
    ]
    return "".join(pieces).encode("utf-8").decode()


def results_shown(pair: Pair) -> str:
    tab = results_tab.ResultsTab(*"headline body matrix matrix_as confusions classes foot".split())
    return results_tab.show(tab, pair.studio, pair.run, "Counts")["headline"]


def zipped(pair: Pair) -> list[tuple[str, bytes]]:
    target = pair.folder.parent / "model.zip"
    pair.studio.zip_model(ME, pair.run, target)
    with zipfile.ZipFile(target) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def compared(pair: Pair) -> Any:
    comparison = pair.studio.compare(ME, [pair.run, pair.other])
    return [(run.recipe, run.scores, run.problem) for run in comparison.runs], [paired.p for _, paired in comparison.against]


USES: dict[str, Callable[[Pair], Any]] = {
    "view": lambda p: replace(p.studio.view(ME, p.run), damage=()),
    "recipe": lambda p: p.studio.recipe(ME, p.run),
    "reports": lambda p: [r.to_dict() for r in vars(p.studio.reports(ME, p.run)).values()],
    "compare": compared,
    "predict": lambda p: [q.probabilities.tolist() for q in p.studio.predict(ME, p.run, TEXTS)[1]],
    "zip": zipped,
    "rows": lambda p: [pipeline.load_run_rows(Run(p.folder))[0].texts, pipeline.load_run_rows(Run(p.folder))[0].label_ids.tolist()],
    "source": lambda p: (p.folder / "source").read_bytes() if not p.studio.damage(ME, p.run) else None,
    "resume": lambda p: p.studio.resume(ME, p.run, more_epochs=1).status,
}


def outcomes(pair: Pair) -> tuple[dict[str, Any], set[str], list[str]]:
    """What each use gives; which were refused in words; and what was raised that is none."""
    values, refused, raised = {}, set(), []
    for name, use in USES.items():
        try:
            values[name] = use(pair)
        except UserError as error:
            refused.add(name)
            if not error.message.endswith("."):
                raised.append(f"{name}: no sentence: {error.message}")
        except Exception as error:
            raised.append(f"{name}: {type(error).__name__}: {error}"[:200])
    return values, refused, raised


def nothing_else_is_down(pair: Pair) -> None:
    """The list, the tick, the pickers and a server's start live on; the damaged run can be looked at, named and deleted."""
    studio = pair.studio
    views = {view.id: view for view in studio.runs(ME)}
    assert set(views) == {pair.run, pair.other}
    assert not views[pair.other].damage
    assert not studio.damage(ME, pair.other)
    for view in views.values():
        assert drawn_on_the_page(replace(view, damage=studio.damage(ME, view.id)))
    assert studio.token(ME)
    studio.recover()


def goes_away(pair: Pair) -> None:
    studio, view = pair.studio, pair.studio.view(ME, pair.run)
    assert studio.rename(ME, pair.run, "another name").name == "another name"
    if view.live:
        studio.stop(ME, pair.run)
    studio.delete(ME, pair.run)
    # What was done to the copy before may have made it a child.
    for child in [view for view in studio.runs(ME) if view.parent == pair.run]:
        studio.stop(ME, child.id)
        studio.delete(ME, child.id)
    assert [view.id for view in studio.runs(ME)] == [pair.other]
    assert not pair.folder.exists()


def harms(content: bytes, source: random.Random, *, flips: int, cuts: int) -> Iterator[tuple[str, bytes | None]]:
    """The content with a byte changed, cut, emptied; None for a file that is removed."""
    for at in sorted(source.sample(range(len(content)), min(flips, len(content)))):
        flipped = bytearray(content)
        flipped[at] ^= source.randint(1, 255)
        yield f"byte {at} flipped", bytes(flipped)
    for at in sorted(source.sample(range(1, len(content)), min(cuts, len(content) - 1))):
        yield f"cut at {at}", content[:at]
    yield "emptied", b""
    yield "removed", None


def training_is_refused(pair: Pair) -> bool:
    """Whether the training that a press on Resume has begun says that its state is damaged: only it reads states, a press looks at their sizes."""
    try:
        pipeline.require_checkpoint(Checkpoints(pair.folder / "checkpoints", pair.run), "it")
    except UserError as error:
        return error.code == "run_damaged"
    return False


def damage_each_file(copies: Callable[[], Pair], *, flips: int, cuts: int) -> dict[str, int]:
    """Damage every file of a run in turn; counts of cases, silent ones, tracebacks, and of those that were told."""
    pair = copies()
    files = sorted(str(f.relative_to(pair.folder)) for f in pair.folder.rglob("*") if f.is_file())
    whole, refused, raised = outcomes(pair)
    assert (refused, raised) == (set(), [])
    counts, faults, source = {"files": len(files), "cases": 0, "silent": 0, "tracebacks": 0, "told": 0, "equal": 0}, [], random.Random(11)
    for name in files:
        content = (copies().folder / name).read_bytes()
        for harm, harmed in harms(content, source, flips=flips, cuts=cuts) if content else [("removed", None)]:
            pair = copies()
            file = pair.folder / name
            file.unlink() if harmed is None else file.write_bytes(harmed)
            nothing_else_is_down(pair)
            damage = pair.studio.damage(ME, pair.run)
            shown = results_shown(pair) if pair.studio.view(ME, pair.run).has_model else ""
            values, refused, raised = outcomes(pair)
            told = bool(damage) or (name.startswith("checkpoints") and (refused == {"resume"} or training_is_refused(pair)))
            assert all(sentence.endswith(".") for sentence in damage)
            assert not damage or not shown or "em-error" in shown
            equal = {use: value for use, value in values.items() if use != "source"} == {u: v for u, v in whole.items() if u != "source"}
            matters = not name.startswith(WITHOUT_SEAL)
            counts["cases"] += 1
            counts["told"] += told
            counts["equal"] += equal
            if raised:
                counts["tracebacks"] += 1
                faults.append(f"{name} {harm}: {raised}")
            if (matters and not told) or not (told or equal):
                counts["silent"] += 1
                faults.append(f"{name} {harm}: nothing was said")
            # What is used although something is damaged is what it was; only what the log says may lack something.
            for use in values.keys() - {"source", "resume", "view", "compare"}:
                if values[use] != whole[use] and not (use == "zip" and name == "events.jsonl"):
                    faults.append(f"{name} {harm}: {use} gave something else")
            goes_away(pair)
    print(f"damaged files: {counts}")
    assert not faults, "\n".join(faults[:20])
    return counts


def test_a_damaged_file_of_a_run_is_told_and_takes_nothing_else_down(copies: Callable[[], Pair]) -> None:
    assert damage_each_file(copies, flips=1, cuts=1)["silent"] == 0


@pytest.mark.slow
def test_each_file_of_a_run_flipped_20_times_cut_at_5_places_emptied_and_removed(copies: Callable[[], Pair]) -> None:
    assert damage_each_file(copies, flips=20, cuts=5)["silent"] == 0


# Events

MORE_EVENTS: list[dict[str, Any]] = [
    {"kind": "renamed", "name": "calm fox"},
    {"kind": "notice", "message": "It ended early.", "step": 3},
    {"kind": "resumed", "step": 2, "best_step": 2},
    {"kind": "phase", "what": "saving the model", "stage": "saving", "done": 0.5},
    {"kind": "queued", "texts_at_a_time": 8},
    {"kind": "baseline", "problem": "MemoryError: too many words"},
    *({"kind": kind, "message": "why", "code": "disk", "seconds": 2.0, "fewer_texts": 8} for kind in ("stopped", "failed", "cancelled")),
]


def wrong_values(name: str, value: Any) -> list[Any]:
    """Eight values that the field of an event never has."""
    other_type = 7 if isinstance(value, str) else "seven"
    return [None, other_type, float("nan"), 1e300, -1, "x" * 100_000, [[["x"]]], value is not True]


def line(event: dict[str, Any], *, checksum: bytes | None = None) -> bytes:
    body = json.dumps({**event, "crc": ""}).encode()[:-2]
    return body + (checksum or b"%08x" % zlib.crc32(body)) + b'"}\n'


def log_of(events: list[dict[str, Any]], *, wrong: int | None = None) -> bytes:
    """The lines of a log, each after the one before it; the checksum of the one at ``wrong`` is another one."""
    lines: list[bytes] = []
    for at, event in enumerate(events):
        previous = {"previous": lines[-1][-11:-3].decode()} if lines else {}
        lines.append(line({**event, **previous}, checksum=b"00000000" if at == wrong else None))
    return b"".join(lines)


def fold_wrong_events(copies: Callable[[], Pair], *, values: int) -> dict[str, int]:
    """One field of one event at a time gets ``values`` of the eight wrong values, with the checksum of before and with one that is right."""
    pair = copies()
    events = list(Run(pair.folder).log.read())
    seen: set[tuple[str, str]] = set()
    counts, faults = {"fields": 0, "cases": 0, "silent": 0}, []
    for event in [*events, *({"time": 5.0, **event} for event in MORE_EVENTS)]:
        for field, value in event.items():
            if (event["kind"], field) in seen:
                continue
            seen.add((event["kind"], field))
            counts["fields"] += 1
            wrong = wrong_values(field, value)
            for at in range(values):
                bad = wrong[(counts["fields"] + at * 3) % len(wrong)]
                others = [other for other in events if other is not event]
                where = events.index(event) if event in events else len(events) - 1
                for wrong_sum in (None, where):
                    changed = [*others[:where], {**event, field: bad}, *others[where:]]
                    (pair.folder / "events.jsonl").write_bytes(log_of(changed, wrong=wrong_sum))
                    # So that it is the schema, or the checksum of the line, that tells, and not the seal.
                    integrity.seal_results(pair.folder, {"kind": "finished"})
                    fresh = replace(pair, studio=Studio(pair.studio.settings, encoders=pair.studio.encoders, reader=pair.studio.reader))
                    fresh.studio._enqueue = lambda run: None  # type: ignore[method-assign]
                    nothing_else_is_down(fresh)
                    counts["cases"] += 1
                    if not fresh.studio.view(ME, pair.run).damage:
                        counts["silent"] += 1
                        faults.append(f"{event['kind']}.{field} = {str(bad)[:40]!r}")
    goes_away(fresh)
    print(f"wrong event fields: {counts}; kinds {sorted({kind for kind, _ in seen})}")
    assert {kind for kind, _ in seen} >= EVENT_TYPES.keys() - {"checkpoint", "eval", "saved"}
    assert not faults, "\n".join(faults[:20])
    return counts


def test_an_event_field_of_another_type_or_size_is_told_and_takes_nothing_else_down(copies: Callable[[], Pair]) -> None:
    assert fold_wrong_events(copies, values=2)["silent"] == 0


@pytest.mark.slow
def test_each_event_field_with_eight_wrong_values(copies: Callable[[], Pair]) -> None:
    assert fold_wrong_events(copies, values=8)["silent"] == 0


# One by one


def test_a_log_of_brackets_takes_nothing_down(copies: Callable[[], Pair]) -> None:
    pair = copies()
    log = pair.folder / "events.jsonl"
    log.write_bytes(log.read_bytes() + b"[" * 200_000 + b"\n" + line({"kind": "log", "time": 1.0, "step": 3})[:-2] + b"\n")
    nothing_else_is_down(pair)
    assert "2 lines are damaged" in pair.studio.damage(ME, pair.run)[0]
    assert pair.studio.reports(ME, pair.run).test.rows


def test_a_finished_run_whose_log_was_cut_keeps_its_model_and_is_not_trained_over(copies: Callable[[], Pair]) -> None:
    pair = copies()
    events = list(Run(pair.folder).log.read())
    # Cut at the end of a line, where no checksum tells: right after it was put into the queue, or so that nothing is left.
    for kept, status in ((2, "interrupted"), (0, "damaged")):
        (pair.folder / "events.jsonl").write_bytes(log_of(events[:kept]))
        view = Studio(pair.studio.settings, encoders=pair.studio.encoders, reader=pair.studio.reader).view(ME, pair.run)
        assert (view.status, view.has_model) == (status, True)
        assert "events.jsonl" in view.damage[0]
        waiting: list[str] = []
        pair.studio._enqueue = lambda run: waiting.append(run.id)  # type: ignore[method-assign]  # noqa: B023
        pair.studio.recover()
        assert waiting == []
        assert pair.studio.reports(ME, pair.run).test.rows


def test_a_run_that_was_renamed_or_made_again_is_whole(copies: Callable[[], Pair]) -> None:
    pair = copies()
    pair.studio.rename(ME, pair.run, "another name")
    assert pair.studio.damage(ME, pair.run) == ()
    # What is handed out knows the name too.
    cards = [content for name, content in zipped(pair) if name.endswith("README.md")]
    assert [card.decode().count("# another name\n") for card in cards] == [1]
    log = pair.folder / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-1])
    assert "has lost a part" in Studio(pair.studio.settings, reader=pair.studio.reader).view(ME, pair.run).damage[0]


def test_a_damaged_card_is_not_sealed_as_if_it_were_whole_by_a_rename(copies: Callable[[], Pair]) -> None:
    pair = copies()
    card = pair.folder / "model" / "README.md"
    card.write_bytes(card.read_bytes().replace(b"test rows", b"best rows"))
    pair.studio.rename(ME, pair.run, "another name")
    assert pair.studio.view(ME, pair.run).name == "another name"
    assert "model/README.md" in Studio(pair.studio.settings, reader=pair.studio.reader).damage(ME, pair.run)[0]


def test_the_results_of_a_damaged_run_are_shown_as_far_as_they_are_whole(copies: Callable[[], Pair]) -> None:
    for name, scores, link in (
        ("predictions.parquet", False, True),
        ("model/model.safetensors", True, False),
        ("model/README.md", True, False),
        ("source", True, True),
        ("results.seal.json", False, False),
    ):
        pair = copies()
        (pair.folder / name).write_bytes(b"")
        tab = results_tab.ResultsTab(*"headline body matrix matrix_as confusions classes foot".split())
        shown = results_tab.show(tab, pair.studio, pair.run, "Counts")
        assert name in shown["headline"]
        assert ("How this was measured" in shown["headline"]) == scores, name
        assert ("Download the model" in shown["headline"]) == link, name


def test_a_damaged_recipe_is_a_sentence_and_the_run_stays_usable(copies: Callable[[], Pair]) -> None:
    for harm in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"7", b'{"epochs": "many"}'):
        pair = copies()
        (pair.folder / "recipe.json").write_bytes(harm)
        with pytest.raises(UserError, match=r"recipe\.json") as refused:
            pair.studio.recipe(ME, pair.run)
        assert refused.value.code == "run_damaged"
        comparison = pair.studio.compare(ME, [pair.run, pair.other])
        assert [run.recipe is None for run in comparison.runs] == [True, False]
        assert comparison.against
        assert len(pair.studio.predict(ME, pair.run, TEXTS)[1]) == 2


def test_the_terminal_tells_damage(copies: Callable[[], Pair], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pair = copies()
    weights = pair.folder / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    monkeypatch.setenv("EMOTUNE_RUNS", str(pair.folder.parent))
    assert terminal.main(["runs", "--json"]) == 0
    told = {run["run"]: run["damage"] for run in json.loads(capsys.readouterr().out)}
    assert told[pair.other] == []
    assert "model/model.safetensors" in told[pair.run][0]
    for wanted in (pair.run, str(pair.folder), str(pair.folder / "model")):
        assert terminal.main(["predict", wanted, "happy"]) == 2
        assert "The model of" in capsys.readouterr().err
