"""Whether texts of another domain are told apart from training rows, and texts of the same are not: 20 draws of each pair.

    python -m tests.bench.domains

Training rows and files of 500 texts each, from the data sets beside the checkout, which are not part of the project.
"""

import csv
import json
import random
from pathlib import Path

from trainer.evaluation.difference import text_difference

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_DRAWS, _ROWS = 20, 500


def measure() -> dict[str, object]:
    """Of each pair: in how many draws the file is told apart, and the middle separation. The same set twice is its own rows, drawn anew."""
    sets = _sets()
    results: dict[str, object] = {}
    for learnt in sets:
        for given in sets:
            verdicts, areas = [], []
            for draw in range(_DRAWS):
                rows = random.Random(f"{learnt} {draw}").sample(sets[learnt], min(2 * _ROWS, len(sets[learnt])))
                half = len(rows) // 2
                # Rows that were not drawn, half of which are drawn once more: files repeat themselves.
                file = random.Random(f"{given} {draw}").choices(rows[half:] if given == learnt else sets[given], k=_ROWS)
                found = text_difference(file, rows[:half], classes={}, training_classes={})
                verdicts.append(found.verdict in ("different", "other"))
                areas.append(found.separation.value)
            name = f"domain_{learnt}_{'same' if given == learnt else given}"
            results[f"{name}_told_apart"] = sum(verdicts)
            results[f"{name}_separation"] = round(sorted(areas)[len(areas) // 2], 3)
    return results


def show(results: dict[str, object]) -> None:
    print(f"Files told apart from training rows, of {_DRAWS} draws (wanted: none of the same domain, all of others)")
    for name, value in results.items():
        print(f"  {name.removeprefix('domain_'):<50} {value!s:>6}")


def _sets() -> dict[str, list[str]]:
    """Texts of each data set that is there."""
    files = {
        "tweets": "tweeteval_emotion_test.csv",
        "sms": "sms_spam_latin1.csv",
        "finance": "financial_phrasebank.csv",
        "news": "ag_news_noheader.csv",
    }
    sets = {}
    for name, file in files.items():
        for path in _DATA.rglob(file):
            with open(path, encoding="utf-8", errors="replace", newline="") as lines:
                texts = [max(row, key=len) for row in csv.reader(lines) if row][1:20_000]
            sets[name] = [text for text in dict.fromkeys(texts) if text.strip()]
    return sets


if __name__ == "__main__":
    measured = measure()
    show(measured)
    print(json.dumps(measured))
