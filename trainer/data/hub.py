"""Named data sets of the Hugging Face Hub, fetched as the CSV file that an upload would be.

No free choice of repositories: a name typed by a visitor never reaches the network.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from trainer.errors import UserError

_TIMEOUT = 5.0  # seconds for the first answer of the Hub


@dataclass(frozen=True)
class HubDataset:
    """One data set of the catalogue. ``text`` and ``label`` are its column names, ``rows`` its labelled rows in all splits together."""

    name: str
    repo: str
    config: str | None
    text: str
    label: str
    about: str
    rows: int


CATALOGUE = (
    HubDataset("Emotion", "dair-ai/emotion", "split", "text", "label", "English tweets with one of six emotions", 20_000),
    HubDataset("AG News", "fancyzhx/ag_news", None, "text", "label", "English news in four topics", 127_600),
    HubDataset(
        "SST-2",
        "stanfordnlp/sst2",
        None,
        "sentence",
        "label",
        "English film reviews, positive or negative (the published validation rows are the test)",
        68_221,
    ),
)


def find_dataset(name: str) -> HubDataset:
    """The data set of the catalogue with that name or repository; raises UserError ``unknown_dataset``."""
    for dataset in CATALOGUE:
        if name.strip().casefold() in (dataset.name.casefold(), dataset.repo.casefold()):
            return dataset
    raise UserError(
        f"There is no data set called “{name[:60]}” here. Choose one of {', '.join(dataset.name for dataset in CATALOGUE)}, or upload a CSV file.",
        code="unknown_dataset",
    )


def fetch(dataset: HubDataset, *, load: Callable[..., Any] | None = None) -> bytes:
    """The data set as a UTF-8 CSV file with the columns text, label (the class name) and split (train, validation, test).

    Rows without a label are left out; where that leaves no test rows, the published validation rows serve as test. ``load`` stands
    for ``datasets.load_dataset``. Raises UserError ``hub_unreachable`` where the Hub cannot be reached, or does not have it.
    """
    try:
        if load is None:
            load = _loader(dataset)
        loaded = load(dataset.repo, dataset.config) if dataset.config else load(dataset.repo)
        return _to_csv(_rows(dataset, loaded))
    except UserError:
        raise
    except Exception as error:  # what a dead or changed Hub raises is of many kinds: httpx, OSError, ValueError, datasets' own ...
        raise _unreachable(dataset, error) from error


def hub_answers() -> bool:
    """Whether the Hugging Face Hub can be reached now; asked first, since its client retries for half a minute before it gives up."""
    import httpx
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return False
    try:
        httpx.head(constants.ENDPOINT, timeout=_TIMEOUT, follow_redirects=False)
    except httpx.HTTPError:
        return False
    return True


def _unreachable(dataset: HubDataset, error: Exception | None) -> UserError:
    detail = f" ({type(error).__name__})" if error else ""
    return UserError(
        f"The data set “{dataset.name}” ({dataset.repo}) could not be fetched from the Hugging Face Hub{detail}. "
        "Check the internet connection and try again, or upload a CSV file; the sample file works without internet.",
        code="hub_unreachable",
    )


def _loader(dataset: HubDataset) -> Callable[..., Any]:
    """``datasets.load_dataset``, after a look whether the Hub answers."""
    import datasets

    fetched_before = any(datasets.config.HF_DATASETS_CACHE.glob(dataset.repo.replace("/", "___")))
    if not fetched_before and not hub_answers():
        raise _unreachable(dataset, None)
    return datasets.load_dataset


def _rows(dataset: HubDataset, loaded: Any) -> Iterator[tuple[str, str, str]]:
    secret = "test" not in loaded or all(label in (None, -1) for label in loaded["test"][dataset.label])
    for split, part in loaded.items():
        # Where the test labels are secret, the published validation rows are the test: they are neither trained on nor choose anything.
        origin = "test" if secret and split == "validation" else str(split)
        # Only a ClassLabel knows names; other labels are taken as they are.
        names = getattr(part.features[dataset.label], "names", None)
        for text, label in zip(part[dataset.text], part[dataset.label], strict=True):
            if label is not None and label != -1 and text is not None:
                yield text, names[label] if names else str(label), origin


def _to_csv(rows: Iterator[tuple[str, str, str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(("text", "label", "split"))
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        writer.writerow(row)
    if not count:
        raise ValueError("no labelled rows")
    # A lone surrogate has no place in UTF-8.
    return file.getvalue().encode("utf-8", "replace")
