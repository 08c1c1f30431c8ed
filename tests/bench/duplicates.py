"""How many planted near-duplicates are found in 21,000 and 200,000 rows and at what cost, compared with comparing every pair of a sample.

``python -m tests.bench.duplicates`` runs it alone; ``python -m tests.bench.duplicates CORPUS ROWS`` is one measurement.
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
SAMPLE = 3_000  # texts of which rapidfuzz compares every pair
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def _random_words(rng: random.Random, n_words: int, min_length: int = 2, max_length: int = 10) -> list[str]:
    return ["".join(rng.choices(_ALPHABET, k=rng.randint(min_length, max_length))) for _ in range(n_words)]


def realistic(rows: int, seed: int = 1) -> list[str]:
    """Texts of 60 to 140 letters; word frequencies follow Zipf's law, and half of the words depend on the previous one."""
    rng = random.Random(seed)
    words = _random_words(rng, 30_000)
    weights = np.cumsum([1 / (rank + 3) for rank in range(len(words))]).tolist()
    successors = [rng.choices(range(len(words)), cum_weights=weights, k=6) for _ in words]
    texts = []
    for _ in range(rows):
        min_letters = rng.randint(60, 140)
        text, n_letters, last = [], 0, 0
        while n_letters < min_letters:
            last = rng.choice(successors[last]) if rng.random() < 0.5 else rng.choices(range(len(words)), cum_weights=weights)[0]
            text.append(words[last])
            n_letters += len(words[last]) + 1
        texts.append(" ".join(text))
    return texts


def templated(rows: int, seed: int = 1) -> list[str]:
    """Texts of four templates, filled from lists of 50 to 400 words."""
    rng = random.Random(seed)
    names, places, adjectives, nouns, verbs = (_random_words(rng, n_words, 4, 9) for n_words in (300, 200, 60, 100, 50))
    events = [" ".join(_random_words(rng, 4, 4, 9)) for _ in range(400)]
    templates = (
        "the {noun} that {name} bought at {place} was {one} and {other} because {event}",
        "hello {name} your {noun} from {place} could not {verb} since {event} please {then} us",
        "i feel so {one} about the {noun} that we {verb} in {place} and {name} said {event}",
        "{event} is what {name} told me about {place} and its {one} {noun}",
    )
    pick = rng.choice
    return [
        pick(templates).format(
            noun=pick(nouns), name=pick(names), place=pick(places), one=pick(adjectives), other=pick(adjectives), verb=pick(verbs),
            then=pick(verbs), event=pick(events),
        )
        for _ in range(rows)
    ]  # fmt: skip


def _add_typo(rng: random.Random, text: str) -> str:
    position, letter = rng.randrange(len(text)), rng.choice(_ALPHABET)
    return text[:position] + rng.choice(("", letter, letter + text[position])) + text[position + 1 :]


