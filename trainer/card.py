"""The model card: what a model is, what was measured and what it is not good for, in the Hub's format."""

from trainer.evaluation.report import Interval, Report
from trainer.runs.run import Run
from trainer.runs.view import RunView


def write_card(run: Run, view: RunView, report: Report) -> None:
    """The model card, ``README.md`` of the model folder, in the Hub's format."""
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    data = ModelCardData(
        model_name=view.name,
        base_model=view.encoder,
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["text-classification", "emotune"],
        eval_results=[
            EvalResult(
                task_type="text-classification",
                dataset_type="csv",
                dataset_name=view.source_name,
                dataset_split="test",
                metric_type=kind,
                metric_value=round(interval.value, 4),
            )
            for kind, interval in (("accuracy", report.accuracy), ("f1", report.macro_f1))
        ],
    )
    rows = "\n".join(f"| {_cell(c.name)} | {c.precision:.3f} | {c.recall:.3f} | {c.f1:.3f} | {c.support:,} |" for c in report.per_class)
    text = f"""---
{data.to_yaml()}
---

# {view.name}

A text classifier with {len(report.label_names)} classes, fine-tuned with Emotune from {view.encoder} on
{view.rows.get("train", 0):,} rows of {_cell(view.source_name)}.

```python
from transformers import pipeline

classify = pipeline("text-classification", model="path/to/this/folder", top_k=None)
classify("your text", truncation=True)
```

## What was measured

On {report.rows:,} test rows that were never trained on, nor used to choose anything (95 % bootstrap intervals):
accuracy {_interval(report.accuracy)}, macro F1 {_interval(report.macro_f1)}, weighted F1 {_interval(report.weighted_f1)}.
Always answering “{_cell(report.majority_name)}” would be right in {report.majority_share:.1%} of them.

| class | precision | recall | F1 | rows |
|---|---:|---:|---:|---:|
{rows}

## How it was trained

{view.epochs} epochs, batch size {view.batch_size}, peak learning rate {view.learning_rate:g}, on {view.device}.
Settings and seed: {", ".join(f"{name} {value}" for name, value in run.recipe().to_dict().items() if value is not None)}.

## Limits

The scores hold for texts like those of the file it learnt from. Other sources, languages or times may give other results.
"""
    ModelCard(text).save(run.model / "README.md")


def _interval(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _cell(text: str) -> str:
    """A person's words inside Markdown: nothing in them may break the table or become markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+|!" else c for c in " ".join(text.split()))
