"""What every tokenizer guarantees: a new one is in the list once it is registered."""

import collections
import json
import re
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.preprocessing.letter_pairs import LetterPairs
from zoo.preprocessing import (
    TextToIds,
    Tokenizer,
    Words,
    list_tokenizers,
    make_tokenizer,
)
from zoo.preprocessing.spacing import JOINER
from zoo.preprocessing.tokenizer import _TOKENIZERS, register_tokenizer
from zoo.registry import UnknownNameError
from zoo.serving import allowed_ops

TRAINING_TEXTS = ["the cat, the hat", "That isn't the hen!", "HAT\n\nthe", "é 我 <br />"]

TOKENIZERS: list[Tokenizer] = [
    *map(make_tokenizer, list_tokenizers()),
    Words(lowercase=False, markup="keep"),
    Words(punctuation="expressive"),
    Words(punctuation="drop", markup="keep"),
    Words(lowercase=False, whitespace="keep"),
    Words(punctuation="expressive", whitespace="keep"),
    LetterPairs(pairs=["th", "at", "he"]),
]

# What a text may hold but lone surrogates, which are not text; letters that change in number, in
# width or by their neighbours when they are lowered, and what the tokenizers treat on their own.
ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(
            "\u0130\u017f\u212a\u03a3\u03c3\u03c2\u00df\u01c5'\u2019_<>/!ab \n\0\u6211\u0e01"
            "\u0301\u0307\u200d\u00ad\uff21\uff01\u1100\u1161&;\U0001f44d\U0001f3fd\ufe0f3."
        ),
    ),
    max_size=20,
)
every_tokenizer = pytest.mark.parametrize(
    "tokenizer", TOKENIZERS, ids=lambda t: "-".join(map(str, t.get_config().values()))
)


def tokens_of(tokenizer, texts):
    split = tokenizer.split(tf.constant(texts, tf.string))
    assert isinstance(split, tf.RaggedTensor) and split.shape.rank == 2
    return split.to_list()


def without_space(text: bytes) -> str:
    return re.sub(r"\s", "", text.decode())


@every_tokenizer
@settings(max_examples=25, deadline=None)
@given(st.lists(ANY_TEXT, min_size=1, max_size=8))
@example(["", " \n"])
def test_joined_tokens_are_the_standardized_text(tokenizer, texts):
    texts = tf.constant([text.encode() for text in texts])
    joined = tokenizer.join(tokenizer.split(texts)).numpy()
    for text, standardized in zip(joined, tokenizer.standardize(texts).numpy(), strict=True):
        assert without_space(text) == without_space(standardized)


@every_tokenizer
@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=12), min_size=1, max_size=8))
@example([b"\xff\xfe", b"caf\xe9", b"\xf0\x9f", b""])
def test_any_bytes_give_tokens_that_are_text(tokenizer, texts):
    rows = tokens_of(tokenizer, texts)
    assert len(rows) == len(texts)
    assert all(token.decode() for row in rows for token in row)
    # Each text is split on its own, and as its valid form is.
    valid = [text.decode("utf-8", "replace").encode() for text in texts]
    assert [tokens_of(tokenizer, [text])[0] for text in valid] == rows


@every_tokenizer
def test_a_text_without_text_has_no_tokens(tokenizer):
    assert tokens_of(tokenizer, [""]) == [[]]
    assert tokens_of(tokenizer, []) == []
    assert tokenizer.spans("") == []
    assert tokenizer.join(tokenizer.split(tf.constant([""]))).numpy().tolist() == [b""]


@every_tokenizer
@settings(max_examples=40, deadline=None)
@given(ANY_TEXT)
@example("ΣΑΣ ΟΔΟΣ, \u0130stanbul 'K' <b>the</b> the <br />br isn't")
@example("\u0130'\u0130 'İ' ''_'a")
def test_spans_are_where_the_tokens_of_split_are(tokenizer, text):
    spans = tokenizer.spans(text)
    assert [token.encode() for token, _, _ in spans] == tokens_of(tokenizer, [text.encode()])[0]
    end_before = 0
    for token, begin, end in spans:
        assert end_before <= begin <= end <= len(text)
        end_before = end
        if not is_spacing(token):
            assert begin < end
            assert lowered(tokenizer, token) == lowered(tokenizer, text[begin:end])


def is_spacing(token: str) -> bool:
    return token.isspace() or token == JOINER


