"""Charts of what probabilities are worth: the reliability diagram, and the share of answers that are right by the share that is answered."""

from collections.abc import Sequence

from trainer.charts.layout import ACCENT, FAINT, INK, MUTED, Figure, make_axis, make_layout, make_table
from trainer.evaluation.abstaining import CurvePoint, Promise
from trainer.evaluation.confidence import ConfidenceReport, Reliability
from trainer.text_format import percent

HEIGHT, PHONE_HEIGHT = 300, 260
_MARGIN = {"l": 56, "r": 16, "t": 12, "b": 48}
_NEAR_THE_EDGE = 0.85


def reliability_chart(report: ConfidenceReport) -> Figure:
    """How often rows are right, by what the model says (Niculescu-Mizil & Caruana 2005): on the diagonal the two agree; bars are 95 % intervals.

    Bins hold equally many answers on test rows: for several labels a text, labels that are said. Those before the temperature are rings.
    """
    low = min(part.confidence for part in (*report.after.bins, *(report.before.bins if report.before else ())))
    low = max(0.0, min(low, *(part.accuracy.low for part in report.after.bins)) - 0.03)
    diagonal = {"type": "scatter", "mode": "lines", "x": [low, 1], "y": [low, 1], "line": {"color": MUTED, "width": 1, "dash": "dot"}}
    data = [diagonal | {"hoverinfo": "skip", "name": "as it says"}]
    if report.before is not None:
        data.append(_bins(report.before, "before the temperature", {"color": MUTED, "symbol": "circle-open", "size": 8}))
    after = _bins(report.after, "probabilities of this model", {"color": ACCENT, "size": 9})
    up = [part.accuracy.high - part.accuracy.value for part in report.after.bins]
    down = [part.accuracy.value - part.accuracy.low for part in report.after.bins]
    error = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": ACCENT, "thickness": 1.5, "width": 3}
    data.append(after | {"error_y": error})
    description = f"Reliability diagram: {len(report.after.bins)} bins, expected calibration error {percent(report.after.error)}."
    layout = _layout("reliability", description, "what the model says: mean probability", "how often it is right", [low, 1.005])
    rows = [(0, part.rows, part.confidence, part.accuracy.value, part.accuracy.low, part.accuracy.high) for part in report.after.bins]
    if report.before is not None:
        rows += [(1, part.rows, part.confidence, part.accuracy.value, part.accuracy.low, part.accuracy.high) for part in report.before.bins]
    names = ("with its temperature" if report.before else "as it is", "before the temperature")
    layout["meta"]["table"] = make_table(
        ("probabilities", "answers", "mean probability", "right", "right low", "right high"), names, 1, rows
    )
    return {"data": data, "layout": layout}


def answer_chart(curve: Sequence[CurvePoint], promises: Sequence[Promise], chosen: float | None) -> Figure:
    """The share of the answers that are right, by the share of the test rows that is answered, with the promises that can be kept as dots."""
    shares, accuracies = [point.share for point in curve], [point.accuracy for point in curve]
    line = {"type": "scatter", "mode": "lines", "name": "answers", "x": shares, "y": accuracies, "line": {"color": ACCENT, "width": 2}}
    hover = [f"answers {percent(x)} of the texts, {percent(y)} of the answers are right" for x, y in zip(shares, accuracies, strict=True)]
    data = [line | {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}]
    if kept := _kept_together(promises):
        tests = [together[0].test for together in kept]
        dots = {"type": "scatter", "mode": "markers+text", "name": "promises", "x": [test.share.value for test in tests]}
        # Beside the right edge a name would be cut off.
        sides = ["top left" if share > _NEAR_THE_EDGE else "top center" for share in dots["x"]]
        dots |= {"y": [test.accuracy.value for test in tests], "textposition": sides, "textfont": {"color": INK, "size": 11}}
        dots["text"] = [f"{', '.join(f'{100 * promise.target:.0f}' for promise in together)} %" for together in kept]
        sizes = [14 if chosen in [promise.target for promise in together] else 9 for together in kept]
        dots |= {"marker": {"color": INK, "size": sizes}, "cliponaxis": False, "hovertemplate": "promise: %{text}<extra></extra>"}
        data.append(dots)
    low = max(0.0, min(accuracies, default=0.0) - 0.05)
    description = (
        f"Share of right answers by share of answered texts, from {percent(accuracies[-1])} if it always answers." if curve else ""
    )
    layout = _layout("answers", description, "texts that it answers", "answers that are right", [low, 1.005])
    layout["xaxis"] |= {"range": [0, 1.02]}
    layout["meta"]["table"] = make_table(("answered", "right"), (), 0, list(zip(shares, accuracies, strict=True)))
    return {"data": data, "layout": layout}


def _kept_together(promises: Sequence[Promise]) -> list[list[Promise]]:
    """The promises that can be kept and answer something, those with the same threshold together: they are one dot."""
    by_threshold: dict[float, list[Promise]] = {}
    for promise in promises:
        if promise.threshold is not None and promise.test is not None and promise.test.accuracy is not None:
            by_threshold.setdefault(promise.threshold, []).append(promise)
    return list(by_threshold.values())


def _bins(reliability: Reliability, name: str, marker: dict) -> dict:
    hover = [
        f"{name}: says {percent(part.confidence)}, right in {percent(part.accuracy.value)} of {part.rows:,} answers"
        for part in reliability.bins
    ]
    points = {"x": [part.confidence for part in reliability.bins], "y": [part.accuracy.value for part in reliability.bins]}
    return {"type": "scatter", "mode": "markers", "name": name, **points, "marker": marker} | {
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
    }


def _layout(key: str, description: str, x: str, y: str, value_range: list[float]) -> dict:
    axis = {"tickformat": "~%", "range": value_range, "gridcolor": FAINT}
    layout = make_layout(key, HEIGHT, _MARGIN, description, xaxis=make_axis(x, **axis, nticks=6), yaxis=make_axis(y, **axis, nticks=6))
    layout["meta"]["phone"] = {"height": PHONE_HEIGHT}
    return layout
