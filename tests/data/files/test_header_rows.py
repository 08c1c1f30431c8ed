"""Additional header rows of survey tools."""

import csv
import io
import json

import pytest

from trainer.data.columns.guess import guess_columns
from trainer.data.files.read_table import read_table

SENTENCES = [f"this is sentence number {n} about {'good' if n % 2 else 'bad'} things" for n in range(40)]
QUALTRICS = ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)", "Finished", "ResponseId", "Q1", "Q2"]


def table_of(rows):
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return read_table(file.getvalue().encode())


def response(number: int) -> list[object]:
    day = "2024-03-01 10:11:12"
    status = "IP Address" if number % 4 else "Survey Preview"
    return [
        day,
        day,
        status,
        f"1.2.3.{number}",
        100 if number % 5 else 47,
        100 + number,
        "True",
        f"R_{number:08}a",
        SENTENCES[number],
        ["good", "bad", "so so"][number % 3],
    ]


@pytest.mark.parametrize("blank", ["", " "])
def test_three_header_rows_of_qualtrics(blank):
    questions = ["Start Date", *QUALTRICS[1:-2], "Please describe it", "How was it?"]
    ids = [json.dumps({"ImportId": name}).replace(" ", blank) for name in QUALTRICS]
    table = table_of([QUALTRICS, questions, ids, *map(response, range(40))])
    assert (table.columns, len(table.rows), table.lines[0], table.dropped) == (tuple(QUALTRICS), 40, 4, ())
    (warning,) = table.warnings
    assert (warning.code, warning.count, warning.line) == ("header_rows", 2, 2)
    columns = guess_columns(table)
    assert (table.columns[columns.text], table.columns[columns.label]) == ("Q1", "Q2")


def test_the_status_of_a_qualtrics_export_is_no_label():
    table = table_of([QUALTRICS, *map(response, range(40))])
    assert table.warnings == ()
    assert table.columns[guess_columns(table).label] == "Q2"


def test_the_second_header_row_of_surveymonkey():
    first = ["Respondent ID", "Collector ID", "What do you think?", "How was it?", "What did you use?", ""]
    second = ["", "", "Open-Ended Response", "Response", "Bus", "Train"]
    rows = [[118000 + n, 4402, SENTENCES[n], ["good", "bad"][n % 2], "Bus", "Train" if n % 3 else ""] for n in range(40)]
    table = table_of([first, second, *rows])
    assert table.columns == (*first[:-1], "Train")
    assert (len(table.rows), [warning.code for warning in table.warnings]) == (40, ["header_rows"])
    columns = guess_columns(table)
    assert (columns.text, columns.label) == (2, 3)


def test_a_row_of_answers_stays_a_row():
    table = table_of([["text", "label"], ["thank you for this response", "Comments"], *([text, "Yes/No"] for text in SENTENCES)])
    assert (len(table.rows), table.warnings) == (41, ())


@pytest.mark.parametrize(
    "types",
    ["string,category", "text,VARCHAR(20)", "object,int64", "string\tdiscrete\nmeta\tclass", "str,enum"],
)
def test_a_row_of_types_belongs_to_the_header(types):
    separator = "\t" if "\t" in types else ","
    rows = "\n".join(f"this is sentence number {n}{separator}{('good', 'bad', 'meh')[n % 3]}" for n in range(12))
    table = read_table(f"comment{separator}verdict\n{types}\n{rows}\n".encode())
    assert (len(table.rows), table.columns) == (12, ("comment", "verdict"))
    (warning,) = table.warnings
    assert (warning.code, warning.count) == ("header_rows", types.count("\n") + 1)


@pytest.mark.parametrize("first", ["text,number", "a text,string", "string,"])
def test_classes_and_texts_that_are_called_like_types_stay(first):
    rows = "\n".join(f"this is sentence number {n},{('text', 'number', 'string')[n % 3]}" for n in range(12))
    assert len(read_table(f"comment,verdict\n{first}\n{rows}\n".encode()).rows) == 13


def test_questions_below_their_numbers_are_no_row():
    answers = [(text, ("good", "bad")[n % 2]) for n, text in enumerate(SENTENCES)]
    table = table_of([("Q1", "Q2_a"), ("What did you like?", "How was it in all?"), *answers])
    assert (table.columns, table.rows) == (("Q1", "Q2_a"), answers)
    # A question may be an answer, too.
    assert len(table_of([("Q1", "Q2"), ("what is it now?", "not good"), *((text, "not good") for text, _ in answers)]).rows) == 41


@pytest.mark.parametrize(
    ("names", "again"),
    [
        (("response_text", "topic_code"), ("What else would you like to say?", "Topic (coded)")),
        (("id", "Q5_open", "Q5_code"), ("Respondent", "Q5. Why is it so?", "Q5 coded theme")),
        (("comment", "category"), ("Kommentar", "Kategorie")),
    ],
)
def test_names_for_people_below_the_names_are_no_row(names, again):
    answers = [(*map(str, range(n, n + len(names) - 2)), text, ("good", "bad")[n % 2]) for n, text in enumerate(SENTENCES)]
    table = table_of([names, again, *answers])
    assert (table.columns, table.rows, [warning.code for warning in table.warnings]) == (names, answers, ["header_rows"])


@pytest.mark.parametrize("first", [("this is about the topic", "good topic"), ("What is it?", "worse"), ("some comment", "good")])
def test_a_first_row_with_a_label_of_its_own_stays(first):
    assert (
        len(table_of([("comment", "topic"), first, *((text, ("good", "bad")[n % 2]) for n, text in enumerate(SENTENCES))]).rows)
        == len(SENTENCES) + 1
    )
