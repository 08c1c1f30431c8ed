"""From the evidence on all rows to the result of a check: the ranking, its reasons, and the estimate of the noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.audit.judgement import Judgement, conflicting_copies, judge
from trainer.audit.neighbours import find_contradictions, find_neighbours
from trainer.audit.out_of_fold import N_FOLDS
from trainer.audit.reasons import contradiction_reason, main_sentence, model_reason, neighbours_reason, pair_sentences
from trainer.audit.relation import MIN_ROWS, judged_rows, known_rows, noise_of_unrelated, unjudged_notes, with_contradictions
from trainer.audit.suspects import AuditResult, NoiseEstimate, PairNoise, Signal, Suspect, Verdict
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import NearDuplicates
from trainer.data.task import SINGLE_LABEL

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

THRESHOLD = 0.5
"""A row is worth a look if its label is more probably wrong than right."""
_CLEAN = 0.02
"""Share of wrong labels below which nearly all are called right."""
_IGNORANCE = 0.2
"""Share of labels that models miss although they are right, beyond which the models say more about themselves than about labels: of 500 and
1,500 emotion tweets as published, of which they miss 31 and 33 %, they took 18 and 4 % for wrong; of 6,000, of which they miss far fewer, 0.7 %."""
MIN_COMPARED = 200
"""At least so many rows, the most suspicious ones, are compared with similar rows."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """On n rows: out-of-fold ``probabilities`` (n, k), copies, ``features`` (n, m) by which rows are similar, and which rows may say something
    about others, ``learned`` (n,) bool: test rows may not. ``unrelated``: whether labels have nothing to do with texts; ``noise``: how many are
    wrong."""

    probabilities: np.ndarray
    near: NearDuplicates
    features: "csr_matrix"
    learned: np.ndarray
    noise: NoiseEstimate
    unrelated: bool


def build_result(corpus: Corpus, evidence: Evidence, *, seconds: Callable[[], float]) -> AuditResult:
    """The result of a check; ``seconds`` is asked at the end."""
    labels, probabilities, near = corpus.label_ids, evidence.probabilities, evidence.near
    judged = judged_rows(labels, near.groups, evidence.learned, len(corpus.label_names), min_texts=N_FOLDS)
    judgement = judge(probabilities, labels, known_rows(evidence.learned, judged)).only(judged, labels)
    judgement = judgement.with_copies(conflicting_copies(probabilities, labels, near, evidence.learned), labels)
    order = np.lexsort((np.arange(len(labels)), -judgement.wrong))
    n_suspects = 0 if evidence.unrelated else int((judgement.wrong > THRESHOLD).sum())
    known = evidence.learned
    noise = noise_of_unrelated(labels) if evidence.unrelated else evidence.noise
    noise = with_contradictions(noise, labels[known], near.normalized[known])
    verdict = _verdict(evidence, labels, judged, noise, n_suspects)
    pairs = () if evidence.unrelated else _pairs(judgement, labels, corpus.label_names)
    ranked = _suspects(corpus, evidence, judgement, order, n_suspects)
    return AuditResult(
        rows=len(labels),
        label_names=corpus.label_names,
        noise=noise,
        pairs=pairs,
        seconds=seconds(),
        ranked=ranked,
        n_suspects=n_suspects,
        verdict=verdict,
        # Where the models know little, the pairs are rather what they confuse themselves.
        sentences=(main_sentence(verdict, noise, len(labels), n_suspects), *(() if verdict == "unsure" else pair_sentences(pairs))),
        notes=unjudged_notes(labels, judged, corpus.label_names, min_texts=N_FOLDS),
    )


def _verdict(evidence: Evidence, labels: np.ndarray, judged: np.ndarray, noise: NoiseEstimate, n_suspects: int) -> Verdict:
    if (evidence.learned & judged).sum() < MIN_ROWS:
        return "few"
    known = evidence.learned & judged
    missed = float((SINGLE_LABEL.decide(evidence.probabilities[known]) != labels[known]).mean())
    return find_verdict(noise, missed=missed, n_suspects=n_suspects, rows=len(labels), unrelated=evidence.unrelated)


def find_verdict(noise: NoiseEstimate, *, missed: float, n_suspects: int, rows: int, unrelated: bool) -> Verdict:
    """What can be said of ``rows`` that are enough to say something; ``missed`` is the share of them whose labels the models do not say."""
    if unrelated:
        return "random"
    if missed - noise.estimate > _IGNORANCE:
        return "unsure"
    if noise.estimate < _CLEAN:
        return "clean"
    # An estimate that is spread over rows of which hardly any stands out is a doubt about models.
    return "unsure" if 2 * n_suspects < noise.estimate * rows else "noisy"


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
    """All rows in this order; only the first ones, and a few more, are compared with similar rows."""
    labels, names, near = corpus.label_ids, corpus.label_names, evidence.near
    contradictions = find_contradictions(near, np.where(evidence.learned, labels, -1), labels)
    compared = order[: max(MIN_COMPARED, n_suspects)].tolist()
    neighbours = find_neighbours(evidence.features, labels, near.groups, evidence.learned, compared)
    suspects = []
    for place, row in enumerate(order.tolist()):
        given = int(labels[row])
        suggested = _suggest(judgement.truth[row], given, other=place < n_suspects)
        reasons: dict[Signal, str] = {}
        if row in contradictions:
            other = contradictions[row].other
            reasons["same text"] = contradiction_reason(contradictions[row], names[labels[other]], int(corpus.lines[other]))
        if suggested != given:
            p = evidence.probabilities[row]
            if p[suggested] > p[given]:
                reasons["model"] = model_reason(names[given], float(p[given]), names[suggested], float(p[suggested]))
            count = neighbours[row].labels.count(suggested) if row in neighbours else 0
            if count and 2 * count > len(neighbours[row].labels):
                reasons["neighbours"] = neighbours_reason(neighbours[row], names[suggested], count)
        suspects.append(
            Suspect(
                row=int(corpus.source_rows[row]),
                line=int(corpus.lines[row]),
                text=corpus.texts[row],
                label=names[given],
                suggested=names[suggested],
                score=float(judgement.wrong[row]),
                confidence=float(judgement.truth[row, suggested]),
                why=" ".join(reasons.values()) or "Nothing speaks against this label.",
                signals=tuple(reasons),
                file="main" if corpus.files is None else corpus.files[row],
            )
        )
    return tuple(suspects)


def _suggest(truth: np.ndarray, given: int, *, other: bool) -> int:
    """The most probable label of a row, (k,) probabilities; with ``other`` the most probable one but the given."""
    return int(SINGLE_LABEL.decide(np.where((np.arange(len(truth)) == given) & other, -1.0, truth)))
