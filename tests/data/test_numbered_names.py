"""Names of labels that are numbers."""

import pytest

from trainer.data.numbered_names import read_numbered_names
from trainer.errors import UserError


def test_a_name_on_each_line_from_zero(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_bytes("\ufeffadmiration\r\n amusement \r\nécœurement\n\n".encode())
    assert read_numbered_names(file) == {"0": "admiration", "1": "amusement", "2": "écœurement"}


@pytest.mark.parametrize(("content", "code"), [(b"one line", "no_label_names"), (None, "file_not_found")])
def test_what_holds_no_names_is_refused(tmp_path, content, code):
    if content is not None:
        (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(UserError) as refusal:
        read_numbered_names(tmp_path / "labels.txt")
    assert refusal.value.code == code
