"""From the evidence on all rows to the result of a check: the ranking, its reasons, and the estimate of the noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.audit.judgement import Judgement, conflicting_copies, judge
from trainer.audit.neighbours import find_contradictions, find_neighbours
from trainer.audit.reasons import contradiction_reason, main_sentence, model_reason, neighbours_reason, pair_sentences
from trainer.audit.suspects import AuditResult, NoiseEstimate, PairNoise, Signal, Suspect, Verdict
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import NearDuplicates

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

THRESHOLD = 0.5
"""A row is worth a look if its label is more probably wrong than right."""
_MIN_COMPARED = 200
"""At least so many rows, the most suspicious ones, are compared with similar rows."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """On n rows: out-of-fold ``probabilities`` (n, k), copies, and ``features`` (n, m) by which rows are similar."""

    probabilities: np.ndarray
    near: NearDuplicates
    features: "csr_matrix"


def build_result(corpus: Corpus, evidence: Evidence, *, seconds: Callable[[], float]) -> AuditResult:
    """The result of a check; ``seconds`` is asked at the end."""
    labels, probabilities = corpus.label_ids, evidence.probabilities
    judgement = judge(probabilities, labels)
    noise = _estimate_noise(1 - judgement.truth[np.arange(len(labels)), labels])
    judgement = _with_copies(judgement, conflicting_copies(probabilities, labels, evidence.near), labels)
    wrong = judgement.wrong
    order = np.lexsort((np.arange(len(labels)), -wrong))
    n_suspects = int((wrong > THRESHOLD).sum())
    verdict: Verdict = "clean" if noise.estimate < 0.02 else "noisy"
    pairs = _pairs(judgement, labels, corpus.label_names)
    ranked = _suspects(corpus, evidence, judgement, order, n_suspects)
    sentences = (main_sentence(verdict, noise, len(labels), n_suspects), *pair_sentences(pairs))
    return AuditResult(len(labels), corpus.label_names, noise, pairs, seconds(), ranked, n_suspects, verdict, sentences)


def _with_copies(judgement: Judgement, copies: Mapping[int, np.ndarray], labels: np.ndarray) -> Judgement:
    """The judgement with what copies say of rows; a row becomes no less suspicious by it."""
    wrong, truth = judgement.wrong.copy(), judgement.truth.copy()
    for row, shares in copies.items():
        if 1 - shares[labels[row]] > wrong[row]:
            wrong[row], truth[row] = 1 - shares[labels[row]], shares
    return Judgement(wrong, truth)


def _estimate_noise(wrong: np.ndarray) -> NoiseEstimate:
    """The mean probability of a wrong label, and its normal interval."""
    estimate = float(wrong.mean())
    error = 1.96 * float(wrong.std()) / max(1, len(wrong)) ** 0.5
    return NoiseEstimate(estimate, max(0.0, estimate - error), min(1.0, estimate + error))


def _pairs(judgement: Judgement, labels: np.ndarray, names: tuple[str, ...]) -> tuple[PairNoise, ...]:
    expected = np.zeros((len(names), len(names)))
    np.add.at(expected, labels, judgement.truth)
    counts = np.bincount(labels, minlength=len(names))
    pairs = [
        PairNoise(names[given], names[true], float(expected[given, true] / counts[given]), float(expected[given, true]))
        for given in range(len(names))
        for true in range(len(names))
        if given != true and counts[given] and expected[given, true] > 0
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.rows, pair.given, pair.suggested)))


def _suspects(corpus: Corpus, evidence: Evidence, judgement: Judgement, order: np.ndarray, n_suspects: int) -> tuple[Suspect, ...]:
    labels, names = corpus.label_ids, corpus.label_names
    contradictions = find_contradictions(evidence.near, labels)
    compared = order[: max(_MIN_COMPARED, n_suspects)].tolist()
    neighbours = find_neighbours(evidence.features, labels, evidence.near.groups, compared)
    suspects = []
    for place, row in enumerate(order.tolist()):
        given = int(labels[row])
        others = judgement.truth[row].copy()
        if place < n_suspects:
            others[given] = -1
        suggested = int(others.argmax())
        reasons: list[str] = []
        signals: list[Signal] = []
        if row in contradictions:
            other = contradictions[row].other
            reasons.append(contradiction_reason(contradictions[row], names[labels[other]], int(corpus.lines[other])))
            signals.append("same text")
        if suggested != given:
            p = evidence.probabilities[row]
            if p[suggested] > p[given]:
                reasons.append(model_reason(names[given], float(p[given]), names[suggested], float(p[suggested])))
                signals.append("model")
            if row in neighbours and neighbours[row].labels:
                best, count = neighbours[row].most_frequent()
                if best == suggested and 2 * count > len(neighbours[row].labels):
                    reasons.append(neighbours_reason(neighbours[row], names[suggested], count))
                    signals.append("neighbours")
        why = " ".join(reasons) or "Nothing speaks against this label."
        suspects.append(
            Suspect(
                int(corpus.source_rows[row]),
                int(corpus.lines[row]),
                corpus.texts[row],
                names[given],
                names[suggested],
                float(judgement.wrong[row]),
                float(judgement.truth[row, suggested]),
                why,
                tuple(signals),
                "main" if corpus.files is None else corpus.files[row],
            )
        )
    return tuple(suspects)
