"""Encodings, and files that are not text."""

import os

import pytest

from trainer.data.files.decoding import clean, decode
from trainer.errors import UserError

ENGLISH = "text,label\nThis is a plain line,fine\n" * 40


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-32", "utf-32")],
)
def test_what_says_its_encoding_is_not_guessed(encoding, named):
    decoded = decode("text,label\nça va bien 日本 😀,joie\n".encode(encoding))
    assert (decoded.text, decoded.encoding, decoded.guessed) == ("text,label\nça va bien 日本 😀,joie\n", named, False)


@pytest.mark.parametrize("bom", [b"\xfe\xff", b"\x00\x00\xfe\xff"])
def test_big_endian_marks(bom):
    encoding = "utf-16-be" if len(bom) == 2 else "utf-32-be"
    assert decode(bom + "text,label\nça,joie\n".encode(encoding)).text == "text,label\nça,joie\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_a_declared_guess(encoding):
    text = "text,label\nПривет как дела,радость\n"
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.encoding, decoded.guessed) == (text, encoding, True)


@pytest.mark.parametrize(
    ("sentence", "encoding"),
    [
        ("Je suis très déçu, ça ne marche pas, l’été à Genève, où êtes-vous ?", "cp1252"),
        ("Größe überprüfen, schöne Grüße, „gut“ für mich €5", "cp1252"),
        ("Jag är så glad över att få åka på sjön", "cp1252"),
        ("that’s “fine” – and £5 off", "cp1252"),
        ("Zażółć gęślą jaźń, jest mi smutno", "cp1250"),
        ("Zażółć gęślą jaźń, jest mi smutno", "iso8859-2"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "cp1250"),
        ("Nagyon boldog vagyok, őrült jó hétvége", "cp1250"),
        ("Bugün çok mutluyum, şimdi güneş doğdu", "cp1254"),
        ("Привет, как дела? мне грустно сегодня", "cp1251"),
        ("Привет, как дела? мне грустно сегодня", "koi8-r"),
        ("Είμαι πολύ χαρούμενος σήμερα", "cp1253"),
        ("今日はとても嬉しいです。", "cp932"),
        ("今日はとても嬉しいです。", "euc_jp"),
        ("今日はとても嬉しいです。", "iso2022_jp"),
        ("今天我很高兴,因为天气很好", "gb18030"),
        ("오늘 정말 기분이 좋아요", "cp949"),
        ("אני שמח מאוד היום", "cp1255"),
    ],
)
def test_old_encodings_are_guessed_from_anywhere_in_the_file(sentence, encoding):
    text = ENGLISH * 50 + sentence + ",joy\n" + ENGLISH
    decoded = decode(text.encode(encoding))
    assert decoded.guessed
    assert decoded.text == text


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        ("take {} µg of it daily", "cp1252"),
        ("it is {} °C and 3 µm thin", "cp1252"),
        ("il a vu sa sœur œuvrer {}", "cp1252"),
        ("he wrote œuvre number {}", "cp1252"),
        ("the straße {} is long", "cp1252"),
        ("letter ß number {}", "cp1252"),
        ("Straße {} groß", "cp1252"),
        ("1º lugar {}, la 2ª vez", "cp1252"),
        ("à {} demain", "cp1252"),
        ("ça {} va", "cp1252"),
        ("the ø {} of Tromsø", "cp1252"),
        ("a Škoda {} is a car", "cp1252"),
        ("Þór {} and the þ", "cp1252"),
        ("the café {} is nice", "mac-roman"),
        ("Zürich {} is far", "mac-roman"),
        ("it’s {} fine", "mac-roman"),
        ("się {} śmieje", "cp1250"),
        ("şimdi {} değil, ışık", "cp1254"),
    ],
)
def test_a_few_letters_of_an_old_encoding(line, encoding):
    text = "text,label\n" + "".join(f"{line.format(n)},good\n" for n in range(12))
    assert decode(text.encode(encoding)).text == text


def test_utf8_with_a_pasted_cp1252_line_stays_utf8():
    decoded = decode("le café est très bon,joie\n".encode() * 30 + "déjà vu,joie\n".encode("cp1252"))
    assert (decoded.encoding, decoded.guessed) == ("utf-8", True)
    assert decoded.text.endswith("bon,joie\ndéjà vu,joie\n")


