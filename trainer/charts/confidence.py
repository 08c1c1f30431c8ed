"""Charts of what probabilities are worth: the reliability diagram, and the share of answers that are right by the share that is answered."""

from collections.abc import Sequence

from trainer.charts.layout import ACCENT, FAINT, INK, MUTED, Figure, make_axis, make_layout, make_table
from trainer.evaluation.abstaining import CurvePoint, Promise
from trainer.evaluation.confidence import ConfidenceReport, Reliability
from trainer.text_format import percent

HEIGHT, PHONE_HEIGHT = 300, 260
_MARGIN = {"l": 56, "r": 16, "t": 12, "b": 48}


def reliability_chart(report: ConfidenceReport) -> Figure:
    """How often rows are right, by what the model says (Niculescu-Mizil & Caruana 2005): on the diagonal the two agree; bars are 95 % intervals.

    Bins hold equally many test rows. Those before the temperature are rings.
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
    layout["meta"]["table"] = make_table(("probabilities", "rows", "mean probability", "right", "right low", "right high"), names, 1, rows)
    return {"data": data, "layout": layout}


def answer_chart(curve: Sequence[CurvePoint], promises: Sequence[Promise], chosen: float | None) -> Figure:
    """The share of the answers that are right, by the share of the test rows that is answered, with the promises that can be kept as dots."""
    shares, accuracies = [point.share for point in curve], [point.accuracy for point in curve]
    line = {"type": "scatter", "mode": "lines", "name": "answers", "x": shares, "y": accuracies, "line": {"color": ACCENT, "width": 2}}
    hover = [f"answers {percent(x)} of the texts, {percent(y)} of the answers are right" for x, y in zip(shares, accuracies, strict=True)]
    data = [line | {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}]
    kept = [promise for promise in promises if promise.test is not None and promise.test.accuracy is not None]
    if kept:
        dots = {"type": "scatter", "mode": "markers+text", "name": "promises", "x": [promise.test.share.value for promise in kept]}
        dots |= {"y": [promise.test.accuracy.value for promise in kept], "text": [f"{100 * promise.target:.0f} %" for promise in kept]}
        sizes = [14 if promise.target == chosen else 9 for promise in kept]
        dots |= {"textposition": "top center", "textfont": {"color": INK, "size": 11}, "marker": {"color": INK, "size": sizes}}
        data.append(dots | {"cliponaxis": False, "hovertemplate": "promise: %{text}<extra></extra>"})
    low = max(0.0, min(accuracies, default=0.0) - 0.05)
    description = (
        f"Share of right answers by share of answered texts, from {percent(accuracies[-1])} if it always answers." if curve else ""
    )
    layout = _layout("answers", description, "texts that it answers", "answers that are right", [low, 1.02])
    layout["xaxis"] |= {"range": [0, 1.02]}
    layout["meta"]["table"] = make_table(("answered", "right"), (), 0, list(zip(shares, accuracies, strict=True)))
    return {"data": data, "layout": layout}


def _bins(reliability: Reliability, name: str, marker: dict) -> dict:
    hover = [
        f"{name}: says {percent(part.confidence)}, right in {percent(part.accuracy.value)} of {part.rows:,} rows"
        for part in reliability.bins
    ]
    points = {"x": [part.confidence for part in reliability.bins], "y": [part.accuracy.value for part in reliability.bins]}
    return {"type": "scatter", "mode": "markers", "name": name, **points, "marker": marker} | {
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _layout(key: str, description: str, x: str, y: str, value_range: list[float]) -> dict:
    axis = {"tickformat": "~%", "range": value_range, "gridcolor": FAINT}
    layout = make_layout(key, HEIGHT, _MARGIN, description, xaxis=make_axis(x, **axis, nticks=6), yaxis=make_axis(y, **axis, nticks=6))
    layout["meta"]["phone"] = {"height": PHONE_HEIGHT}
    return layout
