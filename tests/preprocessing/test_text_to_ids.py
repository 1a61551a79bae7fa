"""Raw text to ids and back."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.preprocessing import Characters, IdsToText, TextToIds, TokenSequences, Words

TEXTS = ["b a a", "a c b", "", "rare"]


def rows(sequences):
    return [sequences[i].tolist() for i in range(len(sequences))]


def test_the_vocabulary_is_ordered_by_count_then_by_bytes():
    layer = TextToIds()
    assert rows(layer.adapt(TEXTS)) == [[5, 4, 4], [4, 6, 5], [1], [7]]
    assert layer.vocabulary == ["", "[UNK]", "[START]", "[END]", "a", "b", "c", "rare"]


def test_the_vocabulary_is_bounded_by_size_and_by_count():
    assert TextToIds(vocabulary_size=6).adapt(TEXTS).ids.tolist() == [5, 4, 4, 4, 1, 5, 1, 1]
    layer = TextToIds(min_frequency=2)
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
        tokenizer="character", vocabulary="abcdefgh", sequence_length=4, truncation=truncation
    )
    back = IdsToText.from_text_to_ids(layer)
    assert back(layer(["abcdefgh"])).numpy()[0].decode() == expected
    assert back(layer(["abc", "abcd"])).numpy().tolist() == [b"abc", b"abcd"]


def test_start_and_end():
    layer = TextToIds(tokenizer="character", vocabulary="ab", add_start=True, add_end=True)
    assert layer(["ab", ""]).numpy().tolist() == [[2, 4, 5, 3], [2, 3, 0, 0]]


def test_a_text_without_tokens_is_one_unknown_token():
    layer = TextToIds(vocabulary=["a"])
    assert layer(["", " \n", "a a"]).numpy().tolist() == [[1, 0], [1, 0], [4, 4]]
    assert layer(tf.constant([], tf.string)).shape == (0, 1)


def test_special_names_in_a_text_are_no_special_tokens():
    layer = TextToIds(tokenizer="word", vocabulary=["[", "]", "end"])
    assert layer(["[END]"]).numpy().tolist() == [[4, 6, 5]]


def test_a_new_layer_from_the_config_reads_the_same():
    layer = TextToIds(
        sequence_length=3, truncation="both", add_start=True, tokenizer=Words(punctuation="drop")
    )
    layer.adapt(TEXTS)
    again = TextToIds(**layer.get_config())
    np.testing.assert_array_equal(again(TEXTS), layer(TEXTS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"tokenizer": "sentence"},
            "Unknown tokenizer 'sentence': expected one of character, word",
        ),
        ({"truncation": "middle"}, "truncation must be one of"),
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
    with pytest.raises(ValueError, match="no text contains a token"):
        TextToIds().adapt(["", "  "])
    with pytest.raises(ValueError, match="no vocabulary yet"):
        TextToIds()(["a"])


# What a text may hold but lone surrogates, which are not text.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY_TEXT.filter(bool), min_size=1, max_size=4))
def test_characters_come_back_exactly(texts):
    layer = TextToIds(tokenizer="character")
    layer.adapt(texts)
    back = IdsToText.from_text_to_ids(layer)
    assert [text.decode() for text in back(layer(texts)).numpy()] == texts


@settings(max_examples=40, deadline=None)
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


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.data(), st.integers(1, 9))
def test_rows_are_padded_as_one_by_one(lengths, data, multiple_of):
    sequences = TokenSequences(np.arange(1, sum(lengths) + 1, dtype="int32"), lengths)
    indices = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1))), "int64")
    expected = [sequences[index].tolist() for index in indices]
    matrix = sequences.padded(indices, multiple_of)
    assert matrix.dtype == "int32" and matrix.shape[1] % multiple_of == 0
    assert [row[: len(ids)].tolist() for row, ids in zip(matrix, expected, strict=True)] == expected
    assert matrix.sum() == sum(map(sum, expected))
    assert matrix.shape[1] - multiple_of < max(map(len, expected), default=0) or (
        matrix.shape[1] == multiple_of
    )
    assert rows(sequences.take(indices)) == expected


WORDS = [
    "a",
    "dog",
    "isn't",
    "8",
    "we",
    ",",
    ".",
    "!",
    "?",
    ";",
    ":",
    "%",
    "(",
    ")",
    "$",
    "-",
    "我",
    "😀",
]
SENTENCES = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=5, max_size=30)


@settings(max_examples=12, deadline=None)
@given(SENTENCES)
def test_words_that_are_written_are_read_as_the_same_ids(sentences):
    layer = TextToIds(
        vocabulary=WORDS, tokenizer=Words(lowercase=False), add_start=True, add_end=True
    )
    back = IdsToText.from_text_to_ids(layer)
    ids = [[2, *(4 + WORDS.index(word) for word in words), 3] for words in sentences]
    width = max(map(len, ids))
    texts = back(np.array([row + [0] * (width - len(row)) for row in ids], "int32"))
    assert rows(layer.encode(texts.numpy().tolist())) == ids
    # And a text that was written comes back.
    np.testing.assert_array_equal(back(layer(texts)).numpy(), texts.numpy())


@settings(max_examples=12, deadline=None)
@given(st.lists(ANY_TEXT, min_size=5, max_size=30))
def test_any_text_reads_the_same_once_it_is_standardized(texts):
    layer = TextToIds(tokenizer=Words(markup="keep", lowercase=False))
    try:
        ids = rows(layer.adapt(texts))
    except ValueError:
        return  # Not one token in all of them.
    standardized = layer.tokenizer.standardize(texts).numpy().tolist()
    assert rows(layer.encode(standardized)) == ids


@settings(max_examples=12, deadline=None)
@given(SENTENCES, st.data())
def test_what_was_read_and_what_was_written_are_joined_to_the_whole(sentences, data):
    layer = TextToIds(vocabulary=WORDS, tokenizer=Words(lowercase=False))
    back = IdsToText.from_text_to_ids(layer)
    ids = [[4 + WORDS.index(word) for word in words] for words in sentences]
    cuts = [data.draw(st.integers(0, len(words))) for words in sentences]

    def written(parts):
        return back(tf.ragged.constant(parts, ragged_rank=1, dtype=tf.int32).to_tensor())

    prompts = written([row[:cut] for row, cut in zip(ids, cuts, strict=True)])
    texts = layer.tokenizer.append(
        prompts, written([row[cut:] for row, cut in zip(ids, cuts, strict=True)])
    )
    for text, prompt in zip(texts.numpy(), prompts.numpy(), strict=True):
        assert text.startswith(prompt)
    assert rows(layer.encode(texts.numpy().tolist())) == [row or [1] for row in ids]


@pytest.mark.parametrize(
    ("prompt", "continuation", "expected"),
    [
        ("The story", "was dull.", "The story was dull."),
        ("The story", ", not", "The story, not"),
        ("The story ", "was", "The story was"),
        ("The story\n", "was", "The story\nwas"),
        ("He said (", "no)", "He said (no)"),
        ("", "The", "The"),
        ("The", "", "The"),
        ("The ", "", "The "),
        (b"\xff", "a", "\ufffd a"),
        ("two\nlines", "more", "two\nlines more"),
    ],
)
def test_a_continuation_stands_behind_a_space_where_english_has_one(prompt, continuation, expected):
    joined_words = Words().append(tf.constant([prompt]), tf.constant([continuation]))
    assert joined_words.numpy()[0].decode() == expected
    characters = Characters().append(tf.constant([prompt]), tf.constant([continuation]))
    valid = prompt if isinstance(prompt, str) else prompt.decode("utf-8", "replace")
    assert characters.numpy()[0].decode() == valid + continuation


@settings(max_examples=12, deadline=None)
@given(st.lists(ANY_TEXT, max_size=30))
def test_characters_are_measured_as_they_are(texts):
    layer = TextToIds(tokenizer="character", vocabulary="abc")
    num_characters, unknown = layer.measure(texts)
    assert num_characters == sum(map(len, texts))
    assert unknown == collections.Counter(
        c.encode() for text in texts for c in text if c not in "abc"
    )


@settings(max_examples=12, deadline=None)
@given(SENTENCES)
def test_words_are_measured_as_they_are_written(sentences):
    layer = TextToIds(vocabulary=WORDS, tokenizer=Words(lowercase=False))
    back = IdsToText.from_text_to_ids(layer)
    ids = [[4 + WORDS.index(word) for word in words] for words in sentences]
    padded = tf.ragged.constant(ids, ragged_rank=1, dtype=tf.int32).to_tensor()
    texts = [text.decode() for text in back(padded).numpy()]
    assert layer.measure(texts) == (sum(map(len, texts)), {})
    # The same length of words that it does not know.
    num_characters, unknown = TextToIds(vocabulary=["a"], tokenizer=Words(lowercase=False)).measure(
        texts
    )
    assert num_characters == sum(map(len, texts))
    assert sum(unknown.values()) == sum(w != "a" for words in sentences for w in words)


def test_what_did_not_enter_the_vocabulary_is_counted():
    layer = TextToIds(vocabulary_size=5, min_frequency=2)
    layer.adapt(["b a a b a", "c", "c é"])
    assert layer.vocabulary[4:] == ["a"]
    assert layer.oov_counts == {b"b": 2, b"c": 2, "é".encode(): 1}
    assert TextToIds(vocabulary=["a"]).oov_counts is None


def test_a_variant_shares_the_table():
    layer = TextToIds(vocabulary=["a", "b"], add_end=True)
    other = layer.variant(sequence_length=1, truncation="end", add_end=False)
    assert other.table is layer.table and other.vocabulary == layer.vocabulary
    assert other(["a b"]).numpy().tolist() == [[5]]
    assert layer(["a b"]).numpy().tolist() == [[4, 5, 3]]


@pytest.mark.parametrize("truncation", ["start", "end", "both"])
@pytest.mark.parametrize("tokenizer", ["word", "character"])
def test_of_a_long_text_no_more_is_read_than_its_ids_need(tokenizer, truncation):
    """The ids are those of the whole text, cut."""
    options = {"tokenizer": tokenizer, "vocabulary": ["a", "é", "😀"]}
    text = " ".join(["a", "é", "😀", "b"] * 20_000)
    (whole,) = TextToIds(**options)([text]).numpy()
    (cut,) = TextToIds(**options, sequence_length=100, truncation=truncation)([text]).numpy()
    from_start = {"start": 100, "end": 0, "both": 50}[truncation]
    assert cut.tolist() == [*whole[:from_start], *whole[len(whole) - 100 + from_start :]]


@pytest.mark.parametrize("options", [{"lowercase": False}, {"level": "character"}])
def test_an_argument_that_it_does_not_have_is_refused(options):
    with pytest.raises(ValueError, match=f"Unrecognized keyword arguments.*{next(iter(options))}"):
        TextToIds(vocabulary=["film"], **options)
