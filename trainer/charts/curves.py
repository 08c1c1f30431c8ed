"""The loss chart and the accuracy chart of one run."""

from dataclasses import dataclass

from trainer.charts import label_placement
from trainer.charts.label_placement import Plot
from trainer.charts.layout import ACCENT, FAINT, INK, MUTED, PHONE, SURFACE, WIDE, Canvas, Figure, make_axis, make_layout
from trainer.charts.lines import Line, downsampled, finite, format_value, make_traces, rounded
from trainer.evaluation.curves import ReferenceLine, RunCurves
from trainer.text_format import percent as format_percent

# Mid-tones that stand out from white and from #111827; the validation line has the page's accent.
_TRAINING, _MACRO_F1 = "#748498", "#C2508F"
_EPOCH_LABEL = 40  # pixels from "epoch 1" to the next number
_STRIDES = tuple(factor * 10**power for power in range(5) for factor in (1, 2, 5))


def loss_chart(curves: RunCurves) -> Figure:
    """Training loss (raw faint, smoothed bold) and validation loss by step; y from 0."""
    lines = (
        Line("validation loss", "validation", ACCENT, curves.eval_steps, curves.eval_loss, width=2.5),
        Line("training loss", "training", _TRAINING, curves.steps, curves.loss, training=True),
    )
    highest = max((v for line in lines for v in finite(line.values) if v is not None), default=0.0)
    # Plotly chooses the range (5 % above the highest point): a given one would end the reader's zoom whenever it changes.
    y_axis = {"rangemode": "tozero", "tickformat": "~g", "nticks": 6} | ({} if highest > 0 else {"range": [0, 1]})
    return _Chart(curves, _measured(lines), y_max=highest / 0.95 or 1.0, is_percent=False, quantity="loss").figure(y_axis)


def accuracy_chart(curves: RunCurves) -> Figure:
    """Validation accuracy with the reference lines, training accuracy (raw faint, smoothed) and validation macro F1 (dashed); y is 0 to 100 %."""
    return _score_chart(
        curves,
        "accuracy",
        Line("validation accuracy", "validation", ACCENT, curves.eval_steps, curves.eval_accuracy, width=3),
        Line("training accuracy", "training", _TRAINING, curves.steps, curves.accuracy, training=True, width=1.5),
        Line("validation macro F1", "macro F1", _MACRO_F1, curves.eval_steps, curves.eval_macro_f1, dash="dot", width=1.5),
    )


def macro_f1_chart(curves: RunCurves) -> Figure:
    """Validation macro F1 with the reference lines and the share of validation rows with exactly their labels (dashed); y is 0 to 100 %.

    What a model says while it learns is decided without its cuts, which are chosen afterwards: it is not drawn beside these.
    """
    figure = _score_chart(
        curves,
        "macro F1",
        Line("validation macro F1", "macro F1", ACCENT, curves.eval_steps, curves.eval_macro_f1, width=3),
        Line("validation exact match", "exactly right", _MACRO_F1, curves.eval_steps, curves.eval_accuracy, dash="dot", width=1.5),
    )
    figure["layout"]["meta"]["title"] = "Macro F1"
    return figure


def _score_chart(curves: RunCurves, quantity: str, *lines: Line) -> Figure:
    y_axis = {"range": [0, 1], "tickformat": "~%", "nticks": 6}
    return _Chart(curves, _measured(lines), y_max=1.0, is_percent=True, quantity=quantity, reference_lines=curves.reference_lines).figure(
        y_axis
    )


