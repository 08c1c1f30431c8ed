"""The data sets of our catalogue, fetched from the Hugging Face Hub as the CSV file that an upload would be.

Other data sets of the Hub are fetched by hub_tables.py.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.errors import FileError, UnavailableError, UserError
from trainer.hub import hub_is_reachable, parse_repository


@dataclass(frozen=True)
class HubDataset:
    """One data set. ``text`` and ``label`` are its column names, ``rows`` its labelled rows in all splits together.

    For one that is not in the catalogue these are "" and 0: they are not known before it is read.
    """

    name: str
    repo: str
    config: str | None
    text: str
    label: str
    description: str
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
    """The data set of the catalogue with that name or repository, else a public one of the Hub by "owner/name" or its address.

    Raises UserError ``unknown_dataset`` if it is neither. Does not check whether it exists.
    """
    address = parse_repository(name)
    repo = address.repo if address is not None and not address.config else name.strip()
    for dataset in CATALOGUE:
        if repo.casefold() in (dataset.name.casefold(), dataset.repo.casefold()):
            return dataset
    if address is not None and address.is_dataset is not False:
        return HubDataset(address.repo, address.repo, address.config or None, "", "", "", 0)
    raise FileError(
        f"There is no data set called “{name[:60]}” here. Choose one of {', '.join(dataset.name for dataset in CATALOGUE)}, name a public one of "
        "the Hugging Face Hub as owner/name, or upload a CSV file.",
        code="unknown_dataset",
    )


def fetch_dataset(dataset: HubDataset, *, load: Callable[..., Any] | None = None) -> bytes:
    """The data set as a UTF-8 CSV file with the columns text, label (the class name) and split (train, validation, test).

    Drops rows without a label; if no test rows are left, the published validation rows serve as test. ``load`` replaces
    ``datasets.load_dataset``. Raises UserError ``hub_unreachable`` if the Hub cannot be reached, or does not have the data set.
    """
    try:
        if load is None:
            load = _loader(dataset)
        loaded = load(dataset.repo, dataset.config) if dataset.config else load(dataset.repo)
        return to_csv(("text", "label", "split"), _rows(dataset, loaded))
    except UserError:
        raise
    except (
        Exception
    ) as error:  # an unreachable or changed Hub raises errors of many types: httpx, OSError, ValueError, those of datasets ...
        raise hub_unreachable_error(dataset, error) from error


def hub_unreachable_error(dataset: HubDataset, error: Exception | None) -> UnavailableError:
    """The error for a data set that cannot be fetched."""
    detail = f" ({type(error).__name__})" if error else ""
    name = f"“{dataset.name}”" if dataset.name == dataset.repo else f"“{dataset.name}” ({dataset.repo})"
    return UnavailableError(
        f"The data set {name} could not be fetched from the Hugging Face Hub{detail}. "
        "Check the internet connection and try again, or upload a CSV file; the sample file works without internet.",
        code="hub_unreachable",
    )


def _loader(dataset: HubDataset) -> Callable[..., Any]:
    """``datasets.load_dataset``, after checking that the Hub is reachable."""
    import datasets

    is_cached = any(datasets.config.HF_DATASETS_CACHE.glob(dataset.repo.replace("/", "___")))
    if not is_cached and not hub_is_reachable():
        raise hub_unreachable_error(dataset, None)
    return datasets.load_dataset


def _rows(dataset: HubDataset, loaded: Any) -> Iterator[tuple[str, str, str]]:
    test_labels_are_secret = "test" not in loaded or all(label in (None, -1) for label in loaded["test"][dataset.label])
    for split, part in loaded.items():
        # With secret test labels the published validation rows become the test: they are neither trained on nor used for choices.
        row_split = "test" if test_labels_are_secret and split == "validation" else str(split)
        # Only a ClassLabel has names; other labels are used as they are.
        names = getattr(part.features[dataset.label], "names", None)
        for text, label in zip(part[dataset.text], part[dataset.label], strict=True):
            if label is not None and label != -1 and text is not None:
                yield text, names[label] if names else str(label), row_split


def to_csv(names: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A UTF-8 CSV file with these columns. Raises ValueError if there are no rows."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    n_rows = 0
    for n_rows, row in enumerate(rows, 1):  # noqa: B007
        writer.writerow(row)
    if not n_rows:
        raise ValueError("no labelled rows")
    # A lone surrogate cannot be encoded in UTF-8.
    return file.getvalue().encode("utf-8", "replace")