def lowered(tokenizer, text: str) -> str:
    """Canonical, in lower case, of one sigma and one width: these depend on the place."""
    canonical = tokenizer.standardize(tf.constant([text]))
    lower = tf.strings.lower(canonical, encoding="utf-8").numpy()[0].decode()
    lower = lower.replace("\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}")
    return unicodedata.normalize("NFKC", lower).replace("\u200d", "").strip()


@every_tokenizer
def test_learning_is_a_function_of_the_texts(tokenizer):
    first, second = (make_tokenizer_like(tokenizer) for _ in range(2))
    second.learn(["something else"])
    vocabulary = first.learn(TRAINING_TEXTS)
    assert vocabulary == second.learn(TRAINING_TEXTS[::-1])
    assert len(set(vocabulary)) == len(vocabulary)
    assert first.get_config() == second.get_config()
    counts = collections.Counter(
        token.decode() for row in tokens_of(first, TRAINING_TEXTS) for token in row
    )
    frequencies = [counts[token] for token in vocabulary]
    assert frequencies == sorted(frequencies, reverse=True)
    assert first.learn(TRAINING_TEXTS, 3) == vocabulary[:3]
    frequent = first.learn(TRAINING_TEXTS, None, 2)
    assert frequent == [token for token in vocabulary if counts[token] > 1]


@every_tokenizer
def test_adapting_a_layer_is_learning_and_encoding(tokenizer):
    learned = make_tokenizer_like(tokenizer)
    vocabulary = learned.learn(TRAINING_TEXTS, 6, 1)
    layer = TextToIds(tokenizer=make_tokenizer_like(tokenizer), vocabulary_size=10)
    ids = layer.adapt(TRAINING_TEXTS)
    assert layer.vocabulary[4:] == vocabulary
    again = layer.encode(TRAINING_TEXTS)
    assert ids.ids.tolist() == again.ids.tolist() and ids.lengths.tolist() == again.lengths.tolist()


@every_tokenizer
def test_a_tokenizer_comes_back_from_its_config(tokenizer):
    config = json.loads(json.dumps(tokenizer.get_config()))
    again = make_tokenizer_like(tokenizer)
    assert again.get_config() == config
    assert tokens_of(again, TRAINING_TEXTS) == tokens_of(tokenizer, TRAINING_TEXTS)


@every_tokenizer
def test_its_graph_is_of_ops_that_compute(tokenizer):
    """And so runs in a SavedModel where there is nothing but TensorFlow."""

    def everything(texts):
        tokens = tokenizer.split(tokenizer.standardize(texts))
        return tokenizer.join(tokens) + tokenizer.append(texts, tokens)

    strings = tf.TensorSpec([None], tf.string)
    graph = tf.function(everything).get_concrete_function(strings).graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    assert {node.op for node in nodes} <= allowed_ops.COMPUTING


@every_tokenizer
def test_a_continuation_comes_after_the_text(tokenizer):
    texts = tf.constant([b"The story", b"", b"\xff", b"a "])
    continuations = tf.ragged.constant([["was"], ["The"], [], ["b"]])
    whole = [text.decode() for text in tokenizer.append(texts, continuations).numpy()]
    assert [text.replace(" ", "") for text in whole] == ["Thestorywas", "The", "\ufffd", "ab"]


def make_tokenizer_like(tokenizer: Tokenizer) -> Tokenizer:
    config = tokenizer.get_config()
    if config["name"] in list_tokenizers():
        return make_tokenizer(config)
    return type(tokenizer)(**{k: v for k, v in config.items() if k != "name"})


# Options by name


def test_an_option_that_a_tokenizer_lacks_is_refused():
    with pytest.raises(UnknownNameError, match="The character tokenizer takes no option 'markup'"):
        make_tokenizer("character", markup="keep")
    with pytest.raises(
        UnknownNameError, match="it takes lowercase, markup, punctuation, whitespace"
    ):
        make_tokenizer("word", upper=True)
    with pytest.raises(UnknownNameError, match="made already takes no option 'lowercase'"):
        make_tokenizer(Words(), lowercase=True)


def test_registered_tokenizers_go_by_name():
    assert {"word", "character"} <= set(list_tokenizers())
    try:
        register_tokenizer(LetterPairs)
        assert make_tokenizer("letter_pairs", num_pairs=3).num_pairs == 3
    finally:
        del _TOKENIZERS._makers["letter_pairs"]
