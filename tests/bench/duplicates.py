"""How many planted near-duplicates are found in 21,000 and 200,000 rows, and at what cost, beside comparing every pair of a sample.

``python -m tests.bench.duplicates`` runs it alone; ``python -m tests.bench.duplicates CORPUS ROWS`` is one measurement in its own process.
"""

import json
import random
import re
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import MIN_LETTERS, find_near_duplicates
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.duplicates.similar_pairs import MIN_SIMILARITY
from trainer.data.splits import split

ROOT = Path(__file__).resolve().parents[2]
SIZES = (21_000, 200_000)
SAMPLE = 3_000  # texts of which the rival compares every pair
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def _words(draw: random.Random, count: int, shortest: int = 2, longest: int = 10) -> list[str]:
    return ["".join(draw.choices(_ALPHABET, k=draw.randint(shortest, longest))) for _ in range(count)]


def realistic(rows: int, seed: int = 1) -> list[str]:
    """Texts of 60 to 140 letters; words are as frequent as in a language (Zipf), and half of them follow from the word before."""
    draw = random.Random(seed)
    words = _words(draw, 30_000)
    weights = np.cumsum([1 / (rank + 3) for rank in range(len(words))]).tolist()
    follow = [draw.choices(range(len(words)), cum_weights=weights, k=6) for _ in words]
    texts = []
    for _ in range(rows):
        letters = draw.randint(60, 140)
        text, size, last = [], 0, 0
        while size < letters:
            last = draw.choice(follow[last]) if draw.random() < 0.5 else draw.choices(range(len(words)), cum_weights=weights)[0]
            text.append(words[last])
            size += len(words[last]) + 1
        texts.append(" ".join(text))
    return texts


def templated(rows: int, seed: int = 1) -> list[str]:
    """Texts of four templates whose gaps are filled from lists of 50 to 400."""
    draw = random.Random(seed)
    names, places, adjectives, nouns, verbs = (_words(draw, count, 4, 9) for count in (300, 200, 60, 100, 50))
    events = [" ".join(_words(draw, 4, 4, 9)) for _ in range(400)]
    templates = (
        "the {noun} that {name} bought at {place} was {one} and {other} because {event}",
        "hello {name} your {noun} from {place} could not {verb} since {event} please {then} us",
        "i feel so {one} about the {noun} that we {verb} in {place} and {name} said {event}",
        "{event} is what {name} told me about {place} and its {one} {noun}",
    )
    pick = draw.choice
    return [
        pick(templates).format(
            noun=pick(nouns), name=pick(names), place=pick(places), one=pick(adjectives), other=pick(adjectives), verb=pick(verbs),
            then=pick(verbs), event=pick(events),
        )
        for _ in range(rows)
    ]  # fmt: skip


def _typo(draw: random.Random, text: str) -> str:
    at, letter = draw.randrange(len(text)), draw.choice(_ALPHABET)
    return text[:at] + draw.choice(("", letter, letter + text[at])) + text[at + 1 :]


