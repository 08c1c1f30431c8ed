"""The deep check of labels: the evidence of the quick check, pooled with what the user's own recipe says of rows that it has not learned.

Trains nothing: it is handed the probabilities.
"""

from dataclasses import replace

import numpy as np

from trainer.audit.judgement import fit_to
from trainer.audit.pooling import pool
from trainer.audit.ranking import Evidence
from trainer.audit.relation import are_unrelated, judged_rows, known_rows
from trainer.audit.several_labels import LabelsEvidence
from trainer.data.corpus import Corpus


def pool_evidence(corpus: Corpus, quick: Evidence, probabilities: np.ndarray, *, min_texts: int) -> Evidence:
    """The evidence with out-of-fold ``probabilities`` (n, k) of another model pooled in, with the weight that learned rows decide."""
    labels = corpus.label_ids
    judged = judged_rows(labels, quick.near.groups, quick.learned, len(corpus.label_names), min_texts=min_texts)
    known = known_rows(quick.learned, judged)
    pooled = pool((quick.probabilities, probabilities), labels, known)
    unrelated = are_unrelated(pooled[known], labels[known])
    return replace(quick, probabilities=pooled, noise=fit_to(pooled, labels, known).estimate, unrelated=unrelated)


def pool_labels_evidence(corpus: Corpus, quick: LabelsEvidence, probabilities: np.ndarray, *, min_texts: int) -> LabelsEvidence:
    """The same where a text may have several labels: each is a question of its own, and the models have a weight for each."""
    pooled, noise, unrelated = quick.probabilities.copy(), list(quick.noise), quick.unrelated.copy()
    for label in np.flatnonzero(quick.judged).tolist():
        has = corpus.label_ids[:, label]
        known = known_rows(quick.learned, judged_rows(has, quick.near.groups, quick.learned, 2, min_texts=min_texts))
        of_models = [np.stack([1 - of_label, of_label], axis=1) for of_label in (quick.probabilities[:, label], probabilities[:, label])]
        of_both = pool(of_models, has, known)
        pooled[:, label], noise[label] = of_both[:, 1], fit_to(of_both, has, known).estimate
        unrelated[label] = are_unrelated(of_both[known], has[known])
    return replace(quick, probabilities=pooled, noise=tuple(noise), unrelated=unrelated)
