"""Tables of words that occur in column names, in a few dozen languages. Only data: names.py scores names, preamble.py finds headers."""

TEXT_WORDS = frozenset(
    # English
    "text texts tweet tweets message messages msg sms comment comments review reviews utterance utterances sentence sentences content body "
    "contents description post posts question questions query document statement feedback reply answer response transcript lyrics article passage situation "
    "phrase premise hypothesis quote paragraph abstract news story email command plot synopsis dialogue prompt instruction essay complaint "
    "narrative excerpt claim request note notes verbatim remark chat resume input "
    # German, Dutch, Scandinavian
    "satz kommentar nachricht beitrag inhalt aussage antwort bewertungstext äußerung zin bericht opinie reactie "
    "mening kommentarer sætning innhold setning melding "
    # Romance
    "texte phrases commentaire avis contenu contenus énoncé texto frase frases comentario comentarios mensaje reseña contenido opinión "
    "testo commento messaggio recensione contenuto mensagem comentário comentários avaliação conteúdo textul comentariu recenzie "
    # Slavic, Baltic, Finno-Ugric, Greek
    "tekst treść opinia komentarz wiadomość wypowiedź zdanie komentář věta zpráva recenze komentár veta komentar rečenica "
    "текст тексты сообщение комментарий отзыв предложение коментар відгук повідомлення речення изречение "
    "teksti lause viesti kommentti arvostelu szöveg mondat vélemény κείμενο σχόλιο πρόταση κριτική tekstas sakinys teksts tekstai "
    # Turkish, Semitic, Iranian, Indic
    "metin yorum yorumlar mesaj cümle görüş mətn نص النص تعليق تغريدة جملة رسالة متن نظر دیدگاه کامنت جمله توییت جملہ تبصرہ ٹویٹ "
    "טקסט תגובה משפט ציוץ ביקורת पाठ वाक्य टिप्पणी समीक्षा ट्वीट संदेश মন্তব্য বাক্য লেখা পাঠ্য உரை கருத்து వాక్యం "
    # Asia and Africa
    "文本 内容 评论 評論 句子 正文 本文 微博 问题 問題 留言 テキスト 文章 文 発話 コメント 投稿 レビュー 텍스트 문장 내용 리뷰 댓글 발화 "
    "ข้อความ ความคิดเห็น ประโยค รีวิว văn nội_dung bình_luận câu ulasan komentar kalimat teks isi kicauan maandishi ujumbe ጽሑፍ rubutu".split()
)
WEAK_TEXT_WORDS = frozenset(
    "title headline headlines subject summary titel betreff titre sujet título titolo tytuł заголовок "
    "标题 標題 タイトル 제목 عنوان başlık judul".split()
)
# A second text beside the text, such as its context or an explanation of it.
SECONDARY_TEXT_WORDS = frozenset(
    "parent previous context reply answer response replied quoted selected explanation rationale reason evidence bot agent".split()
)

LABEL_WORDS = {
    **dict.fromkeys(
        "label labels class classes category categories intent intents intention emotion emotions tag gold stance "
        "étiquette étiquettes label classe catégorie émotion klasse kategorie etikett gefühl emotie klass kategori känsla luokka tunne "
        "etiqueta clase categoría emoción etichetta categoria emozione rótulo emoção etichetă categorie emoție "
        "klasa kategoria etykieta emocja štítek třída kategória címke érzelem sınıf etiket kategori duygu durum duygular "
        "метка метки класс категория эмоция эмоции мітка клас категорія емоція етикет ετικέτα κατηγορία συναίσθημα κλάση "
        "标签 標籤 类别 類別 分类 分類 情绪 情緒 情感 类型 ラベル カテゴリ カテゴリー 感情 라벨 레이블 감정 카테고리 분류 의도 "
        "تصنيف التصنيف فئة الفئة برچسب احساس احساسات دسته جذبات תווית קטגוריה רגש लेबल वर्ग भावना श्रेणी লেবেল শ্রেণী আবেগ வகை உணர்வு "
        "ป้ายกำกับ อารมณ์ หมวดหมู่ nhãn cảm_xúc chủ_đề emosi kelas hisia".split(),
        3.0,
    ),
    **dict.fromkeys(
        "target sentiment sentiments sentimen polarity tonality stimmung polarité sentimiento sentimento wydźwięk тональность сентимент "
        "настроение polarita sentyment polarität tendenz المشاعر 情感倾向 感情極性 감성 극성".split(),
        2.75,
    ),
    **dict.fromkeys("topic topics mood feeling valence thema sujet tema тема 主题 主題 トピック 주제 konu topik".split(), 2.25),
    **dict.fromkeys(
        "hate hateful offensive offense abuse abusive toxic toxicity sarcasm sarcastic irony ironic spam ham fake clickbait bias veracity "
        "verdict misogyny aggression bullying humor humour subtask task outcome".split(),
        1.5,
    ),
    **dict.fromkeys(
        "type genre kind y rating ratings stars star score grade note bewertung puan sterne notation nota ocena estrellas estrelas stelle étoiles "
        "gwiazdki yıldız рейтинг оценка 评分 星级 評価 평점 별점 bereich département domain priority severity "
        "urgency level queue department recommended recommend".split(),
        1.0,
    ),
    # What annotation tools call it (Prodigy, spaCy, Label Studio).
    **dict.fromkeys("accept cats choice choices".split(), 2.25),
    **dict.fromkeys("flair flairs".split(), 1.45),
    **dict.fromkeys("annotation annotations".split(), 1.2),
    # Classifications of occupations, industries, products, patents and diseases.
    **dict.fromkeys("isco naics nace isic soc sic cpv cpc ipc icd hs unspsc ateco noga kldb wz rome".split(), 1.45),
    # As often the status of a record or of an answer sheet.
    **dict.fromkeys("status progress".split(), 0.25),
}
RATING_WORDS = frozenset(
    "rating ratings stars star score note bewertung puan sterne notation nota ocena estrellas estrelas stelle étoiles gwiazdki yıldız "
    "рейтинг оценка 评分 星级 評価 평점 별점".split()
)

