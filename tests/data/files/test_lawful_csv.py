"""Lawful CSV files of many dialects are read exactly as they were written; a fixed sample here, more in ``python -m tests.bench dialects``."""

from tests.data.files.lawful_csv import make_lawful_file
from trainer.data.files.read_table import read_table

N_FILES = 200


def test_every_cell_of_every_file_is_as_it_was_written():
    wrong = []
    for seed in range(N_FILES):
        file = make_lawful_file(seed)
        table = read_table(file.data)
        if (table.columns, table.rows, table.dropped) != (file.columns, file.rows, ()):
            wrong.append(file.described)
    assert wrong == []
