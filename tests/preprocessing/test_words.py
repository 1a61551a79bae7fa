"""What becomes a token."""

import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from zoo.preprocessing import Words, truncation
from zoo.preprocessing.composition import compose
from zoo.preprocessing.spacing import JOINER


def tokens(text, **options):
    return Words(**options).tokens(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It isn't bad.", ["it", "isn't", "bad", "."]),
        ("a<br /><br/>b <i>c</i> 1 < 2", ["a", "b", "c", "1", "<", "2"]),
        ("'quoted', well-made", ["'", "quoted", "'", ",", "well", "-", "made"]),
        ("8/10 ****", ["8", "/", "10", *"****"]),
        ("ÄRGER\u00a0\u3000ist\u200bda", ["ärger", "ist", "da"]),
        ("我喜欢 films", ["我", "喜", "欢", "films"]),
        ("ok 😀🎬!", ["ok", "😀", "🎬", "!"]),
        (b"caf\xe9 \xff", ["caf\ufffd", "\ufffd"]),
        ("", []),
        (" \t\n", []),
    ],
)
def test_words(text, expected):
    # U+FFFD is a symbol, and so a token of its own.
    expected = [part for token in expected for part in token.replace("\ufffd", " \ufffd").split()]
    assert tokens(text) == expected


def test_expressive_keeps_marks_that_carry_an_opinion():
    assert tokens("Great!!! 'Why', 9/10 — $5; 😀", punctuation="expressive") == (
        ["great", "!", "!", "!", "why", "9", "/", "10", "5", "😀"]
    )


def test_drop_leaves_words_alone():
    assert tokens("Great!!! It isn't: 9/10 — $5; 😀", punctuation="drop") == (
        ["great", "it", "isn't", "9", "10", "5"]
    )


def test_case_and_markup_stay_where_asked():
    assert tokens("A <b>", lowercase=False, markup="keep") == ["A", "<", "b", ">"]


@pytest.mark.parametrize("option", ["punctuation", "markup", "whitespace"])
def test_an_unknown_treatment_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be one of .*; it is 'none'"):
        Words(**{option: "none"})


def test_words_are_joined_as_english_is_written():
    words = tf.ragged.constant([["it", "isn't", "bad", ",", "(", "no", ")", "!", "!"], []])
    assert Words().join(words).numpy().tolist() == [b"it isn't bad, (no)!!", b""]


@pytest.mark.parametrize("most_bytes", [1, 4, 5])
def test_a_text_is_cut_to_a_number_of_bytes(most_bytes):
    texts = [b"", b"a", b"abcd", b"abcde", b"0123456789"]
    half = most_bytes // 2
    expected = {
        "start": [text[:most_bytes] for text in texts],
        "end": [text[max(len(text) - most_bytes, 0) :] for text in texts],
        "both": [
            text if len(text) <= most_bytes else text[:half] + text[half - most_bytes :]
            for text in texts
        ],
    }
    for kept, answers in expected.items():
        given = truncation.shorten(tf.constant(texts), most_bytes, kept)
        assert given.numpy().tolist() == answers
        assert truncation.shorten(tf.constant([], tf.string), most_bytes, kept).shape == (0,)


# Canonical text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "don\u2019t \u02bcn\u2018t don`t don\u00b4t don\x92t",
            ["don't", "'", "n't", "don't", "don't", "don't"],
        ),
        (
            "l'\u00e9t\u00e9, \u0434\u2019\u0456 rock\u2019n\u2019roll",
            ["l'été", ",", "д'\u0456", "rock'n'roll"],
        ),
        ("cafe\u0301 \u212bngstro\u0308m", ["café", "ångström"]),
        ("\u1112\u1161\u11ab \u304b\u3099", ["한", "が"]),
        ("ex\u00adam\u200bple wo\u2060rd \ufeffend", ["exam", "ple", "word", "end"]),
        (
            "\uff27\uff4f\uff4f\uff44\uff01\u3000\uff76\uff9e \u597d\uff01",
            ["good", "!", "ガ", "好", "\uff01"],
        ),
        ("\ufb01ne \ufb02ow \ufe8d", ["fine", "flow", "\u0627"]),
        ("\u0130stanbul I\u0307stanbul istanbul", ["istanbul"] * 3),
        (
            "Tom &amp; Jerry&nbsp;&lt;3 caf&eacute; &#39;a&#x27; &#150;",
            ["tom", "&", "jerry", "<", "3", "café", "'", "a", "'", "–"],
        ),
        ("AT&T &nope; &lt;br&gt;", ["at", "&", "t", "&", "nope", ";", "<", "br", ">"]),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 a\u200d. \u200cb",
            ["می\u200cخو\u0627\u0647م", "a", ".", "b"],
        ),
        ("\u0d05\u0d35\u0d28\u0d4d\u200d x", ["അവന്\u200d", "x"]),
        (
            "x <y and z> w, a <b and c> d",
            ["x", "<", "y", "and", "z", ">", "w", ",", "a", "<", "b", "and", "c", ">", "d"],
        ),
        ("a<BR>b<a href='x' >c</a ><!-- no --><p align=left nowrap>d", ["a", "b", "c", "d"]),
        (
            "see https://ex.org/a_b?c=1&d=2. me@ex.org",
            ["see", "https://ex.org/a_b?c=1&d=2", ".", "me@ex.org"],
        ),
        (
            "👩\u200d🚀👍🏽 \u2764\ufe0f 🇩🇪 1\ufe0f\u20e3",
            ["👩\u200d🚀", "👍🏽", "❤️", "🇩🇪", "1️⃣"],
        ),
    ],
)
def test_what_reads_the_same_is_the_same_token(text, expected):
    assert tokens(text) == expected
    spans = Words().spans(text)
    assert [token for token, _, _ in spans] == expected
    assert all(begin < end for _, begin, end in spans)


