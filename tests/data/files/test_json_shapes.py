"""The shapes of JSON documents: each gives all its rows, with the class, id or split that their place tells."""

import json

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import outcome
from trainer.data.columns.guess import guess_columns, guess_split_column
from trainer.data.files.json_shapes import find_rows
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Part
from trainer.errors import UserError

PAIRS = [(f"this is sentence number {n} of them", ["joy", "anger", "fear"][n % 3]) for n in range(30)]
ROWS = [{"text": text, "label": label} for text, label in PAIRS]
BY_CLASS = {name: [text for text, label in PAIRS if label == name] for name in ("joy", "anger", "fear")}


def examples(document):
    """The pairs of text and label in the columns that are guessed."""
    table = read_table((document if isinstance(document, str) else json.dumps(document)).encode())
    columns = guess_columns(table)
    assert table.rows_seen == len(table.rows)
    return sorted((row[columns.text], row[columns.label]) for row in table.rows)


def test_a_thing_with_phrases_is_one_row():
    phrases = [["nice blue shoes to buy", "cheap blue shoes for all"], [], ["a single phrase of words"]]
    rows = [{"name": "Blue shoes", "category": "clothes", "keywords": phrases[n % 3]} for n in range(9)]
    table = read_table("\n".join(map(json.dumps, rows)).encode())
    assert [row[:2] for row in table.rows] == [("Blue shoes", "clothes")] * 9


def test_a_class_without_examples_and_an_empty_page():
    classes = [{"intent_id": "a1", "intent": name, "lines": texts} for name, texts in BY_CLASS.items()]
    table = read_table(json.dumps([*classes, {"intent_id": "a2", "intent": "awe", "lines": []}]).encode())
    assert sorted(row[0] for row in table.rows) == sorted(["", *(text for text, _ in PAIRS)])
    pages = [{"next": "https://a.example/2", "results": ROWS}, {"next": "", "results": []}]
    assert examples(pages) == sorted(PAIRS)


