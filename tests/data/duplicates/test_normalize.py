"""Folding texts."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.data.duplicates.normalize import duplicate_key, normalize_text

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ODD = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("aeEßİǰ \t'’.:;=-()[]/\\dpo@<3rtwW&_(\u0301\u0323\u200d\ufe0fﬁ①Å・।…")), max_size=40
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Great day", "  great   DAY "),
        ("Great day!", "great, day..."),
        ("I don't know", "I don’t know"),
        ("I don't know", "i dont know"),
        ("I don´t know", "I don＇t know"),
        ("so happy http://t.co/abc", "so happy"),
        ("so happy https://example.com/a?b=c#d", "so happy www.example.com"),
        ("so happyhttps://t.co/abc", "so happy"),
        ("@anna so happy", "@bob_2 so happy"),
        ("RT @anna: so happy", "so happy"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("Straße", "STRASSE"),
        ("cafe\u0301", "café"),
        ("❤️ you", "❤ you"),
        ("zero\u200bwidth", "zerowidth"),
        ("@anna今天真开心https://t.co/a", "@bob_2今天真开心https://t.co/b"),
        ("//@小明:开心", "//@小红：开心"),
        ("你好，世界！", "你好 世界"),
        ("great :)", "great 🙂"),
        ("great :-)))", "great :)"),
        ("(: great", "🙂 great"),
        ("#happy", "happy"),
    ],
)
def test_the_same_after_folding(one, other):
    assert normalize_text(one) == normalize_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (":)", ":("),
        ("great :)", "great :("),
        ("great :-)", "great ;)"),
        ("great :D", "great :/"),
        ("great :'(", "great :)"),
        ("great 😀", "great 😡"),
        ("great", "great 😡"),
        ("???", "!!!"),
        ("http://example.com/a", "http://example.com/b"),
        ("@anna", "@bob"),
        ("i paid 5", "i paid 6"),
        ("C", "C++"),
        ("कल", "काल"),
        ("ไม่ดี", "ไม่ดู"),
        ("a<3", "a</3"),
        ("@小明今天真开心 哈", "@小红今天好难过 哈"),
        ("https://t.co/a今天真开心", "https://t.co/a今天好难过"),
        ("สวัสดี@สมชายวันนี้ดีมาก", "สวัสดี@สมชายวันนี้แย่มาก"),
    ],
)
def test_different_after_folding(one, other):
    assert normalize_text(one) != normalize_text(other)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("see the note:(below)", "see the note below"),
        ("from 12:30 to 1:30", "from 12 30 to 1 30"),
        ("ratio 3:d", "ratio 3 d"),
        ("a path c:/windows", "a path c windows"),
        ("Aww. so cute", "aww so cute"),
        ("anna@example.com wrote", "anna example com wrote"),
        ("josé@example.com wrote", "josé example com wrote"),
        ("@10 each, see (https://x.com/a). Great!", "10 each see great"),
        ("हिन्दी में!", "हिन्दी में"),
        ("", ""),
    ],
)
def test_what_stays(text, folded):
    assert normalize_text(text) == folded


@QUICK
@given(text=ODD)
def test_folding_twice_is_folding_once(text):
    assert normalize_text(normalize_text(text)) == normalize_text(text)


@QUICK
@given(text=ODD)
def test_doubles_are_near_duplicates(text):
    assert normalize_text(duplicate_key(text)) == normalize_text(text)
    assert normalize_text(f" {text.upper()}\n") == normalize_text(duplicate_key(text.upper()))
