"""The course of a training run as two charts, loss and accuracy."""

from dataclasses import dataclass

from trainer.charts import labels
from trainer.charts.frame import ACCENT, FAINT, INK, MUTED, PHONE, SURFACE, WIDE, Canvas, Figure, make_axis, make_layout
from trainer.charts.labels import Plot, Rung
from trainer.charts.lines import Line, condensed, finite, make_traces, rounded, written
from trainer.text_format import percent as per_cent

# Curves: mid-tones that stand out from white and from #111827 alike; the validation line has the page's accent.
_TRAINING, _MACRO_F1 = "#748498", "#C2508F"
_EPOCH_LABEL = 40  # pixels from "epoch 1" to the next number
_STRIDES = tuple(factor * 10**power for power in range(5) for factor in (1, 2, 5))


@dataclass(frozen=True)
class Curves:
    """The course of one training run.

    ``key`` names the run: zoom survives as long as it stays. ``steps``, ``loss``, ``accuracy`` (training, mean of each log window) have one
    length, the four ``eval_`` tuples another; shares are 0..1, losses the plain cross-entropy in nats, None is "not measured".
    ``epoch_steps`` are the steps at which epochs end, ``best_step`` is that of the model that is kept, ``parent_step`` the last one that
    another run trained before this one went on, ``rungs`` are what its accuracy on the validation rows is to be compared with.
    """

    key: str
    steps: tuple[int, ...] = ()
    loss: tuple[float | None, ...] = ()
    accuracy: tuple[float | None, ...] = ()
    eval_steps: tuple[int, ...] = ()
    eval_loss: tuple[float | None, ...] = ()
    eval_accuracy: tuple[float | None, ...] = ()
    eval_macro_f1: tuple[float | None, ...] = ()
    total_steps: int = 0
    epoch_steps: tuple[int, ...] = ()
    best_step: int | None = None
    parent_step: int | None = None
    rungs: tuple[Rung, ...] = ()


def loss_chart(points: Curves) -> Figure:
    """Training loss (raw faint, smoothed bold) and validation loss by step; y from 0."""
    lines = (
        Line("validation loss", "validation", ACCENT, points.eval_steps, points.eval_loss, width=2.5),
        Line("training loss", "training", _TRAINING, points.steps, points.loss, training=True),
    )
    highest = max((v for line in lines for v in finite(line.values) if v is not None), default=0.0)
    # Plotly chooses the range (5 % above the highest point): one given from here would end the reader's zoom whenever it changed.
    y_axis = {"rangemode": "tozero", "tickformat": "~g", "nticks": 6} | ({} if highest > 0 else {"range": [0, 1]})
    return _Chart(points, _measured(lines), top=highest / 0.95 or 1.0, percents=False, what="loss").figure(y_axis)


def accuracy_chart(points: Curves) -> Figure:
    """Validation accuracy with the rungs, training accuracy (raw faint, smoothed) and validation macro F1 (dashed); y is 0 to 100 %."""
    lines = (
        Line("validation accuracy", "validation", ACCENT, points.eval_steps, points.eval_accuracy, width=3),
        Line("training accuracy", "training", _TRAINING, points.steps, points.accuracy, training=True, width=1.5),
        Line("validation macro F1", "macro F1", _MACRO_F1, points.eval_steps, points.eval_macro_f1, dash="dot", width=1.5),
    )
    y_axis = {"range": [0, 1], "tickformat": "~%", "nticks": 6}
    return _Chart(points, _measured(lines), top=1.0, percents=True, what="accuracy", rungs=points.rungs).figure(y_axis)