@pytest.mark.parametrize(
    "document",
    [
        {"columns": ["text", "label"], "index": [*range(30)], "data": [*map(list, PAIRS)]},
        {str(n): row for n, row in enumerate(ROWS)},
        {f"doc-{n}": row for n, row in enumerate(ROWS)},
        {"text": {str(n): text for n, (text, _) in enumerate(PAIRS)}, "label": {str(n): label for n, (_, label) in enumerate(PAIRS)}},
        {"schema": {"fields": [{"name": "text"}, {"name": "label"}]}, "data": ROWS},
        dict(PAIRS),
        {text: [label] for text, label in PAIRS},
        BY_CLASS,
        BY_CLASS | {"joy": BY_CLASS["joy"] + ["one more text of this class"]},
        {name: [{"text": text} for text in texts] for name, texts in BY_CLASS.items()},
        {"rasa_nlu_data": {"common_examples": ROWS}},
        {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": row} for row in ROWS]}},
        {"luis_schema_version": "7.0.0", "intents": [{"name": n} for n in "abcdefg" * 9], "utterances": ROWS},
        [{"tag": name, "patterns": texts, "responses": ["a long answer of the assistant"]} for name, texts in BY_CLASS.items()],
        {"intents": [{"intent": name, "examples": texts} for name, texts in BY_CLASS.items()]},
        [{"data": ROWS[:20], "meta": {"next": 1}}, {"data": ROWS[20:], "meta": {}}],
        "\n".join(json.dumps({"data": ROWS[n : n + 10]}) for n in (0, 10, 20)),
        [[{"speaker": "a", "text": text, "label": label} for text, label in PAIRS[n : n + 5]] for n in range(0, 30, 5)],
        [[text, {"cats": {name: float(name == label) for name in BY_CLASS}}] for text, label in PAIRS],
        [
            {
                "messages": [
                    {"role": "system", "content": "Label it."},
                    {"role": "user", "content": t},
                    {"role": "assistant", "content": name},
                ]
            }
            for t, name in PAIRS
        ],
        [{"conversations": [{"from": "human", "value": t}, {"from": "gpt", "value": name}]} for t, name in PAIRS],
        [[{"role": "user", "content": t}, {"role": "assistant", "content": name}] for t, name in PAIRS],
        [{"contents": [{"role": "user", "parts": [{"text": t}]}, {"role": "model", "parts": [{"text": name}]}]} for t, name in PAIRS],
        {"intents": [{"name": name, "userSays": [{"data": [{"text": text}]} for text in texts]} for name, texts in BY_CLASS.items()]},
        {"intents": {name: {"utterances": [{"data": [{"text": text}]} for text in texts]} for name, texts in BY_CLASS.items()}},
        {"classes": {name: {"examples": texts} for name, texts in BY_CLASS.items()}},
        "\n".join(json.dumps(pair) for pair in PAIRS),
        [[*map(list, PAIRS[:15])], [*map(list, PAIRS[15:])]],
        [{"tokens": text.split(), "label": name} for text, name in PAIRS],
        "Here it is:\n\n```json\n" + json.dumps(ROWS, indent=1) + "\n```\nAsk for more.\n",
        "callback(" + json.dumps(ROWS) + ");",
        "// made by hand\n" + json.dumps(ROWS, indent=1),
        "window.YTD.tweets.part0 = " + json.dumps(ROWS, indent=1) + ";\n",
        "const rows =\n" + json.dumps(ROWS) + ";",
        "\n".join(map(repr, ROWS)),
        repr(ROWS),
        json.dumps(ROWS, indent=1).replace("\n]", ",\n]"),
        "\n".join(json.dumps(row, indent=1) for row in ROWS),
    ],
)
def test_every_shape_gives_all_texts_with_their_labels(document):
    wanted = sorted(PAIRS)
    found = examples(document)
    assert found == wanted or found == sorted([*wanted, ("one more text of this class", "joy")])


@pytest.mark.parametrize(
    "document",
    [
        {"train": ROWS[:20], "test": ROWS[20:]},
        {"train": [*map(list, PAIRS[:20])], "test": [*map(list, PAIRS[20:])]},
        {
            split: {"text": [t for t, _ in part], "label": [name for _, name in part]}
            for split, part in (("train", PAIRS[:20]), ("test", PAIRS[20:]))
        },
    ],
)
def test_the_splits_of_one_object_are_the_published_split(document):
    assert examples(document) == sorted(PAIRS)
    table = read_table(json.dumps(document).encode())
    split = guess_split_column(table)
    assert [row[split] for row in table.rows] == ["train"] * 20 + ["test"] * 10


def test_names_of_classes_that_may_be_column_names_are_classes_of_texts():
    document = {"spam": [text for text, _ in PAIRS[:10]], "ham": [text for text, _ in PAIRS[10:]]}
    assert examples(document) == sorted([(text, "spam" if n < 10 else "ham") for n, (text, _) in enumerate(PAIRS)])


def test_every_key_with_the_name_of_a_split_in_it_is_read():
    document = {"train": [*map(list, PAIRS[:20])], "oos_train": [["what is this then", "oos"]], "test": [*map(list, PAIRS[20:])]}
    table = read_table(json.dumps(document).encode())
    assert [row[2] for row in table.rows] == ["train"] * 21 + ["test"] * 10


def test_a_short_text_keeps_the_objects_beside_it_in_its_row():
    rows = [{"text": f"hi {n}", "label": "joy", "spans": [{"note": "a few words here"}, {"note": "and some more"}]} for n in range(5)]
    table = read_table(json.dumps(rows).encode())
    assert [row[0] for row in table.rows] == [f"hi {n}" for n in range(5)]


def test_a_version_beside_the_columns_is_no_column():
    document = {"text": [row["text"] for row in ROWS], "label": [row["label"] for row in ROWS], "version": 3, "name": None}
    table = read_table(json.dumps(document).encode())
    assert (table.columns, len(table.rows)) == (("text", "label"), len(ROWS))


def test_one_of_several_lists_can_be_chosen():
    document = {"reviews": ROWS, "more": {"tickets\u0007": [{"body": "what a long day", "queue": "a"}] * 3}, "tags": [{"name": "x"}]}
    data = json.dumps(document).encode()
    assert (read_table(data).part, read_table(data).parts) == ("reviews", (Part("reviews", "list", 30), Part("more.tickets", "list", 3)))
    table = read_table(data, part="more.tickets")
    assert (table.columns, len(table.rows), table.part, table.warnings) == (("body", "queue"), 3, "more.tickets", ())
    for part in ("tags", "x", ""):
        with pytest.raises(UserError, match=r"“reviews”, “more\.tickets”") as refusal:
            read_table(data, part=part)
        assert refusal.value.code == "unknown_part"


@pytest.mark.parametrize("indent", [None, 1])
def test_other_lists_with_texts_are_named(indent):
    document = {"reviews": ROWS, "products": [{"id": 1, "name": "a product with a name"}], "tags": [{"name": "x"}], "version": 2}
    table = read_table(json.dumps(document, indent=indent).encode())
    (warning,) = table.warnings
    assert (len(table.rows), warning.code, warning.count) == (30, "other_lists", 1)
    assert "“products”" in warning.message
    assert read_table(json.dumps({"train": ROWS, "test": ROWS}).encode()).warnings == ()


def test_a_dialogue_is_told_by_its_number():
    table = read_table(json.dumps([[{"text": "a b c"}, {"text": "d e f"}], [{"text": "g h i"}]]).encode())
    assert (table.columns, [row[1] for row in table.rows]) == (("text", "dialogue"), ["1", "1", "2"])


def test_what_is_no_table_has_no_rows():
    assert [find_rows(value) for value in ({}, [], "a", 3, {"a": 1}, {"a": {"b": {"c": {"d": {"e": {"f": [{"x": 1}]}}}}}})] == [None] * 6


def test_damaged_json_is_refused_with_the_place():
    with pytest.raises(UserError, match="as Python prints them"):
        read_table("\n".join(f"{{'text': 'a b {n}', 'at': datetime.date(2024, 1, {n})}}" for n in range(1, 9)).encode())
    with pytest.raises(UserError, match=r"damaged or cut short \(line 3, character") as refusal:
        read_table(b'[{"text": "a b", "label": "joy"},\n{"text": "c d", "label": "fear"},\n{"text": "e f" "label": "joy"}]')
    assert refusal.value.code == "not_a_table"


def test_a_row_that_is_no_object_among_chats_is_left_out():
    chat = [{"role": "user", "content": "hello you"}, {"role": "assistant", "content": "joy"}]
    table = read_table(json.dumps([*([{"messages": chat}] * 19), "x"]).encode())
    assert (table.columns, len(table.rows), len(table.dropped)) == (("text", "label"), 19, 1)


@pytest.mark.parametrize(
    "document",
    [
        [{f"k{row}_{n}": [] for n in range(2_000)} for row in range(50)],
        {str(row): {f"k{row}_{n}": 1 for n in range(2_000)} for row in range(100)},
    ],
)
def test_rows_of_thousands_of_keys_take_linear_time(document):
    data = json.dumps(document).encode()
    with cpu_time() as spent:
        outcome(data)
    assert spent.seconds < 1.5


def test_a_text_as_the_only_key_of_each_line():
    assert examples("\n".join(json.dumps({text: label}) for text, label in PAIRS)) == sorted(PAIRS)
    objects = [{"some words as a key": {"a": 1}} for _ in range(9)]
    assert find_rows(objects) == objects


@pytest.mark.parametrize("write", [lambda label: f"['{label}']", lambda label: json.dumps([label])])
def test_labels_that_are_lists_written_as_strings(write):
    assert examples([{"text": text, "label": write(label)} for text, label in PAIRS]) == sorted(PAIRS)
