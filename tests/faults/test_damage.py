"""Every changed or missing byte in a file of a run is reported, and breaks nothing else."""

import json
import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from tests.faults.damaged_pair import (
    TEXTS,
    Pair,
    check_rename_and_delete,
    check_the_rest_works,
    line,
    log_of,
    read_zip,
    render_results,
    show_results,
    try_all_uses,
)
from trainer import __main__ as terminal
from trainer.errors import UserError
from trainer.jobs.train import pipeline
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_schema import dump_event
from trainer.runs.run import Run

UNSEALED_FILES = ("lock", "alive", "heartbeat", "error.log", "processes.log", "stop")
"""Damage in these files does not matter."""


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


def damage_each_file(copy_pair: Callable[[], Pair], *, flips: int, cuts: int, every: int = 1) -> dict[str, int]:
    """Damage every file of a run in turn; returns the numbers of all, unreported, failed and reported cases.

    With ``every`` = 2 one file is damaged in the odd ways, the next one in the even ways, and so on.
    """
    pair = copy_pair()
    files = sorted(str(f.relative_to(pair.folder)) for f in pair.folder.rglob("*") if f.is_file())
    undamaged, refused, raised = try_all_uses(pair)
    assert (refused, raised) == (set(), [])
    counts, faults, rng = (
        {"files": len(files), "cases": 0, "unreported": 0, "tracebacks": 0, "reported": 0, "equal": 0},
        [],
        random.Random(11),
    )
    for number, name in enumerate(files):
        content = (copy_pair().folder / name).read_bytes()
        ways = corruptions(content, rng, flips=flips, cuts=cuts) if content else iter([("removed", None)])
        for corruption, corrupted in islice(ways, number % every if content else 0, None, every):
            pair = copy_pair()
            file = pair.folder / name
            file.unlink() if corrupted is None else file.write_bytes(corrupted)
            check_the_rest_works(pair)
            damage = pair.workspace.library.damage(pair.run)
            shown = render_results(pair) if pair.workspace.library.view(pair.run).has_model else ""
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
    counts = damage_each_file(copy_pair, flips=1, cuts=1, every=2)
    assert counts["unreported"] == 0
    assert counts["cases"] >= 2 * counts["files"] - len(UNSEALED_FILES)


@pytest.mark.slow
def test_each_file_of_a_run_flipped_20_times_cut_at_5_places_emptied_and_removed(copy_pair: Callable[[], Pair]) -> None:
    assert damage_each_file(copy_pair, flips=20, cuts=5)["unreported"] == 0


def test_a_log_of_brackets_breaks_nothing(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    log = pair.folder / "events.jsonl"
    log.write_bytes(log.read_bytes() + b"[" * 200_000 + b"\n" + line({"type": "log", "time": 1.0, "step": 3})[:-2] + b"\n")
    check_the_rest_works(pair)
    assert "2 lines are damaged" in pair.workspace.library.damage(pair.run)[0]
    assert pair.workspace.library.reports(pair.run).test.rows


def test_a_finished_run_whose_log_was_cut_keeps_its_model_and_is_not_trained_over(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    events = [dump_event(event) for event in Run(pair.folder).log.read()]
    # Cut at the end of a line, where no checksum helps: right after the run was queued, or with nothing left.
    for n_kept, status in ((2, "interrupted"), (0, "damaged")):
        (pair.folder / "events.jsonl").write_bytes(log_of(events[:n_kept]))
        view = pair.reopened().workspace.library.view(pair.run)
        assert (view.status, view.has_model) == (status, True)
        assert "events.jsonl" in view.damage[0]
        waiting: list[str] = []
        pair.studio._queue.put = lambda run_id: waiting.append(run_id)  # type: ignore[method-assign]  # noqa: B023
        pair.studio.recover()
        assert waiting == []
        assert pair.workspace.library.reports(pair.run).test.rows


def test_a_renamed_run_is_undamaged(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    pair.workspace.library.rename(pair.run, "another name")
    assert pair.workspace.library.damage(pair.run) == ()
    # The downloaded model has the new name too.
    cards = [content for name, content in read_zip(pair) if name.endswith("README.md")]
    assert [card.decode().count("# another name\n") for card in cards] == [1]
    log = pair.folder / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-1])
    assert "has lost a part" in pair.reopened().workspace.library.view(pair.run).damage[0]


def test_a_rename_does_not_seal_a_damaged_card(copy_pair: Callable[[], Pair]) -> None:
    pair = copy_pair()
    card = pair.folder / "model" / "README.md"
    card.write_bytes(card.read_bytes().replace(b"test rows", b"best rows"))
    pair.workspace.library.rename(pair.run, "another name")
    assert pair.workspace.library.view(pair.run).name == "another name"
    assert "model/README.md" in pair.reopened().workspace.library.damage(pair.run)[0]


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
        html = show_results(pair)
        assert name in html["headline"]
        assert ("How this was measured" in html["headline"]) == scores, name
        assert ("Download the model" in html["headline"]) == link, name


def test_a_damaged_recipe_is_an_error_message_and_the_run_stays_usable(copy_pair: Callable[[], Pair]) -> None:
    for content in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"7", b'{"epochs": "many"}'):
        pair = copy_pair()
        (pair.folder / "recipe.json").write_bytes(content)
        with pytest.raises(UserError, match=r"recipe\.json") as error:
            pair.workspace.library.recipe(pair.run)
        assert error.value.code == "run_damaged"
        comparison = pair.workspace.library.compare([pair.run, pair.other])
        assert [run.recipe is None for run in comparison.runs] == [True, False]
        assert comparison.paired
        assert len(pair.workspace.models.predict(pair.run, TEXTS)[1]) == 2


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
