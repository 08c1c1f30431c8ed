"""Which column is the text and which the label."""

import csv
import io
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cpu_time import cpu_time
from trainer.data.columns.guess import find_column, guess_columns, guess_split_column
from trainer.data.files.read_table import read_table
from trainer.data.files.table import ReaderWarning
from trainer.errors import UserError

SENTENCES = [f"this is sentence number {n} about {'good' if n % 2 else 'bad'} things" for n in range(30)]


def table_of(header: str, row, n_rows: int = 30):
    lines = [header, *(row(n) for n in range(n_rows))]
    return read_table("\n".join(lines).encode())


def names(table, **given):
    columns = guess_columns(table, **given)
    return table.columns[columns.text], table.columns[columns.label], columns.confident


def test_text_and_label():
    columns = guess_columns(table_of("text,label", lambda n: f"{SENTENCES[n]},{n % 2}"))
    assert (columns.text, columns.label, columns.confident) == (0, 1, True)
    assert columns.text_reason
    assert columns.label_reason == "2 different values, each about 15 times on average"


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


def test_numbers_that_are_not_equivalent_stay_the_label():
    table = table_of("text,label,shop", lambda n: f"{SENTENCES[n]},{n % 2},{'north' if n % 3 else 'south'}")
    assert names(table)[1] == "label"


def test_other_possible_labels_make_the_guess_unsure():
    table = table_of("text,Sentiment,Emotion", lambda n: f"{SENTENCES[n]},{'pos' if n % 2 else 'neg'},{['joy', 'fear', 'anger'][n % 3]}")
    assert names(table) == ("text", "Emotion", False)
    assert "“Sentiment” could be it too" in guess_columns(table).label_reason


def test_other_possible_texts_make_the_guess_unsure():
    table = table_of("a,b,label", lambda n: f"{SENTENCES[n]},{SENTENCES[-n]} more,{n % 2}")
    assert guess_columns(table).confident is False


@pytest.mark.parametrize("decoy", ["author", "gender", "season", "word_count", "split", "date", "lang", "Speaker"])
def test_metadata_and_measurements_are_no_labels(decoy):
    table = table_of(f"text,{decoy}", lambda n: f"{SENTENCES[n]},{n % 2}")
    with pytest.raises(UserError) as refusal:
        guess_columns(table)
    assert refusal.value.code == "no_label_column"
    assert f"Columns: text, {decoy}." in refusal.value.message


def test_sizes_that_a_spreadsheet_made_dates_of_are_an_unsure_label():
    columns = guess_columns(table_of("text,group size", lambda n: f"{SENTENCES[n]},{('3-Jan', '2025-04-06', '7+')[n % 3]}"))
    assert (columns.label, columns.confident) == (1, False)


def test_formulas_without_results_are_the_reason_that_there_is_no_label():
    table = table_of("text,mood", lambda n: f"{SENTENCES[n]},")
    warning = ReaderWarning("formulas_without_values", "warning", 1, "The cells of “mood” are formulas.")
    with pytest.raises(UserError, match=r"The cells of “mood” are formulas\. A label column has"):
        guess_columns(replace(table, warnings=(warning,)))


def test_short_texts_in_a_file_of_two_columns():
    assert names(table_of("phrase,mark", lambda n: f"good {n}th,{n % 2}"))[:2] == ("phrase", "mark")


def test_texts_without_blanks():
    sentences = ["今天我很高兴因为天气很好", "我觉得非常难过今天下雨了"]
    table = table_of("内容,心情", lambda n: f"{sentences[n % 2]}第{n}天,{'好' if n % 2 else '坏'}")
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


def test_a_label_by_name_is_kept_even_if_its_values_are_bad():
    assert names(table_of("text,label", lambda n: f"{SENTENCES[n]},same"))[1] == "label"
    assert names(table_of("text,label", lambda n: f"{SENTENCES[n]},L{n}"))[1] == "label"


def test_whole_sentences_are_labels_under_the_name_of_one_if_they_repeat():
    answers = [f"the answer to question {n} as long as an answer of a call centre usually is and word for word the same" for n in range(40)]
    texts = [f"{sentence} {n}" for n in range(4) for sentence in SENTENCES]
    assert names(table_of("text,label", lambda n: f"{texts[n]},{answers[n % 40]}", 120)) == ("text", "label", True)
    # Another text is no label, whatever it is called, and a description of a label does not replace it.
    with pytest.raises(UserError) as refusal:
        guess_columns(table_of("text,label", lambda n: f"{texts[n]},{answers[n % 40]} {n}", 120))
    assert refusal.value.code == "no_label_column"
    assert names(table_of("text,label,label_description", lambda n: f"{texts[n]},{n % 4},{answers[n % 4]}", 120))[1] == "label"


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


