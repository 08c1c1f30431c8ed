"""Every changed or missing byte in a file of a run and every invalid event field is reported, and breaks nothing else."""

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
from trainer.cli import lists
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
UNSEALED_FILES = ("lock", "alive", "heartbeat", "error.log", "processes.log", "stop")
"""Damage in these files does not matter."""


@dataclass(frozen=True)
class Pair:
    """A runs folder with two finished runs; one is damaged, the other must be unaffected."""

    studio: Studio
    run: str
    other: str

    @property
    def folder(self) -> Path:
        return self.studio.settings.runs_dir / self.run


@pytest.fixture(scope="module")
def trained_pair(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Path:
    """Two equal trainings."""
    folder = tmp_path_factory.mktemp("template")
    path = write_rows(folder / "moods.csv", small_rows(120))
    studio = Studio(Settings(runs_dir=folder / "runs", save_seconds=0), encoders=[tiny_encoder], reader=reader)
    for _ in range(2):
        view = studio.for_owner(ME).train_files({"main": (path.name, path)}, RECIPE)
        assert studio.for_owner(ME).wait(view.id, 120).status == "finished"
    studio.close()
    shutil.rmtree(folder / "runs" / "drafts", ignore_errors=True)
    return folder / "runs"


@pytest.fixture
def copy_pair(trained_pair: Path, tmp_path: Path, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Callable[[], Pair]]:
    """Each call returns fresh copies of the two runs in the same place, in a new studio."""
    runs = tmp_path / "runs"
    other, run = (view.id for view in RunStore(trained_pair).list(ME))

    def copy() -> Pair:
        shutil.rmtree(runs, ignore_errors=True)
        shutil.copytree(trained_pair, runs)
        studio = Studio(Settings(runs_dir=runs), encoders=[tiny_encoder], reader=reader)
        studio._queue.put = lambda run_id: None  # type: ignore[method-assign]  # nothing is trained here
        return Pair(studio, run, other)

    yield copy
    shutil.rmtree(runs, ignore_errors=True)


def render_everywhere(view: RunView) -> str:
    """Everything that the page, the API and the terminal render of a view; this must not raise."""
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
        json.dumps(lists._run_json(view, Path("x")), allow_nan=False),
        *(d.message for d in diagnose(view, None)),
    ]
    return "".join(pieces).encode("utf-8").decode()


def render_results(pair: Pair) -> str:
    tab = results_tab.ResultsTab(*"headline body matrix matrix_as confusions classes foot".split())
    return results_tab.show(tab, pair.studio, pair.run, "Counts")["headline"]


def read_zip(pair: Pair) -> list[tuple[str, bytes]]:
    target = pair.folder.parent / "model.zip"
    pair.studio.for_owner(ME).models.write_zip(pair.run, target)
    with zipfile.ZipFile(target) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def compare_pair(pair: Pair) -> Any:
    comparison = pair.studio.for_owner(ME).library.compare([pair.run, pair.other])
    return [(run.recipe, run.scores, run.problem) for run in comparison.runs], [paired.p for _, paired in comparison.against]


USES: dict[str, Callable[[Pair], Any]] = {
    "view": lambda p: replace(p.studio.for_owner(ME).library.view(p.run), damage=()),
    "recipe": lambda p: p.studio.for_owner(ME).library.recipe(p.run),
    "reports": lambda p: [r.to_dict() for r in vars(p.studio.for_owner(ME).library.reports(p.run)).values()],
    "compare": compare_pair,
    "predict": lambda p: [q.probabilities.tolist() for q in p.studio.for_owner(ME).models.predict(p.run, TEXTS)[1]],
    "zip": read_zip,
    "rows": lambda p: [pipeline.load_run_rows(Run(p.folder))[0].texts, pipeline.load_run_rows(Run(p.folder))[0].label_ids.tolist()],
    "source": lambda p: (p.folder / "source").read_bytes() if not p.studio.for_owner(ME).library.damage(p.run) else None,
    "resume": lambda p: p.studio.for_owner(ME).resume(p.run, more_epochs=1).status,
}


def try_all_uses(pair: Pair) -> tuple[dict[str, Any], set[str], list[str]]:
    """The value of each use, the uses refused with a message, and all other errors."""
    values, refused, raised = {}, set(), []
    for name, use in USES.items():
        try:
            values[name] = use(pair)
        except UserError as error:
            refused.add(name)
            if not error.message.endswith("."):
                raised.append(f"{name}: not a sentence: {error.message}")
        except Exception as error:
            raised.append(f"{name}: {type(error).__name__}: {error}"[:200])
    return values, refused, raised