def _measured(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(line for line in map(downsampled, lines) if line.steps)


@dataclass(frozen=True)
class _Chart:
    """The input of both charts of a run. ``lines`` begins with the most important one; ``y_max`` is the value at the upper edge."""

    curves: RunCurves
    lines: tuple[Line, ...]
    y_max: float
    is_percent: bool
    quantity: str
    reference_lines: tuple[ReferenceLine, ...] = ()

    @property
    def frontier(self) -> int:
        return max((line.steps[-1] for line in self.lines), default=0)

    @property
    def end(self) -> int:
        return max(self.curves.total_steps, self.frontier)

    @property
    def epochs(self) -> list[int]:
        return sorted({step for step in self.curves.epoch_steps if 0 < step <= self.end})

    @property
    def kept(self) -> tuple[Line, int] | None:
        """The validation line and the step of the kept model on it."""
        step = self.curves.best_step
        return next(((line, step) for line in self.lines if not line.training and step in line.steps), None)

    def figure(self, y_axis: dict) -> Figure:
        # The most important line is drawn last, over the others.
        data = [trace for line in reversed(self.lines) for trace in make_traces(line, self.is_percent)] + self._ring()
        x_axis = make_axis("", range=[0, self.end or 1], showgrid=False) | self._ticks(WIDE)
        layout = make_layout(
            self.curves.key,
            WIDE.height,
            WIDE.margin,
            self._description(),
            xaxis=x_axis,
            yaxis=make_axis("", **y_axis),
            annotations=self._annotations(WIDE),
        )
        phone_axis = {"tickfont": {"color": MUTED, "size": PHONE.font}}
        layout["meta"]["phone"] = {
            "height": PHONE.height,
            "margin": PHONE.margin,
            "annotations": self._annotations(PHONE),
            "xaxis": self._ticks(PHONE) | phone_axis,
            "yaxis": phone_axis,
        }
        if self.reference_lines:
            layout["meta"]["reference_lines"] = [[line.name, line.score] for line in self.reference_lines]
        return {"data": data, "layout": layout | {"shapes": self._shapes()}}

    def _description(self) -> str:
        description = f"Chart of the {self.quantity} by training step. "
        if self.lines:
            last = ", ".join(f"{line.name} {format_value(line.trend[-1], self.is_percent)}" for line in self.lines)
            description += f"At step {self.frontier:,} of {self.end:,}: {last}."
        else:
            description += "Nothing has been measured yet."
        if self.curves.parent_step is not None:
            description += f" Up to step {self.curves.parent_step:,} another run trained."
        references = ", ".join(f"{line.name} {format_percent(line.score)}" for line in self.reference_lines)
        return f"{description} To be beaten: {references}." if references else description

    def _annotations(self, canvas: Canvas) -> list[dict]:
        plot = Plot(canvas, self.end or 1, self.y_max)
        reference_lines, boxes = label_placement.reference_labels(plot, self.reference_lines, self.lines)
        if not self.lines:
            return [*reference_lines, self._empty_note(plot, boxes)]
        kept = self.kept
        newest = kept is not None and kept[1] == kept[0].steps[-1]
        if kept is not None:
            boxes.append(label_placement.ring_box(plot, kept[1], kept[0].values[kept[0].steps.index(kept[1])]))
        texts = [self._end_text(line, kept=newest and line is kept[0]) for line in self.lines]
        end_notes, end_boxes = label_placement.end_labels(plot, self.lines, self.frontier, boxes, texts)
        if kept is not None and not newest:
            value = kept[0].values[kept[0].steps.index(kept[1])]
            text = f"kept {format_percent(value, 0) if self.is_percent else format_value(value, False)}"
            end_notes.append(label_placement.kept_label(plot, *kept, self.lines, boxes + end_boxes, text, below=self.is_percent))
        return reference_lines + end_notes + self._parent_label(canvas)

    def _end_text(self, line: Line, *, kept: bool) -> str:
        text = label_placement.end_text(line, is_percent=self.is_percent, digits=0, suffix=", kept" if kept else "")
        return f"<b>{text}</b>" if line is self.lines[0] else text

    def _ring(self) -> list[dict]:
        """A ring around the point of the kept model on the validation line."""
        if self.kept is None:
            return []
        line, step = self.kept
        ring = {"type": "scatter", "x": [step], "y": [rounded(line.values[line.steps.index(step)])], "mode": "markers", "hoverinfo": "skip"}
        ring["marker"] = {"symbol": "circle-open", "size": 15, "color": INK, "line": {"width": 1.5, "color": INK}}
        return [ring | {"cliponaxis": False}]

    def _ticks(self, canvas: Canvas) -> dict:
        """Ticks of the x axis: the numbers of the epochs under their middles, as many as fit; without epochs, the steps."""
        spans = list(zip([0, *self.epochs], self.epochs, strict=False))
        if not spans:
            return {"tickformat": ",d", "nticks": 6, "showticklabels": self.end > 0, "tickprefix": "step ", "showtickprefix": "first"}
        max_labels = max(canvas.plot_width // _EPOCH_LABEL, 1)
        stride = next(stride for stride in _STRIDES if -(-len(spans) // stride) <= max_labels)
        shown = range(0, len(spans), stride)
        ticks = [rounded((spans[i][0] + spans[i][1]) / 2) for i in shown]
        return {"tickvals": ticks, "ticktext": [f"epoch {i + 1}" if i == 0 else f"{i + 1}" for i in shown]}

    def _shapes(self) -> list[dict]:
        """Faint lines at the ends of epochs, dashed ones at the reference lines."""
        common = {"type": "line", "layer": "below"}
        epoch_ends = [step for step in self.epochs if step < self.end]
        epoch_style = {"color": FAINT, "width": 1, "dash": "2px,3px"}
        vertical = [common | {"x0": step, "x1": step, "yref": "paper", "y0": 0, "y1": 1, "line": epoch_style} for step in epoch_ends]
        reference_style = {"color": MUTED, "width": 1, "dash": "5px,4px"}
        horizontal = [
            common | {"xref": "paper", "x0": 0, "x1": 1, "y0": line.score, "y1": line.score, "line": reference_style}
            for line in self.reference_lines
        ]
        return (vertical if len(vertical) <= 50 else []) + horizontal + self._parent_line()

    def _parent_line(self) -> list[dict]:
        """A line at the last step of the parent run."""
        step = self.curves.parent_step
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

    def _parent_label(self, canvas: Canvas) -> list[dict]:
        """The label of the parent line, above the plot."""
        step = self.curves.parent_step
        if step is None:
            return []
        place = {"x": step, "yref": "paper", "y": 1, "yanchor": "bottom", "xanchor": "right" if 2 * step > self.end else "left"}
        return [place | {"text": "continues here", "showarrow": False, "borderpad": 0, "font": {"size": canvas.font - 1, "color": MUTED}}]

    def _empty_note(self, plot: Plot, boxes: list[label_placement.Box]) -> dict:
        """The sentence in an empty chart, between the reference lines; in short lines, for a phone."""
        when = "after its first steps." if self.curves.total_steps else "a few seconds after<br>you press Start."
        low, high = label_placement.largest_free(label_placement.occupied(boxes, 0, plot.width), plot.canvas.plot_height)
        place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": round((low + high) / 2 / plot.canvas.plot_height, 3), "yanchor": "middle"}
        style = {"showarrow": False, "bgcolor": SURFACE, "borderpad": 4, "font": {"size": plot.canvas.font + 2, "color": MUTED}}
        return place | style | {"text": f"The {self.quantity} appears here<br>{when}"}
