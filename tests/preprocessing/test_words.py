"""What becomes a token."""

import pytest
import tensorflow as tf

from zoo.preprocessing import Words, truncation


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


@pytest.mark.parametrize("option", ["punctuation", "markup"])
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
