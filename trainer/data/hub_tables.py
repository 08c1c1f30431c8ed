"""Any public data set of the Hugging Face Hub, as the CSV file that an upload would be: read from the Parquet files that the Hub makes of it.

Runs none of its code and guesses no columns; its files are read as an upload is.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.data.corpus import SPLIT_NAMES
from trainer.data.files.table import Table
from trainer.data.hub_datasets import HubDataset, hub_unreachable_error, to_csv
from trainer.data.reader.file_reader import TableReader
from trainer.errors import UserError
from trainer.hub import hub_is_reachable
from trainer.text_format import quote_names

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

_CONVERTED = "refs/convert/parquet"
"""The branch where the Hub keeps them: part/split/0000.parquet."""
_FILE = re.compile(r"([^/]+)/([^/]+)/[^/]+\.parquet")


def fetch_tables(dataset: HubDataset, reader: TableReader, *, max_bytes: int, max_rows: int, max_columns: int) -> bytes:
    """The data set as a UTF-8 CSV file: its columns of text and numbers, class names for numbers that stand for them, and its published split.

    Of several parts, ``dataset.config`` or the one called "default". Splits other than train, validation and test are left out where there
    is a train split. Raises UserError ``hub_unreachable``, ``unknown_dataset``, ``unknown_part``, ``file_too_large``, ``hub_no_table``, or
    what ``reader`` does.
    """
    try:
        files = _chosen(dataset, _listed(dataset))
        size = sum(file.size or 0 for _, file in files)
        if size > max_bytes:
            raise UserError(
                f"The data set {dataset.repo} has {size / 1e6:,.0f} MB; at most {max_bytes / 1e6:,.0f} MB are read. "
                "Choose a smaller one, or upload a part of it as CSV.",
                code="file_too_large",
            )
        limits = {"max_bytes": max_bytes, "max_rows": max_rows, "max_columns": max_columns}
        tables = [(split, reader.read(_content(dataset, file.rfilename), named_classes=True, **limits)) for split, file in files]
        return _joined(dataset, tables)
    except UserError:
        raise
    except Exception as error:  # what a dead or changed Hub raises is of many kinds
        raise hub_unreachable_error(dataset, error) from error


def _listed(dataset: HubDataset) -> "list[RepoSibling]":
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if not hub_is_reachable():
        raise hub_unreachable_error(dataset, None)
    try:
        # Not with the key of whoever runs the server: a visitor names it.
        info = HfApi().dataset_info(dataset.repo, revision=_CONVERTED, files_metadata=True, token=False)
    except RepositoryNotFoundError as error:
        raise UserError(
            f"The Hugging Face Hub has no public data set called {dataset.repo}. Look for a letter mistyped, or upload a CSV file.",
            code="unknown_dataset",
        ) from error
    except RevisionNotFoundError as error:
        raise _no_table(dataset) from error
    if info.gated:
        raise UserError(
            f"{dataset.repo} is given only to people who have agreed to its terms on the Hugging Face Hub. Download it there and upload it here.",
            code="hub_no_table",
        )
    return info.siblings or []


def _no_table(dataset: HubDataset) -> UserError:
    return UserError(
        f"The Hugging Face Hub offers no table of {dataset.repo}. Download its file there and upload it here.", code="hub_no_table"
    )


def _chosen(dataset: HubDataset, files: "Sequence[RepoSibling]") -> "list[tuple[str, RepoSibling]]":
    """The files of one part of the data set, each with the split that it is of: "train", "validation", "test" or, where there is no train, ""."""
    found = [(match[1], match[2], file) for file in files if (match := _FILE.fullmatch(file.rfilename))]
    parts = list(dict.fromkeys(part for part, _, _ in found))
    if not parts:
        raise _no_table(dataset)
    wanted = dataset.config or (parts[0] if len(parts) == 1 else "default")
    if wanted not in parts:
        raise UserError(
            f"{dataset.repo} has several parts: {quote_names(parts)}. Write one of them behind its name, such as {dataset.repo}/{parts[0]}.",
            code="unknown_part",
        )
    splits = [(SPLIT_NAMES.get(split.casefold(), ""), file) for part, split, file in found if part == wanted]
    known = [(split, file) for split, file in splits if split]
    return known if any(split == "train" for split, _ in known) else [("", file) for _, file in splits]


def _content(dataset: HubDataset, file: str) -> bytes:
    from huggingface_hub import hf_hub_download

    with open(hf_hub_download(dataset.repo, file, repo_type="dataset", revision=_CONVERTED, token=False), "rb") as opened:
        return opened.read()


def _joined(dataset: HubDataset, tables: Sequence[tuple[str, Table]]) -> bytes:
    """One file of several tables, with their split where they have several."""
    columns = tables[0][1].columns
    if any(table.columns != columns for _, table in tables):
        raise UserError(
            f"The splits of {dataset.repo} have different columns. Download one of them there and upload it here.", code="hub_no_table"
        )
    several = len({split for split, _ in tables}) > 1 and "split" not in map(str.casefold, columns)
    rows = ((*row, split) if several else row for split, table in tables for row in table.rows)
    return to_csv((*columns, "split") if several else columns, rows)