def test_utf8_cut_inside_a_character():
    decoded = decode("le café est très bon,joie\n".encode() * 30 + "caf\u00e9".encode()[:-1])
    assert decoded.encoding == "utf-8"
    assert decoded.text.startswith("le café est très bon,joie\n")


def test_all_newlines_become_line_feeds():
    assert decode(b"a,b\r\nc,d\re,f\ng,h").text == "a,b\nc,d\ne,f\ng,h"


def test_clean_keeps_tab_and_newline_only():
    assert clean("a\x00b\x07c\td\ne\x0bf\x1bg\ud800h\x7fi") == "abc\td\ne fghi"
    assert clean("untouched é 😀") == "untouched é 😀"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n\t\n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"\x00" * 1000, "empty_file"),
        (os.urandom(20_000), "not_a_table"),
    ],
)
def test_what_is_no_text_is_refused_kindly(data, code):
    with pytest.raises(UserError) as refusal:
        decode(data)
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")


def test_a_stated_encoding_is_taken_or_refused():
    data = "text,label\nça va,joie\n".encode("cp1252")
    assert decode(data, encoding="latin-1").text == "text,label\nça va,joie\n"
    assert not decode(data, encoding="latin-1").guessed
    for encoding in ("utf-8", "no-such-encoding"):
        with pytest.raises(UserError) as refusal:
            decode(data, encoding=encoding)
        assert refusal.value.code == "wrong_encoding"


def test_null_characters_are_counted():
    decoded = decode(b"te\0xt,label\nhello\0,joy\n")
    assert (decoded.text, decoded.null_characters) == ("text,label\nhello,joy\n", 2)


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be"])
def test_utf32_without_its_mark_is_a_declared_guess(encoding):
    text = "text,label\nça va bien,joie\n"
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.encoding, decoded.guessed) == (text, encoding, True)


# The same sentences in every encoding that can hold them, as in chardet's own corpus: decoded correctly, or marked as guessed.
SENTENCES = {
    "français": ("Je suis très déçu, ça ne marche pas, l'été à Genève, où êtes-vous ?", "cp1252 latin-1 iso8859-15 mac_roman cp850 cp437"),
    "deutsch": ("Größe überprüfen, schöne Grüße für mich, das Mädchen läuft", "cp1252 latin-1 iso8859-15 mac_roman cp850"),
    "español": ("El niño está muy feliz mañana, ¿cómo estás tú? ¡Qué alegría!", "cp1252 latin-1 iso8859-15 mac_roman cp850"),
    "polski": ("Zażółć gęślą jaźń, jest mi dziś bardzo smutno, płaczę", "cp1250 iso8859-2 cp852"),
    "čeština": ("Příliš žluťoučký kůň úpěl ďábelské ódy, dnes je mi velmi smutno", "cp1250 iso8859-2 cp852"),
    "magyar": ("Nagyon boldog vagyok, őrült jó hétvége, öröm és szeretet", "cp1250 iso8859-2"),
    "română": ("Sunt foarte fericit astăzi, mulţumesc, aşa este viaţa", "cp1250 iso8859-2"),
    "türkçe": ("Bugün çok mutluyum, şimdi güneş doğdu, ağaçlar yeşil", "cp1254 iso8859-9"),
    "русский": ("Привет, как дела? мне сегодня очень грустно и одиноко", "cp1251 koi8-r iso8859-5 cp866 mac_cyrillic"),
    "українська": ("Сьогодні я дуже щасливий, дякую за їжу і ґрунт, це є добре", "cp1251 koi8-u"),
    "български": ("Днес съм много щастлив, защото времето е хубаво", "cp1251"),
    "ελληνικά": ("Είμαι πολύ χαρούμενος σήμερα, ευχαριστώ για όλα", "cp1253 iso8859-7"),
    "עברית": ("אני שמח מאוד היום כי מזג האוויר יפה", "cp1255 iso8859-8"),
    "العربية": ("أنا سعيد جدا اليوم لأن الطقس جميل والشمس مشرقة", "cp1256 iso8859-6"),
    "ไทย": ("วันนี้ฉันมีความสุขมากเพราะอากาศดี", "cp874 tis-620"),
    "日本語": ("今日はとても嬉しいです。天気がいいですね。", "cp932 euc_jp iso2022_jp shift_jis"),
    "简体中文": ("今天我很高兴,因为天气很好,我们去公园玩", "gb18030 gbk gb2312 hz"),
    "繁體中文": ("今天我很高興,因為天氣很好,我們去公園玩", "big5 cp950"),
    "한국어": ("오늘 정말 기분이 좋아요, 날씨가 좋네요", "cp949 euc_kr johab iso2022_kr"),
    "eesti": ("Täna olen väga õnnelik, šokolaad ja žanr on head", "cp1257"),
    "lietuvių": ("Šiandien esu labai laimingas, ačiū už viską, žmonės", "cp1257 iso8859-13"),
}