def test_candidates_are_sorted_best_first():
    both = [("pos", "joy"), ("neg", "fear"), ("neg", "anger")]
    columns = guess_columns(table_of("text,Sentiment,Emotion,likes,id", lambda n: f"{SENTENCES[n]},{','.join(both[n % 3])},{n % 7},{n}"))
    assert (columns.label, columns.candidates, columns.extra_text_columns) == (2, (1,), ())
    assert guess_columns(table_of("text,label,id", lambda n: f"{SENTENCES[n]},{n % 2},{n}")).candidates == ()


def test_one_label_in_two_languages_is_one():
    table = table_of("text,emotion,情绪", lambda n: f"{SENTENCES[n]},{['joy', 'fear', 'anger'][n % 3]},{['喜', '惧', '怒'][n % 3]}")
    assert names(table) == ("text", "emotion", True)
    assert "“情绪” says the same in other words" in guess_columns(table).label_reason


def test_yes_no_columns_make_the_guess_unsure():
    columns = guess_columns(table_of("text,joy,fear,anger", lambda n: f"{SENTENCES[n]},{n % 2},{int(n % 3 == 0)},{int(n % 5 == 0)}"))
    assert (columns.label, columns.confident) == (1, False)
    assert columns.label_reason == "the columns “joy”, “fear”, “anger” mark one label each; 8 rows have several"
    assert set(columns.candidates) == {2, 3}
    assert (columns.several, columns.label_columns) == (True, (1, 2, 3))


def test_several_labels_in_one_cell_are_a_label():
    options = ["joy", "fear", "joy;fear", "anger;fear", "anger"]
    columns = guess_columns(table_of("text,feelings", lambda n: f'{SENTENCES[n]},"{options[n % 5]}"'))
    assert columns.label == 1
    assert columns.label_reason == "3 different labels, several of them in one cell, with a “;” between"


def test_a_measurement_is_no_label():
    with pytest.raises(UserError) as refusal:
        guess_columns(table_of("id,text,score", lambda n: f"{n},{SENTENCES[n]},{n / 7:.2f}"))
    assert refusal.value.code == "label_is_measurement"
    assert refusal.value.message.startswith("The column “score” holds amounts (30 different numbers such as 0.00, 0.14, 0.29)")
    assert "low, middle and high" in refusal.value.message
    halves = table_of("review,stars", lambda n: f"{SENTENCES[n]},{1 + n % 5 / 2}")
    assert names(halves)[1] == "stars"


def test_a_measurement_beside_a_label_is_passed_over():
    table = table_of("text,score,shop", lambda n: f"{SENTENCES[n]},{n / 7:.2f},{'north' if n % 3 else 'south'}")
    assert names(table) == ("text", "shop", False)
    assert "“score” holds amounts" in guess_columns(table).label_reason


def test_a_metadata_column_is_the_label_if_there_is_nothing_else():
    table = table_of("text,gender", lambda n: f"{SENTENCES[n]},{'f' if n % 2 else 'm'}")
    assert names(table) == ("text", "gender", False)


def test_split_columns_are_known_by_their_values():
    table = table_of("text,label,usage", lambda n: f"{SENTENCES[n]},{n % 2},{'Training' if n % 3 else 'test'}")
    assert guess_split_column(table) == 2
    assert names(table)[:2] == ("text", "label")
    assert guess_split_column(table_of("text,split", lambda n: f"{SENTENCES[n]},train")) is None