# How many, when, how certain: never a label, even next to a label word ("sentiment_confidence").
MEASURE_WORDS = frozenset(
    "confidence probability prob agreement count counts length len size words chars punct date datetime time timestamp created "
    "updated url link links href lat lon latitude longitude retweets retweet likes favorites favorite favourites upvotes downvotes ups downs "
    "votes avg mean std sd helpful helpfulness thumbs num price amount weight version start end duration year month day hour "
    "datum jahr monat anzahl länge zeit fecha tarih data_hora дата время 日時 日付 时间 時間 日期 长度 点赞 날짜 길이 시간 تاريخ".split()
)
# Who, where, which one: a label only if a label word is next to it ("label_id").
IDENTITY_WORDS = frozenset(
    "id ids uid uuid guid key index idx no nr number row rownum rowid season episode author user username userid users speaker name "
    "surname firstname lastname screen_name person annotator annotators agent rater worker coder sex gender age city country state "
    "region location place religion language lang locale source website site publisher journal email mail phone split splits set subset "
    "usage fold folds kfold partition ip zip company brand artist album singer song dataset corpus platform channel reviewer timezone coord birth "
    "alter geschlecht stadt land sprache autor auteur âge ville pays langue edad sexo ciudad país idioma imię wiek płeć "
    "автор имя возраст пол город номер пользователь 编号 序号 用户 用户名 昵称 作者 性别 年龄 地区 城市 번호 작성자 성별 나이 رقم المستخدم kullanıcı".split()
)
TOPIC_WORDS = frozenset(
    "category categories class classes type genre kind department domain tag topic klasse classe clase klasa kategorie catégorie categoría categoria".split()
)
# The label of something else, or of one annotator: "product_category", "annotator_label".
FOREIGN_LABEL_WORDS = frozenset(
    "annotator annotators agent rater worker coder predicted prediction pred old original product item site brand".split()
)
SPLIT_WORDS = frozenset("split splits set subset fold partition usage phase".split())
REVIEW_WORDS = frozenset(
    "review reviews comment comments avis reseña recensione bewertungstext rezension avaliação opinia 评论 отзыв レビュー 리뷰 yorum ulasan".split()
)
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Columns that survey tools (Qualtrics, SurveyMonkey) put before the answers; in other files some of these names mean something else.
SURVEY_NAMES = frozenset(
    "startdate enddate status ipaddress progress durationinseconds finished recordeddate responseid recipientlastname recipientfirstname "
    "recipientemail externalreference externaldatareference locationlatitude locationlongitude distributionchannel userlanguage "
    "respondentid collectorid datecreated datemodified emailaddress firstname lastname customdata1".split()
)
KNOWN_WORDS = TEXT_WORDS | WEAK_TEXT_WORDS | LABEL_WORDS.keys() | RATING_WORDS | MEASURE_WORDS | IDENTITY_WORDS

# The column names that are rare as values, so that they identify a header.
HEADER_WORDS = frozenset(
    "text texts label labels label_name category class target id sentiment emotion message tweet comment review sentence utterance content "
    "intent topic title split date name texte étiquette catégorie classe satz klasse kategorie stimmung nachricht texto etiqueta categoría "
    "clase testo etichetta categoria tekst klasa текст метка класс категория 文本 标签 类别 テキスト ラベル 텍스트 라벨".split()
)
