"""The deep check of labels: the evidence of the quick check, mixed with what the user's own recipe says of rows that it has not learned.

Trains nothing: it is handed the probabilities.
"""

from dataclasses import replace

import numpy as np

from trainer.audit.judgement import fit_to
from trainer.audit.ranking import Evidence
from trainer.audit.relation import are_unrelated, judged_rows, known_rows
from trainer.data.corpus import Corpus
from trainer.data.task import SINGLE_LABEL

_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the recipe's models in the mixture."""
_LEAST = 1e-6


def mix_evidence(corpus: Corpus, quick: Evidence, probabilities: np.ndarray, *, min_texts: int) -> Evidence:
    """The evidence with out-of-fold ``probabilities`` (n, k) of another model mixed in.

    Both are sharpened as their noise models say and pooled logarithmically (Genest & Zidek 1986, Combining probability distributions);
    the weight is that at which the mixture explains the given labels of learned rows best, so that a poor model is left out.
    """
    labels = corpus.label_ids
    judged = judged_rows(labels, quick.near.groups, quick.learned, len(corpus.label_names), min_texts=min_texts)
    known = known_rows(quick.learned, judged)
    logs = [np.log(np.maximum(given, _LEAST)) * fit_to(given, labels, known).sharpening for given in (quick.probabilities, probabilities)]
    mixtures = [SINGLE_LABEL.probabilities((1 - weight) * logs[0] + weight * logs[1]) for weight in _WEIGHTS]
    models = [fit_to(mixture, labels, known) for mixture in mixtures]
    best = max(range(len(models)), key=lambda number: models[number].log_likelihood)
    unrelated = are_unrelated(mixtures[best][known], labels[known])
    return replace(quick, probabilities=mixtures[best], noise=models[best].estimate, unrelated=unrelated)