def test_a_million_rows_take_no_time():
    table = table_of("id,text,label,split,n", lambda n: f"{n},{SENTENCES[n]},{n % 2},{['train', 'test'][n % 2]},{n / 7:.2f}")
    n_rows = 1_000_000
    table = replace(table, rows=(table.rows * (n_rows // 30 + 1))[:n_rows], lines=list(range(n_rows)))
    for guess in (guess_columns, guess_split_column):
        with cpu_time() as spent:
            assert guess(table) is not None
        assert spent.seconds < 2


CELLS = st.one_of(
    st.text(max_size=30), st.sampled_from(["", "1", "0", "2.5", "a;b", "b", "['a', 'b']", "train", "a few words here", "NULL", "今天"])
)


@given(st.integers(2, 4).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=40)), st.booleans())
def test_any_table_has_columns_or_a_refusal(rows, header):
    table = table_of("text,label", lambda n: f"{SENTENCES[n]},{n % 2}")
    width = len(rows[0])
    table = replace(table, columns=tuple("abcd"[:width]), rows=rows, lines=list(range(len(rows))), header=header)
    try:
        columns = guess_columns(table)
    except UserError as refusal:
        code = refusal.code
    else:
        code = "none"
        assert len({columns.text, columns.label, *columns.candidates}) == 2 + len(columns.candidates)
    assert code in ("none", "no_text_column", "no_label_column", "label_is_measurement")
    assert guess_split_column(table) is None or len(rows) > 1


# --- in the shape of published data sets --------------------------------------------------------------------------------
# Header lines and values as published; every sentence is made of the words below. Per line: the data set :: delimiter ::
# its columns, each with what it holds (see _cell) :: text <- label, or the refusal :: "sure" or "ask" where that must be so.

WORDS = {
    "en": "the movie was really good and we loved every minute of it although my phone broke yesterday because nobody helped us again",
    "de": "das Essen war leider kalt und wir mussten sehr lange warten obwohl der Kellner immer freundlich blieb gestern nicht wieder",
    "fr": "le film était vraiment très beau mais nous avons attendu trop longtemps devant la porte hier soir sans aucune réponse",
    "es": "la comida estaba muy rica pero el servicio fue lento y nadie nos ayudó cuando llegamos tarde a casa ayer",
    "pt": "o produto chegou rápido mas veio quebrado e ninguém respondeu quando pedi ajuda ontem à noite muito obrigado pela atenção",
    "it": "il libro era davvero bello ma la consegna è arrivata tardi e nessuno ha risposto alle mie domande ieri sera",
    "nl": "het boek was echt mooi maar de levering kwam veel te laat en niemand gaf antwoord op mijn vragen gisteren",
    "pl": "książka była naprawdę dobra ale przesyłka przyszła za późno i nikt nie odpowiedział na moje pytania wczoraj wieczorem",
    "ru": "книга была очень хорошая но посылка пришла поздно и никто не ответил на мои вопросы вчера вечером снова спасибо",
    "uk": "книга була дуже гарна але посилка прийшла пізно і ніхто не відповів на мої запитання вчора ввечері дякую",
    "tr": "kitap gerçekten çok güzeldi ama kargo geç geldi ve kimse sorularıma cevap vermedi dün akşam yine teşekkürler",
    "ar": "كان الكتاب جميلا جدا لكن الشحنة وصلت متأخرة ولم يجب أحد عن أسئلتي مساء أمس شكرا لكم على كل شيء",
    "fa": "کتاب خیلی خوب بود ولی بسته دیر رسید و کسی به پرسش های من دیشب جواب نداد باز هم ممنون",
    "ur": "کتاب بہت اچھی تھی مگر ڈاک دیر سے آئی اور کسی نے کل شام میرے سوال کا جواب نہیں دیا شکریہ",
    "hi": "किताब बहुत अच्छी थी लेकिन डाक देर से आई और किसी ने कल शाम मेरे सवाल का जवाब नहीं दिया धन्यवाद",
    "bn": "বইটি খুব ভালো ছিল কিন্তু ডাক দেরিতে এসেছে এবং কেউ গতকাল সন্ধ্যায় আমার প্রশ্নের উত্তর দেয়নি ধন্যবাদ",
    "zh": "这 本 书 很 好 看 但是 快递 来 得 太 晚 昨天 晚上 没有 人 回答 我 的 问题 谢谢 大家",
    "ja": "この 本 は とても 良かった です が 配達 が 遅くて 昨日 の 夜 誰も 質問 に 答えて くれません でした",
    "ko": "책은 정말 좋았지만 배송이 너무 늦었고 어제 저녁에는 아무도 내 질문에 대답하지 않았다 다시 고맙습니다 모두",
    "th": "หนังสือ ดี มาก แต่ พัสดุ มา ช้า และ ไม่มี ใคร ตอบ คำถาม ของ ฉัน เมื่อ วาน เย็น ขอบคุณ",
    "vi": "sách rất hay nhưng hàng đến muộn và không ai trả lời câu hỏi của tôi tối hôm qua cảm ơn mọi người",
    "id": "bukunya sangat bagus tetapi paketnya datang terlambat dan tidak ada yang menjawab pertanyaan saya kemarin malam terima kasih",
    "sw": "kitabu kilikuwa kizuri sana lakini mzigo ulichelewa na hakuna mtu aliyejibu maswali yangu jana jioni asante sana",
    "am": "መጽሐፉ በጣም ጥሩ ነበር ግን ዕቃው ዘግይቶ መጣ ትናንት ማታ ማንም ጥያቄዬን አልመለሰም አመሰግናለሁ ሁላችሁንም",
    "fi": "kirja oli todella hyvä mutta paketti tuli myöhässä eikä kukaan vastannut kysymyksiini eilen illalla kiitos kaikille",
    "sv": "boken var verkligen bra men paketet kom för sent och ingen svarade på mina frågor i går kväll tack",
    "da": "bogen var virkelig god men pakken kom for sent og ingen svarede på mine spørgsmål i går aftes tak",
    "el": "το βιβλίο ήταν πολύ καλό αλλά το δέμα ήρθε αργά και κανείς δεν απάντησε στις ερωτήσεις μου χθες βράδυ",
    "he": "הספר היה טוב מאוד אבל החבילה הגיעה מאוחר ואף אחד לא ענה על השאלות שלי אתמול בערב תודה לכולם",
    "cs": "kniha byla opravdu dobrá ale zásilka přišla pozdě a nikdo neodpověděl na moje otázky včera večer děkuji všem",
    "hu": "a könyv nagyon jó volt de a csomag későn érkezett és senki sem válaszolt a kérdéseimre tegnap este köszönöm",
    "km": "សៀវភៅ ល្អ ណាស់ ប៉ុន្តែ កញ្ចប់ មក យឺត ហើយ គ្មាន នរណា ឆ្លើយ សំណួរ ខ្ញុំ ម្សិលមិញ អរគុណ",
    "??": "???? ?? ??????? ????? ??? ?????????? ?????? ????",
}
WITHOUT_BLANKS = ("zh", "ja", "th", "km")

DATA_SETS = """
imdb :: comma :: review=en 60; sentiment=one positive|negative :: review <- sentiment :: sure
sentiment140 :: comma, no header :: one 0|4; big; stamp; one NO_QUERY; user; en 13 :: 5 <- 0 :: sure
amazon polarity :: comma, no header :: one 1|2; en 5; en 50 :: 2 <- 0 :: sure
dbpedia :: comma, no header :: int 1-14; en 4; en 40 :: 2 <- 0 :: sure
cola :: tab, no header :: one gj04|bc01|cj99|r-67|l-93; yn .7; one |*; en 8 :: 3 <- 1
goemotions tsv :: tab, no header :: en 12; few ,|27|4|0|1|15|18|20; key ee :: 0 <- 1 :: sure
goemotions full :: comma :: text=en 12; id=key ed; author=user; subreddit=one nrl|unpopularopinion|confessions|mildlyinteresting; link_id=key t3_; parent_id=key t1_; created_utc=int 1546300000-1548300000; rater_id=int 0-81; example_very_unclear=one False|False|False|True; admiration=yn .1; amusement=yn .1; anger=yn .1; annoyance=yn .1; neutral=yn .3 :: text <- admiration or example_very_unclear or neutral or anger or amusement :: ask
jigsaw :: comma :: id=key 00; comment_text=en 60; toxic=yn .2; severe_toxic=yn .03; obscene=yn .1; threat=yn .02; insult=yn .1; identity_hate=yn .02 :: comment_text <- toxic :: ask
davidson :: comma :: =row; count=one 3|3|3|6|9; hate_speech=one 0|0|0|1|2|3; offensive_language=one 0|1|2|3|3|3|6; neither=one 0|0|0|1|2|3; class=one 0|1|1|2; tweet=en 14 :: tweet <- class :: sure
airline :: comma :: tweet_id=big; airline_sentiment=one positive|negative|neutral; airline_sentiment_confidence=real 0.3 1 4; negativereason=rare .6 one Bad Flight|Late Flight|Customer Service Issue|Cancelled Flight|Can't Tell; negativereason_confidence=rare .7 real 0 1 4; airline=one United|Delta|US Airways|Southwest|American|Virgin America; airline_sentiment_gold=rare .02 one positive|negative; name=user; negativereason_gold=empty; retweet_count=skew 1; text=en 18; tweet_coord=empty; tweet_created=date; tweet_location=rare .6 one New York|Boston, MA|San Francisco CA|somewhere; user_timezone=rare .6 one Eastern Time (US & Canada)|Pacific Time (US & Canada)|Quito :: text <- airline_sentiment :: sure
womens :: comma :: =row; Clothing ID=int 700-1100; Age=int 18-80; Title=rare .8 en 4; Review Text=en 60; Rating=int 1-5; Recommended IND=yn .8; Positive Feedback Count=skew 3; Division Name=one General|General Petite|Initmates; Department Name=one Tops|Dresses|Bottoms|Intimate; Class Name=one Dresses|Knits|Blouses|Pants|Jeans :: Review Text <- Rating or Recommended IND or Class Name :: ask
olid :: tab :: id=int 10000-99999; tweet=en 22; subtask_a=one OFF|NOT; subtask_b=one NULL|NULL|TIN|UNT; subtask_c=one NULL|NULL|NULL|IND|GRP :: tweet <- subtask_a
hateval :: tab :: id=row; text=es 20; HS=yn .4; TR=yn .2; AG=yn .2 :: text <- HS :: ask
germeval :: tab, no header :: de 18; one OTHER|OTHER|OFFENSE; one OTHER|OTHER|ABUSE|INSULT|PROFANITY :: 0 <- 1 or 2 :: ask
chnsenticorp :: comma :: label=one 0|1; review=zh 40 :: review <- label :: sure
weibo emotions :: comma :: 文本=zh 25; 情绪标签=one 高兴|悲伤|愤怒|恐惧 :: 文本 <- 情绪标签 :: sure
korean unsmile :: tab :: 문장=ko 9; 여성/가족=yn .1; 남성=yn .1; 인종/국적=yn .1; 연령=yn .05; 악플/욕설=yn .2; clean=yn .3 :: 문장 <- 여성/가족 :: ask
wrime :: tab :: 投稿本文=ja 20; 投稿日時=date; 主観_喜び=int 0-3; 主観_悲しみ=int 0-3; 主観_怒り=int 0-3; 客観_喜び=int 0-3 :: 投稿本文 <- 主観_喜び :: ask
semeval ec :: tab :: ID=key 2017-En-; Tweet=en 16; anger=yn .3; anticipation=yn .1; disgust=yn .3; fear=yn .1; joy=yn .3; love=yn .1 :: Tweet <- anger :: ask
emoint :: tab, no header :: int 10000-30000; en 16; one anger; real 0 1 3 :: refused label_is_measurement
vader :: tab, no header :: row; real -4 4 9; en 14 :: refused label_is_measurement
emoevent :: tab :: id=uuid; event=one GameOfThrones|Venezuela|NotreDame|LaLiga; tweet=es 22; offensive=one NO|NO|OFF; emotion=one joy|sadness|anger|fear|others :: tweet <- emotion :: sure
semeval stance :: tab :: ID=row; Target=one Atheism|Climate Change is a Real Concern|Feminist Movement|Hillary Clinton; Tweet=en 17; Stance=one FAVOR|AGAINST|NONE :: Tweet <- Stance :: ask
afrisenti am :: tab :: ID=key am_train_; tweet=am 12; label=one positive|negative|neutral :: tweet <- label :: sure
swahili news :: comma :: id=key SW; content=sw 80; category=one kitaifa|michezo|biashara|burudani :: content <- category :: sure
smsa :: tab, no header :: id 25; one positive|negative|neutral :: 0 <- 1 :: sure
vsfc :: comma :: sentence=vi 12; sentiment=int 0-2; topic=int 0-3 :: sentence <- sentiment :: ask
wongnai :: semicolon, no header :: th 60; int 1-5 :: 0 <- 1 :: sure
khmer :: comma :: អត្ថបទ=km 20; ប្រភេទ=one កីឡា|សេដ្ឋកិច្ច|នយោបាយ :: អត្ថបទ <- ប្រភេទ :: sure
astd :: tab, no header :: ar 16; one OBJ|POS|NEG|NEUTRAL :: 0 <- 1 :: sure
hard :: tab :: no=row; Hotel name=one فندق 72|فندق 31|فندق 105|فندق 9; rating=one 1|2|4|5; user type=one زوج|عائلة مع أطفال صغار|مسافر منفرد; room type=one غرفة ديلوكس|جناح; nights=one أقمت ليلة واحدة|أقمت ليلتين; review=ar 20 :: review <- rating
arsarcasm :: comma :: text=ar 16; label=one positive|negative|neutral; label_id=name label positive:0|negative:1|neutral:2; dialect=int 0-4; sarcasm=yn .2; text_clean=ar 13 :: text <- label
snappfood :: tab :: =row; comment=fa 15; label=one HAPPY|SAD; label_id=name label HAPPY:0|SAD:1 :: comment <- label :: sure
urdu corpus :: tab :: Tweet=ur 18; Class=one P|N|O :: Tweet <- Class :: sure
hindi names :: comma :: क्रमांक=row; टिप्पणी=hi 14; भावना=one खुशी|गुस्सा|दुख :: टिप्पणी <- भावना :: sure
bengali hate :: comma :: text=bn 15; label=one Personal|Political|Religious|Geopolitical; target=name label Personal:0|Political:1|Religious:2|Geopolitical:3 :: text <- label :: sure
ttc :: comma :: category=one ekonomi |siyaset |spor |kultur; text=tr 120 :: text <- category :: sure
ukr reviews :: comma :: Дата=date; Відгук=uk 25; Тональність=one позитивна|негативна :: Відгук <- Тональність :: sure
polemo :: tab, no header :: pl 40; one __label__meta_plus_m|__label__meta_minus_m|__label__meta_zero|__label__meta_amb :: 0 <- 1 :: sure
csfd :: semicolon :: komentář=cs 25; hodnocení=int 0-2 :: komentář <- hodnocení :: sure
opinhu :: comma :: Szöveg=hu 15; Címke=one pozitív|negatív :: Szöveg <- Címke :: sure
finnsentiment :: tab, no header :: one 0|1|-1; one 0|1|-1; one 0|1|-1; int 1-5; int 1-5; row; int 1-20; fi 14 :: 7 <- 0 or 3 or 4 or 1 or 2 :: ask
ogtd :: tab :: id=row; tweet=el 18; subtask_a=one OFF|NOT :: tweet <- subtask_a :: sure
hebrew :: tab, no header :: he 20; int 0-2 :: 0 <- 1 :: sure
europarl da :: comma :: =row; valence=rare .1 one -3|-2|-1|0|1|2|3; text=da 25 :: text <- valence
swedish :: comma :: Text=sv 20; Källa=one blogg|tidning; Känsla=one glad|arg|ledsen :: Text <- Känsla :: sure
dbrd :: comma :: label=one pos|neg; text=nl 80 :: text <- label :: sure
sentipolc :: comma :: idtwitter=big; subj=yn .6; opos=yn .3; oneg=yn .3; iro=yn .1; lpos=yn .3; lneg=yn .3; top=int 0-2; text=it 18 :: text <- subj or opos or oneg or top :: ask
allocine :: comma :: =row; film-url=url; review=fr 60; polarity=yn .5 :: review <- polarity :: sure
news category :: comma :: category=one POLITICS|WELLNESS|ENTERTAINMENT|TRAVEL; headline=en 9; authors=user; link=url; short_description=en 20; date=date :: short_description or headline <- category
liar :: tab, no header :: key 2635.json; one false|half-true|mostly-true|true|barely-true|pants-fire; en 18; one taxes|health-care|abortion,crime|elections; user; rare .7 one State representative|Senator|Governor; rare .8 one Texas|Florida|Ohio; one republican|democrat|none; skew 6; skew 9; skew 9; skew 9; skew 4; one a mailer|a floor speech.|a news release|an interview on CNN :: 2 <- 1 :: ask
babe :: semicolon :: text=en 30; news_link=url; outlet=one USA Today|Fox|Reuters|Breitbart; topic=one gun|taxes|elections-2020; type=one left|center|right; label_bias=one Biased|Non-biased|No agreement; label_opinion=one Entirely factual|Expresses writer's opinion; biased_words=list a|bad|evil :: text <- label_bias or label_opinion
emocontext :: tab :: id=row; turn1=en 5; turn2=en 5; turn3=en 5; label=one angry|happy|sad|others :: turn1 or turn2 or turn3 <- label
amazon us :: tab :: marketplace=one US; customer_id=int 10000-99999999; review_id=key R; product_id=key B0; product_parent=int 1000000-9999999; product_title=en 9; product_category=one Toys; star_rating=int 1-5; helpful_votes=skew 1; total_votes=skew 2; vine=one N|N|Y; verified_purchase=one Y|N; review_headline=en 4; review_body=en 40; review_date=date :: review_body <- star_rating :: sure
bitext :: comma :: flags=one B|BL|BIL|BCLZ|BLQ|BK; instruction=en 9; category=one ORDER|REFUND|ACCOUNT; intent=one cancel_order|get_refund|edit_account|track_order; response=en 60 :: instruction <- intent or category
germeval17 :: tab, no header :: url; de 30; one true|true|false; one positive|negative|neutral; one Allgemein:negative|Zugfahrt:negative|Ticket:positive :: 1 <- 3 or 4 or 2 :: ask
japanese hdr :: comma :: 番号=row; レビュー本文=ja 30; 感情ラベル=one 肯定|否定; 投稿日=date; いいね数=skew 3 :: レビュー本文 <- 感情ラベル :: sure
greek hdr :: semicolon :: Α/Α=row; Σχόλιο=el 15; Κατηγορία=one θετικό|αρνητικό|ουδέτερο :: Σχόλιο <- Κατηγορία :: sure
labelled measurement :: comma :: text=en 15; label=real 0 5 2; shop=one north|south :: refused label_is_measurement
price only :: comma :: text=en 15; price=real 0 50 2 :: refused no_label_column
told-br :: comma :: text=pt 14; homophobia=one 0|0|1|2|3; obscene=one 0|0|1|2|3; insult=one 0|0|1|2|3; racism=one 0|0|0|1; misogyny=one 0|0|1|2; xenophobia=one 0|0|0|1 :: text <- misogyny or homophobia or obscene :: ask
ethos :: semicolon :: comment=en 20; isHate=real 0 1 3 :: refused label_is_measurement
fb valence :: comma :: Anonymized Message=en 20; Valence1=int 1-9; Valence2=int 1-9; Arousal1=int 1-9; Arousal2=int 1-9 :: Anonymized Message <- Valence1 :: ask
datafiniti :: comma :: id=key AV; name=one Kindle|Echo|Fire; asins=key B0; brand=one Amazon; categories=en 14; primaryCategories=one Electronics|Hardware|Office; reviews.date=date; reviews.doRecommend=one TRUE|FALSE; reviews.numHelpful=skew 1; reviews.rating=int 1-5; reviews.text=en 30; reviews.title=en 4; reviews.username=user :: reviews.text <- reviews.rating or primaryCategories or reviews.doRecommend :: ask
steam :: comma :: app_id=int 10-400000; app_name=one Portal|Half-Life|Dota 2; review_text=en 30; review_score=one 1|-1; review_votes=yn .2 :: review_text <- review_score :: sure
silicone :: comma :: Dialogue_Act=one commissive|directive|inform|question; Dialogue_ID=int 1-90; Utterance=en 10; Idx=row; Label=name Dialogue_Act commissive:0|directive:1|inform:2|question:3 :: Utterance <- Label or Dialogue_Act
ru news corp :: tab :: текст=ru 40; рубрика=one спорт|экономика|мир; ссылка=url :: текст <- рубрика
ar reviews :: tab :: rating=int 1-5; review id=int 100-99999; user id=int 1-9999; book id=int 1-999; review=ar 40 :: review <- rating :: sure
labr no header :: tab, no header :: int 1-5; int 100000-99999999; int 10000-9999999; int 1000000-9999999; ar 40 :: 4 <- 0 :: sure
teacher :: semicolon :: Klasse=one 7a|7b|8c; Schüler=user; Text=de 40; Note=int 1-6 :: Text <- Note or Klasse :: ask
"""


def _cell(content: str, n: int, rng: random.Random) -> str:
    content_type, _, rest = content.partition(" ")
    options = rest.split("|")
    if content_type in WORDS:
        chosen = rng.choices(WORDS[content_type].split(), k=max(1, round(rng.gauss(int(rest), int(rest) / 4))))
        return ("" if content_type in WITHOUT_BLANKS else " ").join(chosen)
    if content_type == "rare":
        fraction, _, content = rest.partition(" ")
        return _cell(content, n, rng) if rng.random() < float(fraction) else ""
    if content_type == "few":  # several of the options, with the first of them between
        chosen = rng.sample(range(1, len(options)), rng.choice([1, 1, 1, 2, 2, 3]))
        return options[0].replace("_", " ").join(options[index] for index in sorted(chosen))
    if content_type in ("int", "real"):
        low, high, *places = rest.split() if content_type == "real" else rest.split("-")
        return f"{rng.uniform(float(low), float(high)):.{places[0]}f}" if places else str(rng.randint(int(low), int(high)))
    made = {
        "one": lambda: rng.choice(options),
        "list": lambda: str(rng.sample(options, rng.choice([1, 1, 2]))),
        "yn": lambda: str(int(rng.random() < float(rest))),
        "skew": lambda: str(int(rng.expovariate(1 / int(rest)))),
        "row": lambda: str(n),
        "key": lambda: f"{rest}{rng.randrange(10**7):07}",
        "big": lambda: str(567 * 10**15 + rng.randrange(10**15)),
        "uuid": lambda: "-".join(f"{rng.randrange(16**4):04x}" for _ in range(5)),
        "url": lambda: f"https://example.org/{rng.randrange(10**6)}",
        "user": lambda: f"{rng.choice(['mia', 'tom', 'ann', 'zoe'])}{rng.randrange(500)}",
        "date": lambda: f"20{rng.randint(10, 23)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "stamp": lambda: (
            f"Mon Apr {rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02} PDT 2009"
        ),
        "empty": lambda: "",
    }
    return made[content_type]()