def check_the_rest_works(pair: Pair) -> None:
    """The list of runs, the change token and the recovery of a server work, and the other run is undamaged."""
    studio = pair.studio
    views = {view.id: view for view in studio.for_owner(ME).library.runs()}
    assert set(views) == {pair.run, pair.other}
    assert not views[pair.other].damage
    assert not studio.for_owner(ME).library.damage(pair.other)
    for view in views.values():
        assert render_everywhere(replace(view, damage=studio.for_owner(ME).library.damage(view.id)))
    assert studio.for_owner(ME).change_token()
    studio.recover()


def check_rename_and_delete(pair: Pair) -> None:
    studio, view = pair.studio, pair.studio.for_owner(ME).library.view(pair.run)
    assert studio.for_owner(ME).library.rename(pair.run, "another name").name == "another name"
    if view.live:
        studio.for_owner(ME).stop(pair.run)
    studio.for_owner(ME).delete(pair.run)
    # An earlier use may have created a child run.
    for child in [view for view in studio.for_owner(ME).library.runs() if view.parent == pair.run]:
        studio.for_owner(ME).stop(child.id)
        studio.for_owner(ME).delete(child.id)
    assert [view.id for view in studio.for_owner(ME).library.runs()] == [pair.other]
    assert not pair.folder.exists()


def corruptions(content: bytes, rng: random.Random, *, flips: int, cuts: int) -> Iterator[tuple[str, bytes | None]]:
    """The content with a byte flipped, cut, or emptied; None for a removed file."""
    for at in sorted(rng.sample(range(len(content)), min(flips, len(content)))):
        flipped = bytearray(content)
        flipped[at] ^= rng.randint(1, 255)
        yield f"byte {at} flipped", bytes(flipped)
    for at in sorted(rng.sample(range(1, len(content)), min(cuts, len(content) - 1))):
        yield f"cut at {at}", content[:at]
    yield "emptied", b""
    yield "removed", None


def checkpoint_is_refused(pair: Pair) -> bool:
    """Whether a resumed training reports its checkpoint as damaged: only the training reads checkpoints, ``resume`` checks their sizes."""
    try:
        pipeline.require_checkpoint(Checkpoints(pair.folder / "checkpoints", pair.run), "it")
    except UserError as error:
        return error.code == "run_damaged"
    return False


def damage_each_file(copy_pair: Callable[[], Pair], *, flips: int, cuts: int) -> dict[str, int]:
    """Damage every file of a run in turn; returns the numbers of all, unreported, failed and reported cases."""
    pair = copy_pair()
    files = sorted(str(f.relative_to(pair.folder)) for f in pair.folder.rglob("*") if f.is_file())
    undamaged, refused, raised = try_all_uses(pair)
    assert (refused, raised) == (set(), [])
    counts, faults, rng = (
        {"files": len(files), "cases": 0, "unreported": 0, "tracebacks": 0, "reported": 0, "equal": 0},
        [],
        random.Random(11),
    )
    for name in files:
        content = (copy_pair().folder / name).read_bytes()
        for corruption, corrupted in corruptions(content, rng, flips=flips, cuts=cuts) if content else [("removed", None)]:
            pair = copy_pair()
            file = pair.folder / name
            file.unlink() if corrupted is None else file.write_bytes(corrupted)
            check_the_rest_works(pair)
            damage = pair.studio.for_owner(ME).library.damage(pair.run)
            shown = render_results(pair) if pair.studio.for_owner(ME).library.view(pair.run).has_model else ""
            values, refused, raised = try_all_uses(pair)
            reported = bool(damage) or (name.startswith("checkpoints") and (refused == {"resume"} or checkpoint_is_refused(pair)))
            assert all(sentence.endswith(".") for sentence in damage)
            assert not damage or not shown or "em-error" in shown
            equal = {use: value for use, value in values.items() if use != "source"} == {
                u: v for u, v in undamaged.items() if u != "source"
            }
            matters = not name.startswith(UNSEALED_FILES)
            counts["cases"] += 1
            counts["reported"] += reported
            counts["equal"] += equal
            if raised:
                counts["tracebacks"] += 1
                faults.append(f"{name} {corruption}: {raised}")
            if (matters and not reported) or not (reported or equal):
                counts["unreported"] += 1
                faults.append(f"{name} {corruption}: not reported")
            # Whatever still works gives the same value; only the log may lack something.
            for use in values.keys() - {"source", "resume", "view", "compare"}:
                if values[use] != undamaged[use] and not (use == "zip" and name == "events.jsonl"):
                    faults.append(f"{name} {corruption}: {use} gave something else")
            check_rename_and_delete(pair)
    print(f"damaged files: {counts}")
    assert not faults, "\n".join(faults[:20])
    return counts