def _add_typos(rng: random.Random, text: str) -> str:
    for _ in range(rng.randint(2, max(2, len(text) * 8 // 100))):
        text = _add_typo(rng, text)
    return text


def _add_even_typos(rng: random.Random, text: str) -> str:
    """Substitute as many letters as a similarity of 92 % allows, evenly spread: a similar pair cannot have fewer common letter sequences."""
    n_typos = len(text) * 8 // 100
    positions = {(2 * i + 1) * len(text) // (2 * n_typos) for i in range(n_typos)}
    return "".join(rng.choice(_ALPHABET) if i in positions else letter for i, letter in enumerate(text))


def _remove_word(rng: random.Random, text: str) -> str:
    words = text.split()
    words.pop(rng.randrange(len(words)))
    return " ".join(words)


def _repeat_word(rng: random.Random, text: str) -> str:
    words = text.split()
    words.insert(rng.randrange(len(words) + 1), rng.choice(words))
    return " ".join(words)


def _swap_words(rng: random.Random, text: str) -> str:
    words = text.split()
    position = rng.randrange(len(words) - 1)
    words[position : position + 2] = words[position + 1], words[position]
    return " ".join(words)


def _cut_end(rng: random.Random, text: str) -> str:
    return text[: len(text) - rng.randint(2, max(2, len(text) * 14 // 100))]


CHANGES: dict[str, Callable[[random.Random, str], str]] = {
    "equal when normalized": lambda rng, text: f"{text.title()}! @someone",
    "one letter": _add_typo,
    "typos": _add_typos,
    "typos evenly spread": _add_even_typos,
    "a word less": _remove_word,
    "a word more": _repeat_word,
    "two words swapped": _swap_words,
    "end cut off": _cut_end,
}
NEVER_SEPARATED = ("equal when normalized", "one letter")


def plant(texts: Sequence[str], *, each: int, seed: int = 2) -> tuple[list[str], dict[str, list[tuple[int, int]]]]:
    """The distinct texts followed by changed copies of some; and the pairs of positions by change, ``each`` pairs per change."""
    rng = random.Random(seed)
    texts = list(dict.fromkeys(texts))
    originals = iter(rng.sample(range(len(texts)), len(texts)))
    changed: list[str] = []
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, change in CHANGES.items():
        while len(pairs[name]) < each:
            original = next(originals)
            text = change(rng, texts[original])
            if _is_similar(name, normalize_text(texts[original]), normalize_text(text)):
                pairs[name].append((original, len(texts) + len(changed)))
                changed.append(text)
    return texts + changed, dict(pairs)


def _is_similar(change: str, one: str, other: str) -> bool:
    """Whether the changed copy is a valid pair: equal or, depending on the change, long enough, similar, and with the same digits."""
    from rapidfuzz import fuzz

    if change == "equal when normalized":
        return one == other
    digits = [re.findall(r"\d", text) for text in (one, other)]
    return one != other and min(len(one), len(other)) >= MIN_LETTERS and digits[0] == digits[1] and fuzz.ratio(one, other) >= MIN_SIMILARITY


def _run(corpus: str, rows: int) -> dict[str, float]:
    """One measurement in this process."""
    texts, pairs = plant({"realistic": realistic, "templated": templated}[corpus](rows), each=max(100, rows // 200))
    peak_before = _peak_mb()
    start = time.process_time()
    near_duplicates = find_near_duplicates(texts)
    seconds = time.process_time() - start
    peak = _peak_mb() - peak_before
    rng = random.Random(3)
    labels = np.array([rng.randrange(3) for _ in texts])
    numbers = np.arange(len(texts))
    data = Corpus(tuple(texts), labels, ("anger", "fear", "joy"), numbers, numbers + 1, None, ())
    splits = split(data, validation_share=0.1, test_share=0.2, seed=42, groups=near_duplicates.groups)
    part = np.zeros(len(texts), np.int64)
    part[splits.validation], part[splits.test] = 1, 2
    result: dict[str, float] = {"rows": len(texts), "cpu_seconds": round(seconds, 2), "peak_mb_on_top": round(peak)}
    for change, planted in pairs.items():
        one, other = np.array(planted).T
        groups = near_duplicates.groups
        result[f"found: {change}"] = round(float(np.mean(groups[one] == groups[other])), 4)
        result[f"separated: {change}"] = int(np.count_nonzero(part[one] != part[other]))
    return result | {"split_groups": int(near_duplicates.separated.sum()), "unchecked": int(near_duplicates.unchecked.sum())}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


def _every_pair(texts: Sequence[str]) -> float:
    """CPU seconds in which rapidfuzz compares every pair of texts."""
    from rapidfuzz import fuzz, process

    normalized = [normalize_text(text) for text in texts]
    start = time.process_time()
    process.cdist(normalized, normalized, scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY, dtype=np.uint8, workers=1)
    return time.process_time() - start


def measure() -> dict[str, float]:
    """Results of a separate process for both corpora and sizes; rapidfuzz's time for a sample, and its estimated time for all pairs."""
    results: dict[str, float] = {}
    for corpus in ("realistic", "templated"):
        for rows in SIZES:
            command = [sys.executable, "-m", "tests.bench.duplicates", corpus, str(rows)]
            output = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
            results |= {f"near_{corpus}_{rows}_{name}": value for name, value in output.items()}
    seconds = _every_pair(realistic(SAMPLE))
    results["every_pair_sample_cpu_seconds"] = round(seconds, 2)
    for rows in SIZES:
        results[f"every_pair_{rows}_cpu_seconds_estimated"] = round(seconds * (rows / SAMPLE) ** 2)
    return results


def show(results: dict[str, float]) -> None:
    print("Near-duplicates: planted pairs found in one group, and CPU time")
    for rows in SIZES:
        estimate = results[f"every_pair_{rows}_cpu_seconds_estimated"]
        print(f"  {rows:,} rows, rapidfuzz compares every pair, estimated from {SAMPLE:,}: {estimate:,} s")
        for corpus in ("realistic", "templated"):
            name = f"near_{corpus}_{rows}"
            print(f"  {rows:,} {corpus} rows: {results[f'{name}_cpu_seconds']:.1f} s, {results[f'{name}_peak_mb_on_top']} MB on top")
            for change in CHANGES:
                separated = results[f"{name}_separated: {change}"]
                limit = "   (allowed: 0)" if change in NEVER_SEPARATED else ""
                print(f"    {change:<22} {results[f'{name}_found: {change}']:7.2%} found, {separated} separated by the split{limit}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(_run(sys.argv[1], int(sys.argv[2]))))
    else:
        measured = measure()
        show(measured)
        print(json.dumps(measured))
