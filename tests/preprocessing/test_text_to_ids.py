"""Raw text to ids and back."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.preprocessing import IdsToText, TextToIds, TokenSequences

TEXTS = ["b a a", "a c b", "", "rare"]


def rows(sequences):
    return [sequences[i].tolist() for i in range(len(sequences))]


def test_the_vocabulary_is_ordered_by_count_then_by_bytes():
    layer = TextToIds()
    assert rows(layer.adapt(TEXTS)) == [[5, 4, 4], [4, 6, 5], [1], [7]]
    assert layer.vocabulary == ["", "[UNK]", "[START]", "[END]", "a", "b", "c", "rare"]


def test_the_vocabulary_is_bounded_by_size_and_by_count():
    assert TextToIds(vocabulary_size=6).adapt(TEXTS).ids.tolist() == [5, 4, 4, 4, 1, 5, 1, 1]
    layer = TextToIds(minimum_count=2)
    layer.adapt(TEXTS)
    assert layer.vocabulary[4:] == ["a", "b"]


def test_counts_are_right_over_many_chunks():
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(list("abcdefg"), 5)) for _ in range(5000)]
    layer = TextToIds()
    ids = layer.adapt(texts)
    counted = collections.Counter(" ".join(texts).split())
    assert layer.vocabulary[4:] == sorted(counted, key=lambda t: (-counted[t], t))
    np.testing.assert_array_equal(layer.encode(texts).ids, ids.ids)
    np.testing.assert_array_equal(layer(tf.constant(texts)).numpy().reshape(-1), ids.ids)


@pytest.mark.parametrize(
    ("truncation", "expected"), [("start", "abcd"), ("end", "efgh"), ("both", "abgh")]
)
def test_truncation(truncation, expected):
    layer = TextToIds(
        level="character", vocabulary="abcdefgh", sequence_length=4, truncation=truncation
    )
    back = IdsToText.from_text_to_ids(layer)
    assert back(layer(["abcdefgh"])).numpy()[0].decode() == expected
    assert back(layer(["abc", "abcd"])).numpy().tolist() == [b"abc", b"abcd"]


def test_start_and_end():
    layer = TextToIds(level="character", vocabulary="ab", add_start=True, add_end=True)
    assert layer(["ab", ""]).numpy().tolist() == [[2, 4, 5, 3], [2, 3, 0, 0]]


def test_a_text_without_tokens_is_one_unknown_token():
    layer = TextToIds(vocabulary=["a"])
    assert layer(["", " \n", "a a"]).numpy().tolist() == [[1, 0], [1, 0], [4, 4]]
    assert layer(tf.constant([], tf.string)).shape == (0, 1)


def test_special_names_in_a_text_are_no_special_tokens():
    layer = TextToIds(level="word", punctuation="keep", vocabulary=["[", "]", "end"])
    assert layer(["[END]"]).numpy().tolist() == [[4, 6, 5]]


def test_a_new_layer_from_the_config_reads_the_same():
    layer = TextToIds(sequence_length=3, truncation="both", add_start=True, punctuation="drop")
    layer.adapt(TEXTS)
    again = TextToIds(**layer.get_config())
    np.testing.assert_array_equal(again(TEXTS), layer(TEXTS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "sentence"}, "level must be one of word, character; it is 'sentence'"),
        ({"truncation": "middle"}, "truncation must be one of"),
        ({"punctuation": "none"}, "punctuation must be one of"),
        ({"vocabulary_size": 4}, "must be above that; it is 4"),
        ({"sequence_length": 0}, "at least 1; it is 0"),
        ({"vocabulary": []}, "vocabulary is empty"),
        ({"vocabulary": ["a", "a"]}, "holds a token twice"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TextToIds(**arguments)


def test_texts_without_a_single_token_are_refused():
    with pytest.raises(ValueError, match="no text held a single token"):
        TextToIds().adapt(["", "  "])
    with pytest.raises(ValueError, match="no vocabulary yet"):
        TextToIds()(["a"])


# What a text may hold but lone surrogates, which are not text.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY_TEXT.filter(bool), min_size=1, max_size=4))
def test_characters_come_back_exactly(texts):
    layer = TextToIds(level="character")
    layer.adapt(texts)
    back = IdsToText.from_text_to_ids(layer)
    assert [text.decode() for text in back(layer(texts)).numpy()] == texts


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(ANY_TEXT, st.binary(max_size=30)), min_size=1, max_size=4))
def test_any_bytes_give_valid_ids(texts):
    layer = TextToIds(vocabulary=["a", "b"], sequence_length=7)
    ids = layer(texts).numpy()
    assert ids.shape[0] == len(texts) and 1 <= ids.shape[1] <= 7
    assert ((ids >= 0) & (ids < 6)).all() and (ids[:, 0] > 0).all()
    assert rows(layer.encode(texts)) == [row[row > 0].tolist() for row in ids]


def test_sequences_are_padded_on_the_right_to_a_multiple():
    sequences = TokenSequences(np.arange(1, 7, dtype="int32"), [3, 1, 2])
    np.testing.assert_array_equal(sequences.padded(np.array([2, 0])), [[5, 6, 0], [1, 2, 3]])
    assert sequences.padded(np.array([1]), multiple_of=4).tolist() == [[4, 0, 0, 0]]
    with pytest.raises(ValueError, match="add up to 2, the ids are 6"):
        TokenSequences(np.arange(6), [1, 1])
