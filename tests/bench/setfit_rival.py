"""The package SetFit on the packaged encoder: what it learns from a file of texts and labels, scored on another.

``python -m tests.bench.setfit_rival TRAIN.csv TEST.csv --seed 42 --iterations 20`` prints accuracy and macro F1 as JSON. Needs ``pip install
setfit==1.2.0``, which the project does not. Its defaults (Tunstall et al. 2022), with pairs drawn ``iterations`` times a row instead of all there are.
"""

import argparse
import csv
import json
import tempfile
from pathlib import Path

from trainer.settings import prepare_environment


def measure(train: Path, test: Path, *, seed: int, iterations: int) -> dict[str, float]:
    """Accuracy and macro F1, for files with a text and a label in each row below a header."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.metrics import accuracy_score, f1_score

    from trainer.training.encoder_catalogue import EncoderCatalogue

    learned, asked = _read(train), _read(test)
    names = sorted({label for _, label in learned})
    dataset = Dataset.from_dict({"text": [text for text, _ in learned], "label": [names.index(label) for _, label in learned]})
    model = SetFitModel.from_pretrained(EncoderCatalogue().default.source)
    with tempfile.TemporaryDirectory() as folder:
        options = {"num_epochs": 1, "num_iterations": iterations, "seed": seed, "report_to": "none", "save_strategy": "no"}
        trainer = Trainer(model=model, args=TrainingArguments(output_dir=folder, show_progress_bar=False, **options), train_dataset=dataset)
        trainer.train()
        said = [names[int(i)] for i in model.predict([text for text, _ in asked], show_progress_bar=False)]
    labels = [label for _, label in asked]
    return {"accuracy": float(accuracy_score(labels, said)), "macro_f1": float(f1_score(labels, said, average="macro"))}


def _read(file: Path) -> list[list[str]]:
    with open(file, newline="", encoding="utf-8") as rows:
        return list(csv.reader(rows))[1:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--iterations", type=int, default=20)
    given = parser.parse_args()
    prepare_environment()
    print(json.dumps(measure(given.train, given.test, seed=given.seed, iterations=given.iterations)))
