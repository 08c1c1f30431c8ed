"""The quick check of labels where a text may have several: each label is a question of its own to every text, has it or not.

``quick_check.py`` and ``ranking.py`` do it for one label a text; their parts judge each question here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.audit.judgement import conflicting_copies, judge
from trainer.audit.neighbours import find_neighbours
from trainer.audit.out_of_fold import N_FOLDS
from trainer.audit.quick_check import JUDGING, Progress, TextsRead, judge_out_of_fold, read_texts
from trainer.audit.ranking import MIN_COMPARED, THRESHOLD, find_verdict
from trainer.audit.reasons import LabelReason, change_sentences, main_sentence, reason_of_label
from trainer.audit.relation import MIN_ROWS, judged_rows, known_rows, noise_of_unrelated_labels, unjudged_labels_notes
from trainer.audit.suspects import AuditResult, NoiseEstimate, PairNoise, Signal, Suspect, Verdict
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import NearDuplicates

_NORMAL_95 = 1.96


@dataclass(frozen=True, eq=False)
class LabelsEvidence:
    """On n texts and k labels: out-of-fold ``probabilities`` (n, k) of having each; which labels have enough texts with and without to be ``judged``
    (k,) bool; how many texts are wrong about each, ``noise`` (k); and which have nothing to do with the texts, ``unrelated`` (k,) bool."""

    read: TextsRead
    probabilities: np.ndarray
    judged: np.ndarray
    noise: tuple[NoiseEstimate, ...]
    unrelated: np.ndarray

    @property
    def near(self) -> NearDuplicates:
        return self.read.near

    @property
    def learned(self) -> np.ndarray:
        return self.read.learned


def gather_labels_evidence(
    corpus: Corpus, learned: np.ndarray, *, seed: int, on_progress: Progress, should_stop: Callable[[], bool]
) -> LabelsEvidence:
    """What linear models and copies say about each label of each text; arguments and errors as for ``quick_check``.

    Binary relevance: one question a label (Tsoumakas & Katakis 2007, Multi-label classification: an overview), so that a missing label is found as a
    surplus one is, and each question has its own share of mistakes.
    """
    read = read_texts(corpus, learned, seed=seed, on_progress=on_progress)
    n, k = corpus.label_ids.shape
    probabilities, judged, unrelated = np.zeros((n, k)), np.zeros(k, dtype=bool), np.zeros(k, dtype=bool)
    noise = [NoiseEstimate(0.0, 0.0, 0.0)] * k
    for label in range(k):
        has = corpus.label_ids[:, label]
        probabilities[:, label] = has
        judged[label] = judged_rows(has, read.near.groups, learned, 2, min_texts=N_FOLDS).all() and len(np.unique(has[learned])) == 2
        if not judged[label]:
            continue
        found = judge_out_of_fold(
            read,
            has,
            2,
            on_progress=lambda done, label=label: on_progress(JUDGING, 0.1 + 0.8 * (label + done) / k),
            should_stop=should_stop,
        )
        probabilities[:, label], noise[label], unrelated[label] = found.probabilities[:, 1], found.noise, found.unrelated
    on_progress("comparing similar rows", 0.9)
    return LabelsEvidence(read, probabilities, judged, tuple(noise), unrelated)


def build_labels_result(corpus: Corpus, evidence: LabelsEvidence, *, seconds: Callable[[], float]) -> AuditResult:
    """The result of a check; ``seconds`` is asked at the end. A text is as suspicious as its most suspicious label."""
    wrong = _wrong(corpus, evidence)
    scores = wrong.max(axis=1)
    order = np.lexsort((np.arange(len(corpus)), -scores))
    is_random = bool(evidence.judged.any() and evidence.unrelated[evidence.judged].all())
    n_suspects = 0 if is_random else int((scores > THRESHOLD).sum())
    noise = noise_of_unrelated_labels(corpus.label_ids) if is_random else _noise_of_texts(evidence, len(corpus))
    verdict = _verdict(corpus, evidence, noise, n_suspects, is_random=is_random)
    changes = () if is_random else _changes(corpus, wrong)
    return AuditResult(
        rows=len(corpus),
        label_names=corpus.label_names,
        noise=noise,
        pairs=changes,
        seconds=seconds(),
        ranked=_suspects(corpus, evidence, wrong, order, n_suspects),
        n_suspects=n_suspects,
        verdict=verdict,
        sentences=(
            main_sentence(verdict, noise, len(corpus), n_suspects, corpus.task),
            *(() if verdict == "unsure" else change_sentences(changes)),
        ),
        notes=unjudged_labels_notes(corpus.label_names, evidence.judged, min_texts=N_FOLDS),
        task=corpus.task,
    )


def _wrong(corpus: Corpus, evidence: LabelsEvidence) -> np.ndarray:
    """The probability that each text is wrong about each label, (n, k)."""
    read, wrong = evidence.read, np.zeros(corpus.label_ids.shape)
    for label in range(wrong.shape[1]):
        has, of_label = corpus.label_ids[:, label], evidence.probabilities[:, label]
        of_classes = np.stack([1 - of_label, of_label], axis=1)
        if evidence.judged[label] and not evidence.unrelated[label]:
            judged = np.ones(len(has), dtype=bool)
            judgement = judge(of_classes, has, known_rows(read.learned, judged))
            wrong[:, label] = judgement.with_copies(conflicting_copies(of_classes, has, read.near, read.learned), has).wrong
    return wrong


def _noise_of_texts(evidence: LabelsEvidence, rows: int) -> NoiseEstimate:
    """The share of texts with a wrong label, if labels are mistaken independently of each other."""
    right = 1.0
    variance = 0.0
    for of_label in evidence.noise:
        right *= 1 - of_label.estimate
        variance += ((of_label.high - of_label.low) / (2 * _NORMAL_95)) ** 2
    share, error = 1 - right, _NORMAL_95 * variance**0.5
    return NoiseEstimate(share, max(0.0, share - error), min(1.0, share + error))


def _verdict(corpus: Corpus, evidence: LabelsEvidence, noise: NoiseEstimate, n_suspects: int, *, is_random: bool) -> Verdict:
    learned = evidence.read.learned
    if learned.sum() < MIN_ROWS or not evidence.judged.any():
        return "few"
    said = corpus.task.decide(evidence.probabilities[learned])
    missed = float(1 - corpus.task.right(corpus.label_ids[learned], said).mean())
    return find_verdict(noise, missed=missed, n_suspects=n_suspects, rows=len(corpus), unrelated=is_random)


def _changes(corpus: Corpus, wrong: np.ndarray) -> tuple[PairNoise, ...]:
    """For each label the expected number of texts that miss it, and of those that have it and should not; the most frequent change first."""
    has, names = corpus.label_ids > 0, corpus.label_names
    missing, surplus = (wrong * ~has).sum(axis=0), (wrong * has).sum(axis=0)
    counts = has.sum(axis=0)
    found = [
        PairNoise("", name, float(rows / max(1, len(corpus) - count)), float(rows))
        for name, rows, count in zip(names, missing, counts, strict=True)
    ]
    found += [
        PairNoise(name, "", float(rows / max(1, count)), float(rows)) for name, rows, count in zip(names, surplus, counts, strict=True)
    ]
    return tuple(sorted((change for change in found if change.rows > 0), key=lambda change: (-change.rows, change.given, change.suggested)))


def _suspects(corpus: Corpus, evidence: LabelsEvidence, wrong: np.ndarray, order: np.ndarray, n_suspects: int) -> tuple[Suspect, ...]:
    """All texts in this order; only the first ones, and a few more, are compared with similar ones."""
    compared = order[: max(MIN_COMPARED, n_suspects)].tolist()
    read, rows = evidence.read, np.arange(len(corpus))
    neighbours = find_neighbours(read.features.words, rows, read.near.groups, read.learned, compared)
    copies = _copies(evidence, compared)
    names, written, suspects = corpus.label_names, corpus.written_labels, []
    for place, row in enumerate(order.tolist()):
        has = corpus.label_ids[row]
        doubted = _doubted(wrong[row]) if place < n_suspects else []
        reasons: list[LabelReason] = []
        for label in doubted:
            near, others = neighbours[row].labels, copies.get(row, ())
            other = next((copy for copy in others if corpus.label_ids[copy, label] != has[label]), None)
            reasons.append(
                reason_of_label(
                    names[label],
                    missing=not has[label],
                    probability=float(evidence.probabilities[row, label]),
                    neighbours=(int(corpus.label_ids[list(near), label].sum()), len(near)),
                    other_line=None if other is None else int(corpus.lines[other]),
                )
            )
        after = has.copy()
        after[doubted] = 1 - after[doubted]
        suspects.append(
            Suspect(
                row=int(corpus.source_rows[row]),
                line=int(corpus.lines[row]),
                text=corpus.texts[row],
                label=written[row],
                suggested=corpus.task.written(corpus.task.names(after, names)),
                score=float(wrong[row].max()),
                confidence=float(wrong[row].max() if doubted else 1 - wrong[row].max()),
                why=" ".join(reason.sentence for reason in reasons) or "Nothing speaks against these labels.",
                signals=_signals(reasons),
                file="main" if corpus.files is None else corpus.files[row],
            )
        )
    return tuple(suspects)


def _doubted(wrong: np.ndarray) -> list[int]:
    """The labels of a text, (k,) probabilities, that are more probably wrong than right, the most probable first."""
    return [label for label in np.argsort(-wrong, kind="stable").tolist() if wrong[label] > THRESHOLD]


def _copies(evidence: LabelsEvidence, rows: Sequence[int]) -> Mapping[int, tuple[int, ...]]:
    """For each of these rows the learned rows with the same text but for case, punctuation and blanks."""
    normalized, learned = evidence.read.near.normalized, evidence.read.learned
    members: dict[int, list[int]] = {}
    for row in np.flatnonzero(learned).tolist():
        members.setdefault(int(normalized[row]), []).append(row)
    found = ((row, members.get(int(normalized[row]), [])) for row in rows)
    return {row: tuple(copy for copy in copies if copy != row) for row, copies in found}


def _signals(reasons: Sequence[LabelReason]) -> tuple[Signal, ...]:
    return tuple(dict.fromkeys(signal for reason in reasons for signal in reason.signals))