def _data_set(dialect: str, columns: str, rows: int = 200) -> bytes:
    """``name label a:0|b:1``: a column equivalent to the column ``label``, in numbers."""
    delimiter, _, header = dialect.partition(", ")
    contents = columns.split("; ") if header else [column.partition("=")[2] for column in columns.split("; ")]
    titles = [column.partition("=")[0] for column in columns.split("; ")]
    out, rng = io.StringIO(), random.Random(7)
    writer = csv.writer(out, delimiter={"comma": ",", "tab": "\t", "semicolon": ";"}[delimiter], lineterminator="\n")
    if not header:
        writer.writerow(titles)
    for n in range(rows):
        cells: list[str] = []
        for content in contents:
            if content.startswith("name "):
                _, source, pairs = content.split(" ", 2)
                cells.append(dict(pair.split(":") for pair in pairs.split("|"))[cells[titles.index(source)]])
            else:
                cells.append(_cell(content, n, rng))
        writer.writerow(cells)
    return out.getvalue().encode()


@pytest.mark.parametrize("line", DATA_SETS.strip().split("\n"), ids=lambda line: line.partition(" :: ")[0])
def test_shape_of_a_published_data_set(line):
    _, dialect, specification, wanted, *confidence = line.split(" :: ")
    table = read_table(_data_set(dialect, specification))
    assert (len(table.columns), table.header) == (specification.count("; ") + 1, "no header" not in dialect)
    if wanted.startswith("refused "):
        with pytest.raises(UserError) as refusal:
            guess_columns(table)
        assert f"refused {refusal.value.code}" == wanted
        return
    text, _, label = wanted.partition(" <- ")
    columns = guess_columns(table)
    assert table.columns[columns.text] in text.split(" or ")
    assert table.columns[columns.label] in label.split(" or ")
    assert columns.confident or confidence != ["sure"]
    assert not columns.confident or confidence != ["ask"]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("text,isco", ("0110", "0210", "9112")),
        ("text,naics", ("100000", "100997", "101994")),
        ("text,soc_code", ("1100", "1200", "1300")),
        ("text,xyz", ("4711", "4712", "4713")),
        ("text,decade", ("1980", "1990", "2000")),
        ("text,year", ("1984", "1990", "2001")),
        ("text,group", ("2025-01-03", "2025-04-06", "7+")),
        ("text,age band", ("03. Jan", "06. Apr", "7+")),
        ("text,gender", ("m", "f", "x")),
    ],
)
def test_codes_decades_and_dates_beside_a_text_are_an_unsure_label(header, values):
    table = table_of(header, lambda n: f"{SENTENCES[n]},{values[n % 3]}")
    columns = guess_columns(table)
    assert (columns.label, columns.confident) == (1, header == "text,isco" or header == "text,naics")