def _measured(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(line for line in map(condensed, lines) if line.steps)


@dataclass(frozen=True)
class _Chart:
    """What both charts of a run are drawn from. ``lines`` begins with the most important; ``top`` is the value at the upper edge."""

    points: Curves
    lines: tuple[Line, ...]
    top: float
    percents: bool
    what: str
    rungs: tuple[Rung, ...] = ()

    @property
    def frontier(self) -> int:
        return max((line.steps[-1] for line in self.lines), default=0)

    @property
    def end(self) -> int:
        return max(self.points.total_steps, self.frontier)

    @property
    def epochs(self) -> list[int]:
        return sorted({step for step in self.points.epoch_steps if 0 < step <= self.end})

    @property
    def kept(self) -> tuple[Line, int] | None:
        """The validation line and the step on it whose model is kept."""
        step = self.points.best_step
        return next(((line, step) for line in self.lines if not line.training and step in line.steps), None)

    def figure(self, y_axis: dict) -> Figure:
        # The most important line is drawn last, over the others.
        data = [trace for line in reversed(self.lines) for trace in make_traces(line, self.percents)] + self._ring()
        x_axis = make_axis("", range=[0, self.end or 1], showgrid=False) | self._ticks(WIDE)
        layout = make_layout(
            self.points.key,
            WIDE.height,
            WIDE.margin,
            self._description(),
            xaxis=x_axis,
            yaxis=make_axis("", **y_axis),
            annotations=self._annotations(WIDE),
        )
        small = {"tickfont": {"color": MUTED, "size": PHONE.font}}
        layout["meta"]["phone"] = {
            "height": PHONE.height,
            "margin": PHONE.margin,
            "annotations": self._annotations(PHONE),
            "xaxis": self._ticks(PHONE) | small,
            "yaxis": small,
        }
        if self.rungs:
            layout["meta"]["rungs"] = [[rung.name, rung.share] for rung in self.rungs]
        return {"data": data, "layout": layout | {"shapes": self._strokes()}}

    def _description(self) -> str:
        said = f"Chart of the {self.what} by training step. "
        if self.lines:
            last = ", ".join(f"{line.name} {written(line.trend[-1], self.percents)}" for line in self.lines)
            said += f"At step {self.frontier:,} of {self.end:,}: {last}."
        else:
            said += "Nothing has been measured yet."
        if self.points.parent_step is not None:
            said += f" Up to step {self.points.parent_step:,} another run trained."
        beaten = ", ".join(f"{rung.name} {per_cent(rung.share)}" for rung in self.rungs)
        return f"{said} To be beaten: {beaten}." if beaten else said

    def _annotations(self, canvas: Canvas) -> list[dict]:
        plot = Plot(canvas, self.end or 1, self.top)
        rungs, boxes = labels.rung_labels(plot, self.rungs, self.lines)
        if not self.lines:
            return [*rungs, self._sentence(plot, boxes)]
        kept = self.kept
        newest = kept is not None and kept[1] == kept[0].steps[-1]
        if kept is not None:
            boxes.append(labels.ring_box(plot, kept[1], kept[0].values[kept[0].steps.index(kept[1])]))
        texts = [self._end_text(line, kept=newest and line is kept[0]) for line in self.lines]
        ends, end_boxes = labels.end_labels(plot, self.lines, self.frontier, boxes, texts)
        if kept is not None and not newest:
            value = kept[0].values[kept[0].steps.index(kept[1])]
            text = f"kept {per_cent(value, 0) if self.percents else written(value, False)}"
            ends.append(labels.kept_label(plot, *kept, self.lines, boxes + end_boxes, text, below=self.percents))
        return rungs + ends + self._joint_label(canvas)

    def _end_text(self, line: Line, *, kept: bool) -> str:
        text = labels.end_text(line, percents=self.percents, digits=0, more=", kept" if kept else "")
        return f"<b>{text}</b>" if line is self.lines[0] else text

    def _ring(self) -> list[dict]:
        """Around the point on the validation line whose model is kept."""
        if self.kept is None:
            return []
        line, step = self.kept
        ring = {"type": "scatter", "x": [step], "y": [rounded(line.values[line.steps.index(step)])], "mode": "markers", "hoverinfo": "skip"}
        ring["marker"] = {"symbol": "circle-open", "size": 15, "color": INK, "line": {"width": 1.5, "color": INK}}
        return [ring | {"cliponaxis": False}]

    def _ticks(self, canvas: Canvas) -> dict:
        """The x axis: the epochs by number under their middles, as many as there is room for; else steps, where there are any."""
        spans = list(zip([0, *self.epochs], self.epochs, strict=False))
        if not spans:
            return {"tickformat": ",d", "nticks": 6, "showticklabels": self.end > 0, "tickprefix": "step ", "showtickprefix": "first"}
        most = max(canvas.plot_width // _EPOCH_LABEL, 1)
        stride = next(stride for stride in _STRIDES if -(-len(spans) // stride) <= most)
        shown = range(0, len(spans), stride)
        ticks = [rounded((spans[i][0] + spans[i][1]) / 2) for i in shown]
        return {"tickvals": ticks, "ticktext": [f"epoch {i + 1}" if i == 0 else f"{i + 1}" for i in shown]}

    def _strokes(self) -> list[dict]:
        """Faint lines where epochs end, dashed ones at the rungs."""
        across = {"type": "line", "layer": "below"}
        ends = [step for step in self.epochs if step < self.end]
        faint = {"color": FAINT, "width": 1, "dash": "2px,3px"}
        upright = [across | {"x0": step, "x1": step, "yref": "paper", "y0": 0, "y1": 1, "line": faint} for step in ends]
        dashed = {"color": MUTED, "width": 1, "dash": "5px,4px"}
        level = [across | {"xref": "paper", "x0": 0, "x1": 1, "y0": rung.share, "y1": rung.share, "line": dashed} for rung in self.rungs]
        return (upright if len(upright) <= 50 else []) + level + self._joint()

    def _joint(self) -> list[dict]:
        """Where this run went on from another one's training."""
        step = self.points.parent_step
        if step is None:
            return []
        return [
            {
                "type": "line",
                "layer": "below",
                "x0": step,
                "x1": step,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": MUTED, "width": 1},
            }
        ]

    def _joint_label(self, canvas: Canvas) -> list[dict]:
        """Above the plot, where nothing else stands."""
        step = self.points.parent_step
        if step is None:
            return []
        place = {"x": step, "yref": "paper", "y": 1, "yanchor": "bottom", "xanchor": "right" if 2 * step > self.end else "left"}
        return [place | {"text": "goes on here", "showarrow": False, "borderpad": 0, "font": {"size": canvas.font - 1, "color": MUTED}}]

    def _sentence(self, plot: Plot, boxes: list[labels.Box]) -> dict:
        """What stands in an empty chart, between the rungs; in short lines, for a phone."""
        soon = "after its first steps." if self.points.total_steps else "a few seconds after<br>you press Start."
        low, high = labels.largest_free(labels.taken(boxes, 0, plot.width), plot.canvas.plot_height)
        place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": round((low + high) / 2 / plot.canvas.plot_height, 3), "yanchor": "middle"}
        look = {"showarrow": False, "bgcolor": SURFACE, "borderpad": 4, "font": {"size": plot.canvas.font + 2, "color": MUTED}}
        return place | look | {"text": f"The {self.what} appears here<br>{soon}"}