@pytest.mark.parametrize(("sentence", "encoding"), [(text, name) for text, names in SENTENCES.values() for name in names.split()])
def test_any_encoding_is_right_or_a_declared_guess(sentence, encoding):
    text = f"text,label\n{sentence},joy\n" * 20
    decoded = decode(text.encode(encoding))
    assert decoded.guessed or decoded.text == text


def test_nearly_all_encodings_are_right():
    cases = [(text, name) for text, names in SENTENCES.values() for name in names.split()]
    right = sum(decode(f"text,label\n{text},joy\n".encode(name) * 20).text == f"text,label\n{text},joy\n" * 20 for text, name in cases)
    assert right >= 0.95 * len(cases)


@pytest.mark.parametrize("data", [b"\xc0\xaf\xe0\x80\xaf,joy\n" * 30, b"\xed\xa0\x80\xed\xb0\x80,joy\n" * 30])
def test_overlong_and_surrogate_utf8_is_a_declared_guess(data):
    decoded = decode(b"text,label\n" + data)
    assert decoded.guessed
    decoded.text.encode("utf-8")


@pytest.mark.parametrize("blank", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028"])
def test_line_breaks_within_texts_are_no_sign_of_a_picture(blank):
    text = "text,label\n" + f"one{blank}two{blank}three{blank}four,joy\n" * 50
    shown = " " if blank < "\x20" else blank
    assert decode(text.encode()).text == text.replace(blank, shown)


@pytest.mark.parametrize("sentence", ["Die schöne Mühle grüßt über Öl", "São João não é coração à Ávila Ø"])
def test_dos_text_of_western_europe(sentence):
    decoded = decode(("text;label\n" + f"{sentence};Gefühl\n" * 20).encode("cp850"))
    assert (decoded.encoding, decoded.guessed) == ("cp850", True)
    assert sentence in decoded.text


@pytest.mark.parametrize(("utf8_lines", "other_lines"), [(20, 4), (10, 30), (3, 3), (1, 20), (20, 1)])
@pytest.mark.parametrize(
    ("sentence", "encoding"),
    [
        ("it’s a naïve café, don’t you think", "cp1252"),
        ("Paczka przyszła uszkodzona, źle", "cp1250"),
        ("Мне очень грустно", "cp1251"),
        ("Größe überprüfen, schöne Grüße", "mac_roman"),
    ],
)
def test_lines_of_two_encodings(sentence, encoding, utf8_lines, other_lines):
    lines = [f"{sentence} {n},joy\n" for n in range(utf8_lines + other_lines)]
    data = b"".join(line.encode("utf-8" if n < utf8_lines else encoding) for n, line in enumerate(lines))
    decoded = decode(data)
    assert decoded.text == "".join(lines)
    assert (decoded.encoding, decoded.guessed) == ("utf-8", True)
    (warning,) = decoded.warnings
    assert (warning.code, warning.count, warning.line) == ("mixed_encodings", other_lines, utf8_lines + 1)


def test_a_guess_names_the_words_that_would_change():
    decoded = decode("text,label\nžádná zpráva jen déšť a šťastný den,joy\n".encode("iso8859-2") * 5)
    (warning,) = decoded.warnings
    assert warning.code == "rival_encoding"
    assert "“žádná” would be “" in warning.message


def test_what_needs_no_guess_has_no_rival():
    assert decode("text,label\nžádná zpráva,joy\n".encode()).warnings == ()


def test_ascii_with_one_odd_byte_is_no_mainframe_text():
    assert decode(b'text,label\n"GOOD DAY","JOY"\n' * 20 + b"THE DOG RAN,SE\x84OR\n").text.startswith("text,label\n")
