"""Which column is the label if a name is weak, a column is nearly constant, or no row is kept."""

import pytest

from trainer.data.columns.guess import guess_columns
from trainer.data.files.read_table import read_table
from trainer.errors import UserError

SENTENCES = [f"this is sentence number {n} about {'good' if n % 2 else 'bad'} things" for n in range(60)]
TONES = ["calm", "loud", "kind"]


def guess(header, row):
    table = read_table("\n".join([header, *(row(n) for n in range(60))]).encode())
    columns = guess_columns(table)
    return table.columns[columns.label], columns.confident, [table.columns[candidate] for candidate in columns.candidates]


def test_a_weak_name_makes_the_guess_unsure():
    label, confident, candidates = guess("text,status,tone", lambda n: f"{SENTENCES[n]},{['open', 'closed'][n % 2]},{TONES[n % 3]}")
    assert (confident, sorted([label, *candidates])) == (False, ["status", "tone"])
    assert guess("text,label,tone", lambda n: f"{SENTENCES[n]},{['a', 'b'][n % 2]},{TONES[n % 3]}")[:2] == ("label", True)
    assert guess("text,status", lambda n: f"{SENTENCES[n]},{['open', 'closed'][n % 2]}")[:2] == ("status", True)


def test_a_nearly_constant_column_is_no_label_beside_another():
    assert guess("text,type,tone", lambda n: f"{SENTENCES[n]},{'a' if n else 'b'},{TONES[n % 3]}")[0] == "tone"
    assert guess("text,type", lambda n: f"{SENTENCES[n]},{'a' if n else 'b'}")[0] == "type"


def test_a_rare_class_makes_the_guess_unsure():
    assert guess("text,label,device", lambda n: f"{SENTENCES[n]},{'no' if n else 'yes'},{TONES[n % 2]}")[:2] == ("label", False)
    label, confident, candidates = guess("text,fraud,device", lambda n: f"{SENTENCES[n]},{int(n == 0)},{TONES[n % 2]}")
    assert (confident, sorted([label, *candidates])) == (False, ["device", "fraud"])


def test_rows_that_are_all_too_long_are_refused_with_the_reason():
    table = read_table(("text,label\n" + f"{'word ' * 30},joy\n" * 5).encode(), max_cell_chars=50)
    with pytest.raises(UserError, match=r"all 5 rows had to be left out, because of this: a cell of 150 characters; at most 50") as refusal:
        guess_columns(table)
    assert refusal.value.code == "no_rows"
