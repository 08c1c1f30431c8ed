"""Which column is the text and which the label."""

import pytest

from trainer.data.columns import find_column, guess_columns, guess_split_column
from trainer.data.reading import read_table
from trainer.errors import UserError

SENTENCES = [f"this is sentence number {n} about {'good' if n % 2 else 'bad'} things" for n in range(30)]


def table_of(header: str, row, count: int = 30):
    lines = [header, *(row(n) for n in range(count))]
    return read_table("\n".join(lines).encode())


def names(table, **given):
    found = guess_columns(table, **given)
    return table.columns[found.text], table.columns[found.label], found.sure


def test_text_and_label():
    found = guess_columns(table_of("text,label", lambda n: f"{SENTENCES[n]},{n % 2}"))
    assert (found.text, found.label, found.sure) == (0, 1, True)
    assert found.text_reason
    assert found.label_reason == "2 different values, each about 15 times on average"


@pytest.mark.parametrize(
    ("text", "label"),
    [("Satz", "Klasse"), ("texte", "étiquette"), ("texto", "categoría"), ("текст", "метка"), ("文本", "标签"), ("v2", "v1"), ("aa", "bb")],
)
def test_content_counts_more_than_names(text, label):
    table = table_of(f"id,{label},{text},length", lambda n: f"{1000 + n},{'good' if n % 2 else 'bad'},{SENTENCES[n]},{n % 7}")
    assert names(table)[:2] == (text, label)


def test_the_names_of_a_label_are_preferred_to_its_numbers():
    table = table_of("text,label,label_name", lambda n: f"{SENTENCES[n]},{n % 3},{['joy', 'fear', 'anger'][n % 3]}")
    assert names(table) == ("text", "label_name", True)
    assert "“label” says the same in numbers" in guess_columns(table).label_reason


def test_numbers_that_say_something_else_stay_the_label():
    table = table_of("text,label,shop", lambda n: f"{SENTENCES[n]},{n % 2},{'north' if n % 3 else 'south'}")
    assert names(table)[1] == "label"


def test_rival_labels_are_declared():
    table = table_of("text,Sentiment,Emotion", lambda n: f"{SENTENCES[n]},{'pos' if n % 2 else 'neg'},{['joy', 'fear', 'anger'][n % 3]}")
    assert names(table) == ("text", "Emotion", False)
    assert "“Sentiment” could be it too" in guess_columns(table).label_reason


def test_rival_texts_are_declared():
    table = table_of("a,b,label", lambda n: f"{SENTENCES[n]},{SENTENCES[-n]} more,{n % 2}")
    assert guess_columns(table).sure is False


@pytest.mark.parametrize("decoy", ["author", "gender", "season", "word_count", "split", "date", "lang", "Speaker"])
def test_who_when_and_how_many_are_no_labels(decoy):
    table = table_of(f"text,{decoy}", lambda n: f"{SENTENCES[n]},{n % 2}")
    with pytest.raises(UserError) as refusal:
        guess_columns(table)
    assert refusal.value.code == "no_label_column"
    assert f"Columns: text, {decoy}." in refusal.value.message


def test_short_texts_in_a_file_of_two_columns():
    assert names(table_of("phrase,mark", lambda n: f"good {n}th,{n % 2}"))[:2] == ("phrase", "mark")


def test_texts_without_blanks():
    words = ["今天我很高兴因为天气很好", "我觉得非常难过今天下雨了"]
    table = table_of("内容,心情", lambda n: f"{words[n % 2]}第{n}天,{'好' if n % 2 else '坏'}")
    assert names(table)[:2] == ("内容", "心情")


def test_no_text():
    with pytest.raises(UserError) as refusal:
        guess_columns(table_of("ID,First Name,Gender,Company", lambda n: f"{n},Ann{n},{'f' if n % 2 else 'm'},Firm {n}"))
    assert refusal.value.code == "no_text_column"
    assert "Columns: ID, First Name, Gender, Company." in refusal.value.message


def test_one_column():
    with pytest.raises(UserError) as refusal:
        guess_columns(table_of("text", lambda n: SENTENCES[n]))
    assert refusal.value.code == "one_column"


def test_no_rows():
    with pytest.raises(UserError) as refusal:
        guess_columns(read_table(b"text,label\n"))
    assert refusal.value.code == "no_rows"


def test_a_label_column_by_name_is_left_to_whoever_looks_at_its_values():
    assert names(table_of("text,label", lambda n: f"{SENTENCES[n]},same"))[1] == "label"
    assert names(table_of("text,label", lambda n: f"{SENTENCES[n]},L{n}"))[1] == "label"


def test_a_chosen_column_is_kept():
    table = table_of("a,b,c,d", lambda n: f"{SENTENCES[n]},{SENTENCES[-n]} more,{n % 2},{n % 3}")
    assert names(table, text=0)[0] == "a"
    assert names(table, label=3)[1] == "d"
    assert names(table, text=1, label=2) == ("b", "c", True)
    with pytest.raises(UserError) as refusal:
        guess_columns(table, text=1, label=1)
    assert refusal.value.code == "same_column"


def test_find_column():
    table = read_table(b"Text , LABEL,1\nhello there,joy,x\nbye now,sad,y\n")
    assert find_column(table, "LABEL", "label") == 1
    assert find_column(table, " label ", "label") == 1
    assert find_column(table, "text", "text") == 0
    assert find_column(table, "2", "text") == 2
    assert find_column(table, "1", "text") in (1, 2)
    for wrong in ("3", "-1", "", "sentiment", "²", "9" * 5_000):
        with pytest.raises(UserError) as refusal:
            find_column(table, wrong, "text")
        assert refusal.value.code == "unknown_column"
        assert ", ".join(table.columns) in refusal.value.message


def test_split_column():
    table = table_of("text,label,split", lambda n: f"{SENTENCES[n]},{n % 2},{['train', 'dev', 'Test'][n % 3]}")
    assert guess_split_column(table) == 2
    assert names(table)[1] == "label"
    assert guess_split_column(table_of("text,label,set", lambda n: f"{SENTENCES[n]},{n % 2},{'a' if n % 2 else 'b'}")) is None
