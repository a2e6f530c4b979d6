import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.text.sentences import Sentence, join_sentences, split_sentences

CASES = [
    "The cat sat. | The dog ran! | Why?",
    "Mr. Smith met Dr. J. R. Jones at 3.14 p.m. on Main St. | He left.",
    "Visit example.com or e.g. the U.S. Army. | Then rest.",
    "He lives in the U.S. | He likes it.",
    "We bought apples, pears, etc. | The bill came later.",
    '"Why?" he asked. | "No!" | She left.',
    "He said (quietly.) | Then he left.",
    "So do I. | You too?",
    "No. | I said No. 5, on p. 12. | Tell me. | Then go.",
    "1. Introduction | 2. Methods".replace(" | ", "\n"),
    "It was in 1999. | Then it ended.",
    "Wait... what? | Yes… | Well.",
    "Yahoo! is a company.",
    "Il a dit : « Viens. » | Puis il est parti. | Vraiment ?",
    "M. Dupont et Mme. Durand sont là. | Ils attendent.",
    "Am 3. Mai kam z.B. Herr Dr. Meier. | Er blieb.",
    "»Komm.« | Er kam.",
    "¿Qué tal? | ¡Muy bien!",
    "고양이가 앉았다. | 개가 뛰었다! | 왜?",
    "यह एक बिल्ली है। | वह बैठी है।",
    "هل أنت بخير؟ | نعم.",
    "Привет. | Как дела? | А. С. Пушкин писал.",
    "",
]


@pytest.mark.parametrize("case", CASES)
def test_known_texts(case):
    expected = [part for line in case.split("\n") for part in line.split(" | ") if part]
    assert [s.text for s in split_sentences(case.replace(" | ", " "))] == expected


def test_scripts_without_spaces():
    assert [s.text for s in split_sentences("猫が座った。「犬だ！」と言った？はい。")] == [
        "猫が座った。",
        "「犬だ！」",
        "と言った？",
        "はい。",
    ]


def test_paragraphs_lists_and_spaces_come_back():
    text = "\n  A title\n\n\tFirst item.  Second one.\r\n- third\n\n"
    sentences = split_sentences(text)
    assert [s.text for s in sentences] == ["", "A title", "First item.", "Second one.", "- third"]
    assert join_sentences(sentences) == text


@given(st.text(st.sampled_from("aB.!?…。 \n\r\u2028»\"'1Iम।")))
def test_nothing_is_lost(text):
    sentences = split_sentences(text)
    assert "".join(s.text + s.gap for s in sentences) == text
    assert all(s.text == s.text.strip() and s.gap.strip() == "" for s in sentences)
    assert all(s.text for s in sentences[1:])
    assert not any("\n" in s.text for s in sentences)


@given(st.text())
def test_any_text_can_be_split(text):
    assert "".join(s.text + s.gap for s in split_sentences(text)) == text


def test_joining_minds_the_script():
    chinese = split_sentences("猫坐着。狗跑了。")
    english = [Sentence(t, s.gap) for t, s in zip(["The cat sat.", "The dog ran."], chinese, strict=True)]
    assert join_sentences(english) == "The cat sat. The dog ran."
    korean = [Sentence("앉았다.", " "), Sentence("뛰었다.", "")]
    assert join_sentences(korean) == "앉았다. 뛰었다."
    assert join_sentences([Sentence("猫。", "\n\n"), Sentence("犬。", "")]) == "猫。\n\n犬。"


def test_long_texts_take_linear_time():
    assert len(split_sentences("Dr. " * 20000)) == 1
    assert len(split_sentences("One. " * 20000)) == 20000
    for run in (" ", ".", "!", '."', "。", "A."):
        assert len(split_sentences("a" + run * 40000 + "b")) >= 1