def test_marks_of_opinion_are_those_of_any_width_and_colour():
    text = "好\uff01 \U0001f44d\U0001f3fd \u2764\ufe0f \u2764 \U0001f469\u200d\U0001f680"
    assert tokens(text, punctuation="expressive") == ["好", "!", "👍", "❤", "❤", "👩\u200d🚀"]


def test_markup_that_is_kept_is_text():
    assert tokens("a &amp; <br />", markup="keep") == ["a", "&", "amp", ";", "<", "br", "/", ">"]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Don\u2019t go", ["Don\u2019t", "go"]),
        ("a caf&eacute; &amp; <b>b</b>", ["a", "caf&eacute;", "&amp;", "b"]),
        ("cafe\u0301 ex\u00adam", ["cafe\u0301", "ex\u00adam"]),
        ("\uff27\uff4f\uff01 \ufb01ne", ["\uff27\uff4f", "\uff01", "\ufb01ne"]),
        ("\u0130s \U0001f44d\U0001f3fd!", ["\u0130s", "\U0001f44d\U0001f3fd", "!"]),
    ],
)
def test_a_canonical_token_is_found_in_the_text_as_it_was_typed(text, spans):
    assert [text[begin:end] for _, begin, end in Words().spans(text)] == spans


def test_composed_texts_are_those_of_unicode():
    random = np.random.default_rng(0)
    alphabet = (
        "aeEuAn\u03c3\u03b9\u0438\u0415\u212b\u0958\u0344\u0e01\u0f71\u0f73\u1100\u1161\u11a8"
    )
    alphabet += "가각\u3046\u3099"
    alphabet += "\u0301\u0300\u0323\u031b\u0308\u0327\u0345\u093c\u0306\u0302"
    texts = ["".join(random.choice(list(alphabet), 6)) for _ in range(300)]
    composed = [text.decode() for text in compose(tf.constant(["", *texts])).numpy()]
    assert composed == ["", *(unicodedata.normalize("NFC", text) for text in texts)]


# White space


@pytest.mark.parametrize(
    "text",
    [
        "这部电影很好看\uff0c我喜欢2024年的“她”。",
        "この映画はとても面白い。カッコいいラーメン!",
        "หนังเรื่องนี้ดีมาก",
        "It costs $3.14 or 1,000.50 at 10:30, i.e. 8/10 (well-made)!!",
        "see https://ex.org/a_b?c=1&d=2#x, or me@ex.org",
        "👩\u200d👩\u200d👧👍🏽❤️🇩🇪 ok",
        "यह अच्छी है। \u0647ل؟",
    ],
)
def test_what_is_split_without_a_space_is_joined_without_one(text):
    for whitespace in ("drop", "keep"):
        words = Words(lowercase=False, whitespace=whitespace)
        assert words.join(words.split(tf.constant([text]))).numpy()[0].decode() == text


PROGRAM = """def f(x, y=1.5):
\tif x != y[0]:  # it's "odd"

\t\treturn a_b - -c ** 2
    print('x'  , "y" )
  3 .5 3. 5 ... ( a ) \u2014b
"""


def test_a_program_comes_back_with_its_lines_and_indentation():
    words = Words(lowercase=False, whitespace="keep")
    joined = words.join(
        words.split(tf.constant([PROGRAM, " a  b \n", PROGRAM.replace("\n", "\r\n")]))
    )
    assert [text.decode() for text in joined.numpy()] == [PROGRAM, " a  b \n", PROGRAM]
    assert words.tokens("a\n\t\tb, c ,d(e) ") == [
        *["a", "\n", "\t\t", "b", ",", "c", " ", ",", JOINER, "d", JOINER, "(", "e", ")"]
    ]


def test_a_text_is_continued_as_if_written_at_once():
    words = Words(lowercase=False, whitespace="keep")
    split = words.split(tf.constant([PROGRAM]))
    tokens = split[0].numpy().tolist()
    # What no text shows is no end of one.
    hidden = (b" ", JOINER.encode())
    places = [i for i in range(1, len(tokens)) if tokens[i - 1] not in hidden]
    begun = words.join(tf.concat([split[:, :place] for place in places], axis=0))
    rest = tf.concat([split[:, place:] for place in places], axis=0)
    assert words.append(begun, rest).numpy().tolist() == [PROGRAM.encode()] * len(places)
    given = tf.constant(["The ", "The", "\u597d", "3.", "", "a\n"])
    rest = tf.ragged.constant([["film"], ["film"], ["\u597d"], ["5"], ["A"], ["b"]])
    assert [text.decode() for text in words.append(given, rest).numpy()] == [
        *["The film", "The film", "\u597d\u597d", "3.5", "A", "a\nb"]
    ]