def test_a_damaged_file_of_a_run_is_reported_and_breaks_nothing_else(copy_pair: Callable[[], Pair]) -> None:
    assert damage_each_file(copy_pair, flips=1, cuts=1)["unreported"] == 0


@pytest.mark.slow
def test_each_file_of_a_run_flipped_20_times_cut_at_5_places_emptied_and_removed(copy_pair: Callable[[], Pair]) -> None:
    assert damage_each_file(copy_pair, flips=20, cuts=5)["unreported"] == 0


# Invalid events

EXTRA_EVENTS: list[dict[str, Any]] = [
    {"kind": "renamed", "name": "calm fox"},
    {"kind": "notice", "message": "It ended early.", "step": 3},
    {"kind": "resumed", "step": 2, "best_step": 2},
    {"kind": "phase", "what": "saving the model", "stage": "saving", "done": 0.5},
    {"kind": "queued", "texts_at_a_time": 8},
    {"kind": "baseline", "problem": "MemoryError: too many words"},
    *(
        {"kind": event_type, "message": "why", "code": "disk", "seconds": 2.0, "fewer_texts": 8}
        for event_type in ("stopped", "failed", "cancelled")
    ),
]


def wrong_values(name: str, value: Any) -> list[Any]:
    """Eight invalid values of an event field."""
    other_type = 7 if isinstance(value, str) else "seven"
    return [None, other_type, float("nan"), 1e300, -1, "x" * 100_000, [[["x"]]], value is not True]


def line(event: dict[str, Any], *, checksum: bytes | None = None) -> bytes:
    body = json.dumps({**event, "crc": ""}).encode()[:-2]
    return body + (checksum or b"%08x" % zlib.crc32(body)) + b'"}\n'


def log_of(events: list[dict[str, Any]], *, wrong: int | None = None) -> bytes:
    """The chained lines of a log; the line at index ``wrong`` has a wrong checksum."""
    lines: list[bytes] = []
    for i, event in enumerate(events):
        previous = {"previous": lines[-1][-11:-3].decode()} if lines else {}
        lines.append(line({**event, **previous}, checksum=b"00000000" if i == wrong else None))
    return b"".join(lines)


def corrupt_each_event_field(copy_pair: Callable[[], Pair], *, values: int) -> dict[str, int]:
    """Set one field of one event at a time to ``values`` of the eight wrong values, with a wrong and with a right checksum."""
    pair = copy_pair()
    events = list(Run(pair.folder).log.read())
    seen: set[tuple[str, str]] = set()
    counts, faults = {"fields": 0, "cases": 0, "unreported": 0}, []
    for event in [*events, *({"time": 5.0, **event} for event in EXTRA_EVENTS)]:
        for field, value in event.items():
            if (event["kind"], field) in seen:
                continue
            seen.add((event["kind"], field))
            counts["fields"] += 1
            wrong = wrong_values(field, value)
            for i in range(values):
                invalid = wrong[(counts["fields"] + i * 3) % len(wrong)]
                others = [other for other in events if other is not event]
                index = events.index(event) if event in events else len(events) - 1
                for wrong_sum in (None, index):
                    changed = [*others[:index], {**event, field: invalid}, *others[index:]]
                    (pair.folder / "events.jsonl").write_bytes(log_of(changed, wrong=wrong_sum))
                    # Sealed again, so that the schema or the line's checksum reports the damage, not the seal.
                    integrity.seal_results(pair.folder, {"kind": "finished"})
                    fresh = replace(pair, studio=Studio(pair.studio.settings, encoders=pair.studio.encoders, reader=pair.studio.reader))
                    fresh.studio._queue.put = lambda run_id: None  # type: ignore[method-assign]
                    check_the_rest_works(fresh)
                    counts["cases"] += 1
                    if not fresh.studio.for_owner(ME).library.view(pair.run).damage:
                        counts["unreported"] += 1
                        faults.append(f"{event['kind']}.{field} = {str(invalid)[:40]!r}")
    check_rename_and_delete(fresh)
    print(f"wrong event fields: {counts}; event types {sorted({event_type for event_type, _ in seen})}")
    assert {event_type for event_type, _ in seen} >= EVENT_TYPES.keys() - {"checkpoint", "eval", "saved"}
    assert not faults, "\n".join(faults[:20])
    return counts


def test_an_invalid_event_field_is_reported_and_breaks_nothing_else(copy_pair: Callable[[], Pair]) -> None:
    assert corrupt_each_event_field(copy_pair, values=2)["unreported"] == 0


@pytest.mark.slow
def test_each_event_field_with_eight_wrong_values(copy_pair: Callable[[], Pair]) -> None:
    assert corrupt_each_event_field(copy_pair, values=8)["unreported"] == 0