def test_dates_under_the_name_of_a_label_are_taken_unsure():
    table = table_of("text,label", lambda n: f"{SENTENCES[n]},2025-01-{n % 3 + 10}")
    assert names(table) == ("text", "label", False)


def test_a_refusal_names_the_dates():
    with pytest.raises(UserError, match="“sent on”, “seen on” hold dates"):
        guess_columns(table_of("text,sent on,seen on", lambda n: f"{SENTENCES[n]},2025-01-{n % 28 + 1:02},2024-01-{n % 28 + 1:02}"))


def test_an_annotation_is_a_label_and_its_status_is_not():
    table = table_of(
        "text,annotation,annotation_agent,status",
        lambda n: f"{SENTENCES[n]},{('good', 'bad')[n % 2]},ada,{('Default', 'Validated')[n % 3 > 0]}",
    )
    assert names(table)[1] == "annotation"
    assert names(table_of("sentence,annotation", lambda n: f"{SENTENCES[n]},{n % 3}")) == ("sentence", "annotation", False)


def test_a_class_called_na_is_counted():
    table = table_of("text,area", lambda n: f"{SENTENCES[n]},{('NA', 'EU', 'APAC')[n % 3]}")
    assert guess_columns(table).label_reason.startswith("3 different values")


def test_labels_on_the_first_row_of_each_block_are_found():
    table = table_of("category,comment", lambda n: f"{('bad', 'good', 'meh')[n // 10] if n % 10 == 0 else ''},{SENTENCES[n]}")
    assert names(table)[:2] == ("comment", "category")


