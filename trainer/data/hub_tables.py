"""Any public data set of the Hugging Face Hub, as the CSV file that an upload would be, from the Parquet files that the Hub converts it to.

Runs none of its code and guesses no columns; its files are read like uploads.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.data.column_name_words import SPLIT_NAMES
from trainer.data.files.table import Table
from trainer.data.hub_datasets import HubDataset, hub_unreachable_error, to_csv
from trainer.data.reader.file_reader import TableReader
from trainer.errors import FileError, UserError
from trainer.hub import hub_is_reachable
from trainer.text_format import quote_names

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

_CONVERTED_REVISION = "refs/convert/parquet"
"""The branch with the converted files: config/split/0000.parquet."""
_FILE = re.compile(r"([^/]+)/([^/]+)/[^/]+\.parquet")


def fetch_tables(dataset: HubDataset, reader: TableReader, *, max_bytes: int, max_rows: int, max_columns: int) -> bytes:
    """The data set as a UTF-8 CSV file: its columns of text and numbers, with class names for class numbers, and its published split.

    Of several configs, ``dataset.config`` or "default". Splits other than train, validation and test are excluded if there
    is a train split. Raises UserError ``hub_unreachable``, ``unknown_dataset``, ``unknown_part``, ``file_too_large``, ``hub_no_table``, and
    what ``reader`` raises.
    """
    try:
        files = _choose_files(dataset, _list_files(dataset))
        size = sum(file.size or 0 for _, file in files)
        if size > max_bytes:
            raise FileError(
                f"The data set {dataset.repo} has {size / 1e6:,.0f} MB; at most {max_bytes / 1e6:,.0f} MB are read. "
                "Choose a smaller one, or upload a part of it as CSV.",
                code="file_too_large",
            )
        limits = {"max_bytes": max_bytes, "max_rows": max_rows, "max_columns": max_columns}
        tables = [(split, reader.read(_download(dataset, file.rfilename), **limits)) for split, file in files]
        return _join_tables(dataset, tables)
    except UserError:
        raise
    except Exception as error:  # an unreachable or changed Hub raises errors of many types
        raise hub_unreachable_error(dataset, error) from error


def _list_files(dataset: HubDataset) -> "list[RepoSibling]":
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if not hub_is_reachable():
        raise hub_unreachable_error(dataset, None)
    try:
        # Without the access token of the server's owner: a visitor chooses the data set.
        info = HfApi().dataset_info(dataset.repo, revision=_CONVERTED_REVISION, files_metadata=True, token=False)
    except RepositoryNotFoundError as error:
        raise FileError(
            f"The Hugging Face Hub has no public data set called {dataset.repo}. Look for a letter mistyped, or upload a CSV file.",
            code="unknown_dataset",
        ) from error
    except RevisionNotFoundError as error:
        raise _no_table_error(dataset) from error
    if info.gated:
        raise FileError(
            f"{dataset.repo} is given only to people who have agreed to its terms on the Hugging Face Hub. Download it there and upload it here.",
            code="hub_no_table",
        )
    return info.siblings or []


def _no_table_error(dataset: HubDataset) -> FileError:
    return FileError(
        f"The Hugging Face Hub offers no table of {dataset.repo}. Download its file there and upload it here.", code="hub_no_table"
    )


def _choose_files(dataset: HubDataset, files: "Sequence[RepoSibling]") -> "list[tuple[str, RepoSibling]]":
    """The files of one config of the data set, each with its split: "train", "validation", "test" or, if there is no train split, ""."""
    matches = [(match[1], match[2], file) for file in files if (match := _FILE.fullmatch(file.rfilename))]
    configs = list(dict.fromkeys(config for config, _, _ in matches))
    if not configs:
        raise _no_table_error(dataset)
    chosen = dataset.config or (configs[0] if len(configs) == 1 else "default")
    if chosen not in configs:
        raise FileError(
            f"{dataset.repo} has several parts: {quote_names(configs)}. Write one of them behind its name, such as {dataset.repo}/{configs[0]}.",
            code="unknown_part",
        )
    splits = [(SPLIT_NAMES.get(split.casefold(), ""), file) for config, split, file in matches if config == chosen]
    known = [(split, file) for split, file in splits if split]
    return known if any(split == "train" for split, _ in known) else [("", file) for _, file in splits]


def _download(dataset: HubDataset, file: str) -> bytes:
    from huggingface_hub import hf_hub_download

    with open(hf_hub_download(dataset.repo, file, repo_type="dataset", revision=_CONVERTED_REVISION, token=False), "rb") as opened:
        return opened.read()


def _join_tables(dataset: HubDataset, tables: Sequence[tuple[str, Table]]) -> bytes:
    """One file of several tables, with a split column if they have several splits."""
    columns = tables[0][1].columns
    if any(table.columns != columns for _, table in tables):
        raise FileError(
            f"The splits of {dataset.repo} have different columns. Download one of them there and upload it here.", code="hub_no_table"
        )
    has_several_splits = len({split for split, _ in tables}) > 1 and "split" not in map(str.casefold, columns)
    rows = ((*row, split) if has_several_splits else row for split, table in tables for row in table.rows)
    return to_csv((*columns, "split") if has_several_splits else columns, rows)
