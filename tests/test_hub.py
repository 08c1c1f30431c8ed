"""Names and addresses of Hugging Face Hub repositories."""

import pytest

from trainer.hub import HubRepository, parse_repository


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" dair-ai/emotion ", HubRepository("dair-ai/emotion")),
        ("nyu-mll/glue/sst2", HubRepository("nyu-mll/glue", "sst2")),
        ("https://huggingface.co/dair-ai/emotion", HubRepository("dair-ai/emotion", is_dataset=False)),
        ("https://huggingface.co/a.b/c_d/blob/main/config.json?x=1#y", HubRepository("a.b/c_d", is_dataset=False)),
        ("HTTPS://HuggingFace.co/datasets/dair-ai/emotion/", HubRepository("dair-ai/emotion", is_dataset=True)),
        ("https://huggingface.co/datasets/nyu-mll/glue/viewer/sst2/train", HubRepository("nyu-mll/glue", "sst2", True)),
        ("https://hf.co/datasets/nyu-mll/glue/tree/main/sst2", HubRepository("nyu-mll/glue", is_dataset=True)),
    ],
)
def test_names_and_addresses_of_the_hub(text: str, expected: HubRepository):
    assert parse_repository(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "emotion",
        "/",
        "a/",
        "/etc/passwd",
        "../../etc/passwd",
        "../etc",
        "a/..",
        "a/b..c",
        "a/b--c",
        "a/b.git",
        "a/-b",
        "a b/c",
        "a/b\nc",
        "ä/b",
        "a/" + "b" * 97,
        "a/b/c/d",
        "http://huggingface.co/a/b",
        "https://huggingface.co",
        "https://huggingface.co/a",
        "https://huggingface.co/spaces/a/b",
        "https://huggingface.co/datasets",
        "https://huggingface.co/datasets/emotion",
        "https://huggingface.co/a/%2e%2e",
        "https://huggingface.co@evil.example/a/b",
        "https://huggingface.co.evil.example/a/b",
        "https://evil.example/huggingface.co/a/b",
        "https://[/a/b",
        "file:///a/b",
    ],
)
def test_other_texts_are_not_names_of_the_hub(text: str):
    assert parse_repository(text) is None
