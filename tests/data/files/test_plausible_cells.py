"""A delimiter is believed if it explains the first line and leaves whole cells."""

import pytest

from trainer.data.files.plausible_cells import clean_share, is_sound
from trainer.data.files.read_table import read_table

TEXTS = [f"this is number {n} about {'good' if n % 2 else 'bad'} things" for n in range(20)]
LABELS = ["joy", "anger", "fear", "joy"] * 5


@pytest.mark.parametrize(
    ("cell", "is_clean"),
    [
        ("plain words", True),
        ("well, this; that", True),
        ("1;0;0;1", True),
        ("ann|bob|eve", True),
        ('["a","b"]', True),
        ("1,5", True),
        ("see http://x.example/?a=1;b=2|c", True),
        ("this &amp; that&#39;s it", True),
        ("hello there,joy", False),
        ("hello there;joy,1", False),
        ("he said &quot", False),
        ("so nice ;)", True),
        ("so so :|", True),
        ("), joy", False),
        ("-) thanks", False),
        ("-5", True),
        ("o)kay", True),
        ("joy,1", False),
    ],
)
def test_a_cell_with_another_delimiter_inside_was_cut_wrongly_unless_that_has_a_reason(cell, is_clean):
    assert clean_share([cell], [";", "|", ","]) == float(is_clean)


def test_half_a_pair_of_quotation_marks_is_unsound():
    assert [is_sound(record) for record in (["a", 'say "no" to'], ['"a', 'b"'], ["a", 'a 5" nail'])] == [True, False, False]


@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("separator", [";", "|"])
@pytest.mark.parametrize("values", [["1", "0", "0", "1"], ["ann", "bob", "eve", "joe"]])
@pytest.mark.parametrize("names", ["text,label,scores", "text,label,w;x;y;z"])
def test_lists_in_cells_are_no_columns(quote, separator, values, names):
    cells = separator.join(values)
    lines = [
        names,
        *(f"{quote}{text}{quote},{quote}{label}{quote},{quote}{cells}{quote}" for text, label in zip(TEXTS, LABELS, strict=True)),
    ]
    table = read_table("\n".join(lines).encode())
    assert (table.delimiter, table.columns[:2]) == (",", ("text", "label"))
    assert table.rows == [(text, label, cells) for text, label in zip(TEXTS, LABELS, strict=True)]


@pytest.mark.parametrize("ending", [" http://x.example/?a=0;b=2;c=3", " &amp; so on &lt;b&gt;now&lt;/b&gt;", "; indeed"])
def test_what_each_text_ends_with_is_no_column(ending):
    lines = ["post,label", *(f"{text}{ending},{label}" for text, label in zip(TEXTS, LABELS, strict=True))]
    table = read_table("\n".join(lines).encode())
    assert (table.delimiter, table.rows[0]) == (",", (TEXTS[0] + ending, "joy"))


