"""Public data sets of the Hub, with small Parquet files in their place."""

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import huggingface_hub
import pytest
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from tests.conftest import small_rows
from trainer.data import hub_tables
from trainer.data.files.read_table import read_table
from trainer.data.hub_datasets import find_dataset
from trainer.data.hub_tables import fetch_tables
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.settings import Settings
from trainer.studio import Studio

REPO = "somebody/moods"
NAMES = ["anger", "joy", "sadness"]
LIMITS = Settings(runs_dir=Path("unused")).file_limits


def parquet(rows: list[tuple[str, int]], *, text: str = "sentence") -> bytes:
    """As the Hub writes them: numbers of classes, whose names stand in the file's metadata."""
    import datasets

    features = datasets.Features({text: datasets.Value("string"), "label": datasets.ClassLabel(names=NAMES), "id": datasets.Value("int32")})
    columns = {text: [t for t, _ in rows], "label": [label for _, label in rows], "id": list(range(len(rows)))}
    content = io.BytesIO()
    datasets.Dataset.from_dict(columns, features=features).to_parquet(content)
    return content.getvalue()


class Hub:
    """A Hub with one data set: its files by name."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, bytes] = {}
        self.failure: Exception | None = None
        self.gated = False
        self._folder = folder

    def info(self, repository: str, **how: object) -> SimpleNamespace:
        assert (repository, how) == (REPO, {"revision": "refs/convert/parquet", "files_metadata": True, "token": False})
        if self.failure is not None:
            raise self.failure
        files = [SimpleNamespace(rfilename=name, size=len(content)) for name, content in self.files.items()]
        return SimpleNamespace(gated=self.gated, siblings=files)

    def download(self, repository: str, file: str, **how: object) -> str:
        assert (repository, how) == (REPO, {"repo_type": "dataset", "revision": "refs/convert/parquet", "token": False})
        path = self._folder / file.replace("/", "_")
        path.write_bytes(self.files[file])
        return str(path)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    made = Hub(tmp_path)
    monkeypatch.setattr(hub_tables, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda self, *named, **how: made.info(*named, **how))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", made.download)
    return made


def fetched(reader: FileReader, name: str = REPO) -> list[tuple[str, ...]]:
    table = read_table(fetch_tables(find_dataset(name), reader, **LIMITS))
    return [table.columns, *table.rows]


def test_class_names_and_the_published_split_come_along(hub: Hub, reader: FileReader) -> None:
    hub.files = {
        "default/train/0000.parquet": parquet([("we laugh", 1), ("all\nlost", 2)]),
        "default/train/0001.parquet": parquet([("a slam", 0)]),
        "default/test/0000.parquet": parquet([("so bright", 1), ("secret", -1)]),
        "default/unsupervised/0000.parquet": parquet([("no label", -1)]),
        "README.md": b"# moods",
    }
    assert fetched(reader) == [
        ("sentence", "label", "id", "split"),
        ("we laugh", "joy", "0", "train"),
        ("all\nlost", "sadness", "1", "train"),
        ("a slam", "anger", "0", "train"),
        ("so bright", "joy", "0", "test"),
        ("secret", "", "1", "test"),
    ]


def test_a_single_split_is_no_split(hub: Hub, reader: FileReader) -> None:
    hub.files = {"plain/everything/0000.parquet": parquet([("we laugh", 1), ("all lost", 2)])}
    assert fetched(reader) == [("sentence", "label", "id"), ("we laugh", "joy", "0"), ("all lost", "sadness", "1")]


def test_one_of_several_parts_is_chosen_by_its_name(hub: Hub, reader: FileReader) -> None:
    hub.files = {f"{part}/train/0000.parquet": parquet([(f"we {part}", 1), ("all lost", 2)]) for part in ("first", "second")}
    with pytest.raises(UserError, match=r"“first”, “second”.*somebody/moods/first") as refusal:
        fetched(reader)
    assert refusal.value.code == "unknown_part"
    assert fetched(reader, f"{REPO}/second")[1] == ("we second", "joy", "0")
    hub.files["default/train/0000.parquet"] = parquet([("we default", 1), ("all lost", 2)])
    assert fetched(reader)[1][0] == "we default"


def test_it_becomes_a_draft_whose_columns_are_guessed(hub: Hub, settings: Settings, reader: FileReader) -> None:
    rows = [(text, NAMES.index(mood)) for text, mood in small_rows(120)]
    hub.files = {"default/train/0000.parquet": parquet(rows[:90]), "default/test/0000.parquet": parquet(rows[90:])}
    preparation = Studio(settings, reader=reader).for_owner("local").drafts.open_hub_dataset(find_dataset(REPO))
    assert (preparation.draft.main.name, preparation.ready) == ("moods.csv", True)
    assert preparation.corpus.label_names == tuple(NAMES)
    assert len(preparation.splits(Recipe()).test) == 30


def _failing(error_type: type, status: int) -> Exception:
    return error_type("no", response=httpx.Response(status, request=httpx.Request("GET", "http://localhost")))


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda hub: setattr(hub, "failure", _failing(RepositoryNotFoundError, 401)), "unknown_dataset"),
        (lambda hub: setattr(hub, "failure", _failing(RevisionNotFoundError, 404)), "hub_no_table"),
        (lambda hub: setattr(hub, "failure", httpx.ConnectTimeout("late")), "hub_unreachable"),
        (lambda hub: setattr(hub, "gated", "manual"), "hub_no_table"),
        (lambda hub: hub.files.clear(), "hub_no_table"),
        (lambda hub: hub.files.update({"default/train/0000.parquet": b"PAR1 is not whole PAR1"}), "file_damaged"),
        (lambda hub: hub.files.update({"default/test/0000.parquet": parquet([("x", 1)], text="other")}), "hub_no_table"),
        (lambda hub: hub.files.update({"default/test/0000.parquet": bytes(LIMITS["max_bytes"])}), "file_too_large"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(hub: Hub, reader: FileReader, harm: Callable[[Hub], object], code: str) -> None:
    hub.files = {"default/train/0000.parquet": parquet([("we laugh", 1), ("all lost", 2)])}
    harm(hub)
    with pytest.raises(UserError) as refusal:
        fetched(reader)
    assert refusal.value.code == code


def test_without_internet_it_says_so(hub: Hub, reader: FileReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_tables, "hub_is_reachable", lambda: False)
    with pytest.raises(UserError, match="Check the internet connection") as refusal:
        fetched(reader)
    assert refusal.value.code == "hub_unreachable"
