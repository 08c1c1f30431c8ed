"""Every invalid field of an event is reported, and breaks nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.damaged_pair import Pair, check_rename_and_delete, check_the_rest_works, log_of
from trainer.runs import integrity
from trainer.runs.event_schema import dump_event
from trainer.runs.event_types import EVENT_TYPES, Finished
from trainer.runs.run import Run

EXTRA_EVENTS: list[dict[str, Any]] = [
    {"type": "renamed", "name": "calm fox"},
    {"type": "predicted", "rows": 48, "seconds": 0.4, "bytes": 90000000},
    {"type": "labels ordered", "ordered": "yes"},
    {"type": "notice", "message": "It ended early.", "step": 3},
    {"type": "resumed", "step": 2, "best_step": 2},
    {"type": "phase", "what": "saving the model", "stage": "saving", "done": 0.5},
    {"type": "queued", "texts_at_a_time": 8},
    {"type": "baseline", "problem": "MemoryError: too many words"},
    {"type": "job", "job": "0" * 32, "job_type": "count", "owner": "local", "name": "a count", "parameters": {"to": 3}},
    {"type": "progress", "what": "counting", "done": 0.5},
    {
        "type": "linear",
        "accuracy": 0.5,
        "macro_f1": 0.4,
        "validation_accuracy": 0.5,
        "validation_macro_f1": 0.4,
        "rows": 100,
        "seconds": 1.5,
    },
    {"type": "calibration", "temperature": 0.8, "kept": True, "nll_before": 0.7, "nll_after": 0.6, "rows": 24},
    {
        "type": "label",
        "file": "main",
        "row": 3,
        "text": "a text",
        "action": "relabel",
        "before": "joy",
        "after": "anger",
        "reason": "why",
    },
    {"type": "class renamed", "before": "joy", "after": "delight"},
    {"type": "classes named", "before": ["joy"], "after": ["delight"]},
    {"type": "class restored", "name": "joy"},
    {"type": "class added", "name": "awe"},
    {"type": "new text", "text": "so kind", "label": "joy"},
    {"type": "definition", "label": "joy", "definition": "the writer is glad"},
    *(
        {"type": event_type, "message": "why", "code": "disk", "seconds": 2.0, "retry_texts_at_a_time": 8}
        for event_type in ("stopped", "failed", "cancelled")
    ),
]


def wrong_values(name: str, value: Any) -> list[Any]:
    """Eight invalid values of an event field."""
    other_type = 7 if isinstance(value, str) else "seven"
    return [None, other_type, float("nan"), 1e300, -1, "x" * 100_000, [[["x"]]], value is not True]


def corrupt_each_event_field(copy_pair: Callable[[], Pair], *, values: int) -> dict[str, int]:
    """Set one field of one event at a time to ``values`` of the eight wrong values, with a wrong and with a right checksum."""
    pair = copy_pair()
    events = [dump_event(event) for event in Run(pair.folder).log.read()]
    seen: set[tuple[str, str]] = set()
    counts, faults = {"fields": 0, "cases": 0, "unreported": 0}, []
    for event in [*events, *({"time": 5.0, **event} for event in EXTRA_EVENTS)]:
        for field, value in event.items():
            if (event["type"], field) in seen:
                continue
            seen.add((event["type"], field))
            counts["fields"] += 1
            wrong = wrong_values(field, value)
            for i in range(values):
                invalid = wrong[(counts["fields"] + i * 3) % len(wrong)]
                others = [other for other in events if other is not event]
                index = events.index(event) if event in events else len(events) - 1
                for wrong_checksum_at in (None, index):
                    changed = [*others[:index], {**event, field: invalid}, *others[index:]]
                    (pair.folder / "events.jsonl").write_bytes(log_of(changed, wrong_checksum_at=wrong_checksum_at))
                    # Sealed again, so that the schema or the line's checksum reports the damage, not the seal.
                    integrity.seal_results_and_log(pair.folder, dump_event(Finished()))
                    fresh = pair.reopened()
                    check_the_rest_works(fresh)
                    counts["cases"] += 1
                    if not fresh.workspace.library.view(pair.run).damage:
                        counts["unreported"] += 1
                        faults.append(f"{event['type']}.{field} = {str(invalid)[:40]!r}")
    check_rename_and_delete(fresh)
    print(f"wrong event fields: {counts}; event types {sorted({event_type for event_type, _ in seen})}")
    assert {event_type for event_type, _ in seen} >= EVENT_TYPES.keys() - {"checkpoint", "eval", "saved"}
    assert not faults, "\n".join(faults[:20])
    return counts


def test_an_invalid_event_field_is_reported_and_breaks_nothing_else(copy_pair: Callable[[], Pair]) -> None:
    assert corrupt_each_event_field(copy_pair, values=1)["unreported"] == 0


@pytest.mark.slow
def test_each_event_field_with_eight_wrong_values(copy_pair: Callable[[], Pair]) -> None:
    assert corrupt_each_event_field(copy_pair, values=8)["unreported"] == 0