def test_invisible_characters_around_names():
    table = table_of("\u200btext\u200b,\xa0label\xa0,\u200fmood\u200e", lambda n: f"{SENTENCES[n]},{n % 3},{n}")
    assert table.columns == ("text", "label", "mood")


def test_four_hundred_columns():
    header = ",".join(["text", "label", *(f"f{k}" for k in range(398))])
    table = table_of(header, lambda n: ",".join([SENTENCES[n], ("good", "bad", "meh")[n % 3], *(f"{(n * k) % 97}.5" for k in range(398))]))
    assert names(table) == ("text", "label", True)


@pytest.mark.parametrize("values", [("3-Jan", "6-Apr", "10-Jul"), ("18-24", "25-34", "35+"), ("FR", "DE", "IT")])
@pytest.mark.parametrize("name", ["age", "age group"])
def test_the_only_column_that_can_be_the_label_is_taken_unsure(name, values):
    table = table_of(f"id,comment,{name},date", lambda n: f"{n},{SENTENCES[n]},{values[n % 3]},2025-0{n % 9 + 1}-{n % 19 + 10}")
    assert names(table) == ("comment", name, False)


def test_names_beside_a_few_values_are_texts():
    first, last = ("Ra", "Zu", "To", "Lo", "Pe", "Mi"), ("ton", "ria", "lock", "la", "rd")
    table = table_of("name,gender", lambda n: f"{first[n % 6]}{last[n % 5]},{'MF'[n % 2]}")
    assert names(table) == ("name", "gender", False)
    with pytest.raises(UserError):
        guess_columns(table_of("id,gender", lambda n: f"B00{n}E,{'MF'[n % 2]}"))


def test_stars_are_preferred_to_titles_that_come_again():
    rows = [f"nice thing {n % 12},this is sentence number {n} about the things,{n % 5 + 1}" for n in range(40)]
    columns = guess_columns(read_table("\n".join(["Titel,Bewertungstext,Sterne", *rows]).encode()))
    assert (columns.text, columns.label) == (1, 2)