# Single cases


def test_a_log_of_brackets_breaks_nothing(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    log = pair.folder / "events.jsonl"
    log.write_bytes(log.read_bytes() + b"[" * 200_000 + b"\n" + line({"kind": "log", "time": 1.0, "step": 3})[:-2] + b"\n")
    check_the_rest_works(pair)
    assert "2 lines are damaged" in pair.studio.for_owner(ME).library.damage(pair.run)[0]
    assert pair.studio.for_owner(ME).library.reports(pair.run).test.rows


def test_a_finished_run_whose_log_was_cut_keeps_its_model_and_is_not_trained_over(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    events = list(Run(pair.folder).log.read())
    # Cut at the end of a line, where no checksum helps: right after the run was queued, or with nothing left.
    for n_kept, status in ((2, "interrupted"), (0, "damaged")):
        (pair.folder / "events.jsonl").write_bytes(log_of(events[:n_kept]))
        view = Studio(pair.studio.settings, encoders=pair.studio.encoders, reader=pair.studio.reader).for_owner(ME).library.view(pair.run)
        assert (view.status, view.has_model) == (status, True)
        assert "events.jsonl" in view.damage[0]
        waiting: list[str] = []
        pair.studio._queue.put = lambda run_id: waiting.append(run_id)  # type: ignore[method-assign]  # noqa: B023
        pair.studio.recover()
        assert waiting == []
        assert pair.studio.for_owner(ME).library.reports(pair.run).test.rows


def test_a_renamed_run_is_undamaged(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    pair.studio.for_owner(ME).library.rename(pair.run, "another name")
    assert pair.studio.for_owner(ME).library.damage(pair.run) == ()
    # The downloaded model has the new name too.
    cards = [content for name, content in read_zip(pair) if name.endswith("README.md")]
    assert [card.decode().count("# another name\n") for card in cards] == [1]
    log = pair.folder / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-1])
    assert "has lost a part" in Studio(pair.studio.settings, reader=pair.studio.reader).for_owner(ME).library.view(pair.run).damage[0]


def test_a_rename_does_not_seal_a_damaged_card(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    card = pair.folder / "model" / "README.md"
    card.write_bytes(card.read_bytes().replace(b"test rows", b"best rows"))
    pair.studio.for_owner(ME).library.rename(pair.run, "another name")
    assert pair.studio.for_owner(ME).library.view(pair.run).name == "another name"
    assert "model/README.md" in Studio(pair.studio.settings, reader=pair.studio.reader).for_owner(ME).library.damage(pair.run)[0]


def test_the_undamaged_results_of_a_damaged_run_are_shown(copy_pair: Callable[[], Pair]) -> None:
    for name, scores, link in (
        ("predictions.parquet", False, True),
        ("model/model.safetensors", True, False),
        ("model/README.md", True, False),
        ("source", True, True),
        ("results.seal.json", False, False),
    ):
        pair = copy_pair()
        (pair.folder / name).write_bytes(b"")
        tab = results_tab.ResultsTab(*"headline body matrix matrix_as confusions classes foot".split())
        html = results_tab.show(tab, pair.studio, pair.run, "Counts")
        assert name in html["headline"]
        assert ("How this was measured" in html["headline"]) == scores, name
        assert ("Download the model" in html["headline"]) == link, name


def test_a_damaged_recipe_is_an_error_message_and_the_run_stays_usable(copy_pair: Callable[[], Pair]) -> None:
    for content in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"7", b'{"epochs": "many"}'):
        pair = copy_pair()
        (pair.folder / "recipe.json").write_bytes(content)
        with pytest.raises(UserError, match=r"recipe\.json") as error:
            pair.studio.for_owner(ME).library.recipe(pair.run)
        assert error.value.code == "run_damaged"
        comparison = pair.studio.for_owner(ME).library.compare([pair.run, pair.other])
        assert [run.recipe is None for run in comparison.runs] == [True, False]
        assert comparison.against
        assert len(pair.studio.for_owner(ME).models.predict(pair.run, TEXTS)[1]) == 2


def test_the_terminal_reports_damage(
    copy_pair: Callable[[], Pair], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = copy_pair()
    weights = pair.folder / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    monkeypatch.setenv("EMOTUNE_RUNS", str(pair.folder.parent))
    assert terminal.main(["runs", "--json"]) == 0
    damage = {run["run"]: run["damage"] for run in json.loads(capsys.readouterr().out)}
    assert damage[pair.other] == []
    assert "model/model.safetensors" in damage[pair.run][0]
    for model in (pair.run, str(pair.folder), str(pair.folder / "model")):
        assert terminal.main(["predict", model, "happy"]) == 2
        assert "The model of" in capsys.readouterr().err