@pytest.mark.parametrize("header", ["post,label", None])
@pytest.mark.parametrize("ending", [" ;)", " ;-)", " ;-) thanks", ";ok", " :|", " :-|", ";sent from my phone"])
def test_a_text_is_not_cut_at_what_each_text_ends_with(header, ending):
    lines = [f"{text}{ending},{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    table = read_table("\n".join(lines if header is None else [header, *lines]).encode())
    assert (table.delimiter, table.rows) == (",", [(text + ending, label) for text, label in zip(TEXTS, LABELS, strict=True)])


@pytest.mark.parametrize("smiley", [";)", ";-)"])
def test_the_semicolon_of_a_smiley_is_no_delimiter_among_semicolons(smiley):
    rows = [(f"{text} {smiley}" if n % 3 else text, label) for n, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]
    table = read_table("\n".join(["post;label", *map(";".join, rows)]).encode())
    assert (table.delimiter, table.rows) == (";", rows)


def test_a_text_with_the_same_end_after_its_label_is_not_cut_there():
    table = read_table("\n".join(f"{label};{text}|fine" for text, label in zip(TEXTS, LABELS, strict=True)).encode())
    assert (table.delimiter, table.rows) == (";", [(label, text + "|fine") for text, label in zip(TEXTS, LABELS, strict=True)])
    assert read_table("\n".join(f"{text};joy" for text in TEXTS).encode()).rows == [(text, "joy") for text in TEXTS]


@pytest.mark.parametrize("start", ["RT;", "; ", "user;", "a | "])
def test_a_text_is_not_cut_at_what_each_text_begins_with(start):
    table = read_table("\n".join(f"{label},{start}{text}" for text, label in zip(TEXTS, LABELS, strict=True)).encode())
    assert (table.delimiter, table.rows) == (",", [(label, start + text) for text, label in zip(TEXTS, LABELS, strict=True)])


def test_a_cell_in_brackets_is_a_cell():
    table = read_table(
        "\n".join(["post;note;label", *(f"{text};(none);{label}" for text, label in zip(TEXTS, LABELS, strict=True))]).encode()
    )
    assert table.rows[0] == (TEXTS[0], "(none)", "joy")


@pytest.mark.parametrize("mark", ["，", "；", "、"])
def test_delimiters_of_a_chinese_keyboard(mark):
    lines = [f"内容{mark}标签", *(f"这本书非常好看第{n}次购买{mark}{['好评', '差评'][n % 2]}" for n in range(12))]
    for encoding in ("utf-8", "gb18030"):
        table = read_table("\n".join(lines).encode(encoding))
        assert (table.columns, table.delimiter, table.rows[1]) == (("内容", "标签"), mark, ("这本书非常好看第1次购买", "差评"))


@pytest.mark.parametrize("inner", ["isn\\'t it", "isn''t it"])
def test_single_quotation_marks_with_an_apostrophe_inside(inner):
    lines = ["text,label", *(f"'{text}, {inner}','{label}'" for text, label in zip(TEXTS, LABELS, strict=True))]
    table = read_table("\n".join(lines).encode())
    assert table.rows == [(f"{text}, isn't it", label) for text, label in zip(TEXTS, LABELS, strict=True)]
    careless = [line.replace("this is", "it's") if n % 4 == 1 else line for n, line in enumerate(lines)]
    assert len(read_table("\n".join(careless).encode()).rows) == 20


def test_the_semicolon_of_an_html_code_is_no_delimiter():
    lines = [
        "text;label",
        *(f"{text} &amp; it&#39;s{';' if n % 2 else ' &gt;;'}{label}" for n, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))),
    ]
    table = read_table("\n".join(lines).encode())
    assert (table.columns, table.rows[:2]) == (
        ("text", "label"),
        [(f"{TEXTS[0]} &amp; it&#39;s &gt;", "joy"), (f"{TEXTS[1]} &amp; it&#39;s", "anger")],
    )


def test_a_chinese_comma_in_texts_and_between_cells():
    lines = ["内容，标签", *(f"这本书第{n}次购买，真的，很好，{['好评', '差评'][n % 2]}" for n in range(12))]
    assert read_table("\n".join(lines).encode()).rows[0] == ("这本书第0次购买，真的，很好", "好评")
    lines = ["标签，内容", *(f"{['好评', '差评'][n % 2]}，这本书第{n}次购买，真的" for n in range(12))]
    assert read_table("\n".join(lines).encode()).rows[1] == ("差评", "这本书第1次购买，真的")


def test_careless_single_quotation_marks():
    lines = ["text;label", *(f"'{text}; it's so';'{label}'" for text, label in zip(TEXTS, LABELS, strict=True))]
    assert read_table("\n".join(lines).encode()).rows == [(f"{text}; it's so", label) for text, label in zip(TEXTS, LABELS, strict=True)]


def test_quotations_inside_a_quoted_text_without_doubled_marks():
    lines = [
        "label;text",
        *(f'{label};"{text}"' for text, label in zip(TEXTS, LABELS, strict=True)),
        'joy;"he said "wow""',
        'joy;"well; "oh" no"',
    ]
    table = read_table("\n".join(lines).encode())
    assert [row[1] for row in table.rows[-2:]] == ['he said "wow"', 'well; "oh" no']
    quoting = read_table(
        ("label;text\n" + "".join(f'{label};"yes" and "{text}"\n' for text, label in zip(TEXTS, LABELS, strict=True))).encode()
    )
    assert quoting.rows[0][1] == f'"yes" and "{TEXTS[0]}"'