def _typos(draw: random.Random, text: str) -> str:
    for _ in range(draw.randint(2, max(2, len(text) * 8 // 100))):
        text = _typo(draw, text)
    return text


def _even_typos(draw: random.Random, text: str) -> str:
    """As many letters substituted as 92 % allow, evenly spread: the fewest common runs of letters that a similar pair can have."""
    count = len(text) * 8 // 100
    places = {(2 * at + 1) * len(text) // (2 * count) for at in range(count)}
    return "".join(draw.choice(_ALPHABET) if at in places else letter for at, letter in enumerate(text))


def _word_less(draw: random.Random, text: str) -> str:
    words = text.split()
    words.pop(draw.randrange(len(words)))
    return " ".join(words)


def _word_more(draw: random.Random, text: str) -> str:
    words = text.split()
    words.insert(draw.randrange(len(words) + 1), draw.choice(words))
    return " ".join(words)


def _swapped(draw: random.Random, text: str) -> str:
    words = text.split()
    at = draw.randrange(len(words) - 1)
    words[at : at + 2] = words[at + 1], words[at]
    return " ".join(words)


def _cut(draw: random.Random, text: str) -> str:
    return text[: len(text) - draw.randint(2, max(2, len(text) * 14 // 100))]


KINDS: dict[str, Callable[[random.Random, str], str]] = {
    "equal when folded": lambda draw, text: f"{text.title()}! @someone",
    "one letter": _typo,
    "typos": _typos,
    "typos evenly spread": _even_typos,
    "a word less": _word_less,
    "a word more": _word_more,
    "two words swapped": _swapped,
    "end cut off": _cut,
}
NEVER_TORN = ("equal when folded", "one letter")


def plant(texts: Sequence[str], *, each: int, seed: int = 2) -> tuple[list[str], dict[str, list[tuple[int, int]]]]:
    """The texts, each once, followed by changed copies of some, and by kind of change the pairs of positions, ``each`` of every kind."""
    draw = random.Random(seed)
    texts = list(dict.fromkeys(texts))
    originals = iter(draw.sample(range(len(texts)), len(texts)))
    copies: list[str] = []
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for kind, change in KINDS.items():
        while len(pairs[kind]) < each:
            at = next(originals)
            copy = change(draw, texts[at])
            if _counts(kind, normalize_text(texts[at]), normalize_text(copy)):
                pairs[kind].append((at, len(texts) + len(copies)))
                copies.append(copy)
    return texts + copies, dict(pairs)


def _counts(kind: str, one: str, other: str) -> bool:
    """Whether it came out as a pair of its kind: long enough, with the same digits, and similar."""
    from rapidfuzz import fuzz

    if kind == "equal when folded":
        return one == other
    digits = [re.findall(r"\d", fold) for fold in (one, other)]
    return one != other and min(len(one), len(other)) >= MIN_LETTERS and digits[0] == digits[1] and fuzz.ratio(one, other) >= MIN_SIMILARITY


def _run(corpus: str, rows: int) -> dict[str, float]:
    """One measurement, in this process."""
    texts, pairs = plant({"realistic": realistic, "templated": templated}[corpus](rows), each=max(100, rows // 200))
    before = _peak_mb()
    start = time.process_time()
    found = find_near_duplicates(texts)
    seconds = time.process_time() - start
    peak = _peak_mb() - before
    draw = random.Random(3)
    labels = np.array([draw.randrange(3) for _ in texts])
    numbers = np.arange(len(texts))
    data = Corpus(tuple(texts), labels, ("anger", "fear", "joy"), numbers, numbers + 1, None, ())
    splits = split(data, validation_share=0.1, test_share=0.2, seed=42, groups=found.groups)
    part = np.zeros(len(texts), np.int64)
    part[splits.validation], part[splits.test] = 1, 2
    result: dict[str, float] = {"rows": len(texts), "cpu_seconds": round(seconds, 2), "peak_mb_on_top": round(peak)}
    for kind, planted in pairs.items():
        one, other = np.array(planted).T
        result[f"found: {kind}"] = round(float(np.mean(found.groups[one] == found.groups[other])), 4)
        result[f"torn: {kind}"] = int(np.count_nonzero(part[one] != part[other]))
    return result | {"parted": int(found.separated.sum()), "unchecked": int(found.unchecked.sum())}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


def _every_pair(texts: Sequence[str]) -> float:
    """CPU seconds in which rapidfuzz alone compares every pair of texts."""
    from rapidfuzz import fuzz, process

    folds = [normalize_text(text) for text in texts]
    start = time.process_time()
    process.cdist(folds, folds, scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY, dtype=np.uint8, workers=1)
    return time.process_time() - start


def measure() -> dict[str, float]:
    """Of both corpora and sizes what a process of its own found, and the rival's time for a sample, and what it comes to for all pairs."""
    found: dict[str, float] = {}
    for corpus in ("realistic", "templated"):
        for rows in SIZES:
            command = [sys.executable, "-m", "tests.bench.duplicates", corpus, str(rows)]
            answer = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
            found |= {f"near_{corpus}_{rows}_{name}": value for name, value in answer.items()}
    seconds = _every_pair(realistic(SAMPLE))
    found["every_pair_sample_cpu_seconds"] = round(seconds, 2)
    for rows in SIZES:
        found[f"every_pair_{rows}_cpu_seconds_reckoned"] = round(seconds * (rows / SAMPLE) ** 2)
    return found


def show(found: dict[str, float]) -> None:
    print("Near-duplicates: planted pairs that come into one group, and CPU time")
    for rows in SIZES:
        reckoned = found[f"every_pair_{rows}_cpu_seconds_reckoned"]
        print(f"  {rows:,} rows, rapidfuzz compares every pair, reckoned from {SAMPLE:,}: {reckoned:,} s")
        for corpus in ("realistic", "templated"):
            name = f"near_{corpus}_{rows}"
            print(f"  {rows:,} {corpus} rows: {found[f'{name}_cpu_seconds']:.1f} s, {found[f'{name}_peak_mb_on_top']} MB on top")
            for kind in KINDS:
                torn = found[f"{name}_torn: {kind}"]
                print(
                    f"    {kind:<20} {found[f'{name}_found: {kind}']:7.2%} found, {torn} torn apart{'   (allowed: 0)' * (kind in NEVER_TORN)}"
                )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(_run(sys.argv[1], int(sys.argv[2]))))
    else:
        measured = measure()
        show(measured)
        print(json.dumps(measured))
