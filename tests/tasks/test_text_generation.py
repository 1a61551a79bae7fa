"""The task of the next token: what is asked, and scores counted out by hand."""

import collections
import contextlib
import csv
import functools
import itertools
import json
import math

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.datasets import DatasetError, Split, TextDataset
from zoo.datasets.synthetic_reviews import generate_reviews
from zoo.serving.generate import _scoring
from zoo.tasks.spelling import spelling_nats
from zoo.training import loop
from zoo.utils.special_tokens import END_ID, START_ID

TRAIN = ["the cat sat.", "the cat ran, the dog sat.", "a dog ran, a cat.", "rare zebra."]
TEST = ["the dog ran.", "the zebra sat, a gnu ran.", "cat."]


def dataset(**arguments):
    splits = {"train": TRAIN, "validation": ["the dog."], "test": TEST}
    texts = {name: arguments.pop(name, texts) for name, texts in splits.items()}
    made = {name: Split({"text": texts}) for name, texts in texts.items()}
    return TextDataset("mine", **made, **arguments)


def task_of(data=None, **options):
    return zoo.tasks.text_generation(data or dataset(), **options)


@functools.cache
def packing(name):
    """A small model of an architecture, which packs batches as all of its kind do."""
    return zoo.create_model(name, vocabulary_size=8, head="language_model")


def rows(task, split):
    documents = task.examples(split).documents
    return [documents[i].tolist() for i in range(len(documents))]


@pytest.fixture
def bigrams():
    """A function of a task: a bag of words, which knows the last token alone, and what it knows."""

    def make(task):
        arguments = task.model_arguments()
        size = arguments["vocabulary_size"]
        model = zoo.BagOfWords(**arguments, embedding_dim=size)
        logits = np.random.default_rng(0).normal(0, 2, (size, size))
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        model.token_embedding.set_weights([np.eye(size)])
        model.logits.set_weights([logits, np.zeros(size)])
        return model, log_p

    return make


# What is asked


def test_documents_begin_with_a_start_and_end_with_an_end():
    task = task_of()
    for split in ("train", "validation", "test"):
        for row in rows(task, split):
            assert row[0] == START_ID and row[-1] == END_ID
            assert START_ID not in row[1:] and END_ID not in row[:-1]


def test_a_running_text_has_no_end():
    task = task_of(dataset(is_continuous=True), level="character")
    assert [len(row) for row in rows(task, "test")] == [1 + len(text) for text in TEST]
    assert not any(END_ID in row for row in rows(task, "train"))


def test_a_batch_asks_for_each_next_token():
    task = task_of(sequence_length=6, context_length=4)
    for split in ("train", "test"):
        examples = task.examples(split)
        indices = np.arange(len(examples))[::-1]
        inputs, targets, weights, _ = task.batch(examples, indices, model=packing("gru"))
        assert inputs.shape == targets.shape == weights.shape and inputs.shape[1] % 8 == 0
        ids = examples.documents.ids
        for row, i in enumerate(indices):
            begin, asked, end = examples.begin[i], examples.asked[i], examples.end[i]
            length = end - 1 - begin
            np.testing.assert_array_equal(inputs[row, :length], ids[begin : end - 1])
            np.testing.assert_array_equal(targets[row, :length], ids[begin + 1 : end])
            assert not inputs[row, length:].any() and not targets[row, length:].any()
            expected = np.zeros(weights.shape[1])
            expected[asked - begin - 1 : length] = 1
            np.testing.assert_array_equal(weights[row], expected)


def batch_of(task, examples, indices, model, random):
    """A batch of evaluation, or with a generator one of training."""
    if random is None:
        return task.batch(examples, indices, model=model)
    return task.training_batch(examples, indices, random, model=model)


def test_with_a_source_source_and_targets_make_up_the_window():
    task = task_of(sequence_length=6, context_length=4)
    encoder_decoder = packing("transformer")
    for split, training in itertools.product(("train", "test"), (False, True)):
        examples = task.examples(split)
        indices = np.arange(len(examples))
        inputs, targets, weights, num_targets = batch_of(
            task, examples, indices, encoder_decoder, np.random.default_rng(0) if training else None
        )
        assert num_targets == weights.sum()
        ids = examples.documents.ids
        for row in indices:
            source = inputs["source_ids"][row][inputs["source_ids"][row] > 0]
            target = targets[row][weights[row] > 0]
            window = ids[examples.begin[row] : examples.end[row]]
            np.testing.assert_array_equal([*source, *target], window)
            assert len(source) >= 1 and len(target) >= 1
            read = inputs["token_ids"][row]
            np.testing.assert_array_equal(read[: len(target)], [START_ID, *target[:-1]])
            assert not read[len(target) :].any()
            if not training:
                assert len(target) == examples.end[row] - examples.asked[row]


def test_where_a_window_is_split_is_random_in_training_alone():
    task = task_of(dataset(train=["a b c d e f g h"] * 2), min_frequency=1)
    examples = task.examples("train")

    encoder_decoder = packing("transformer")

    def sources(random):
        inputs, *_ = batch_of(task, examples, np.array([0]), encoder_decoder, random)
        return int((inputs["source_ids"] > 0).sum())

    drawn = {sources(np.random.default_rng(seed)) for seed in range(200)}
    assert drawn == set(range(1, 10)) and {sources(None) for _ in range(5)} == {1}


def test_the_cuts_are_a_function_of_seed_and_epoch():
    task = task_of(
        dataset(train=["a b c d e f g h i j k l m n o p q r s t"] * 30), sequence_length=5
    )

    def begins(seed, epoch):
        return task.data.epoch_examples(seed, epoch).begin.tolist()

    assert begins(1, 0) == begins(1, 0)
    assert len({tuple(begins(s, e)) for s, e in [(1, 0), (1, 1), (2, 0), (2, 1)]}) == 4
    for epoch in range(3):
        assert task.data.epoch_examples(0, epoch).num_asked == task.examples("train").num_asked


def test_texts_of_other_splits_are_never_learned_from():
    held_out = "okapi okapi."
    for split in ("validation", "test"):
        data = dataset(train=[*TRAIN, held_out, held_out], **{split: [held_out, "the cat."]})
        task = task_of(data)
        assert list(task.data.texts("train")) == TRAIN
        assert len(task.examples("train").documents) == len(TRAIN)
        assert "okapi" not in task.text_to_ids.vocabulary
        assert b"okapi" not in task.text_to_ids.oov_counts
        assert any(note.endswith("also in validation or test: 2.") for note in task.data.notes())
    with pytest.raises(DatasetError, match="has no training text: expected at least one"):
        task_of(dataset(train=TEST)).examples("train")


def test_texts_without_labels_are_learned_from():
    more = ["a llama sat.", "a llama ran.", TEST[0]]
    task = task_of(dataset(unlabelled=lambda: Split({"text": more})))
    assert list(task.data.texts("train")) == [*TRAIN, *more[:2]]
    task.examples("train")
    assert "llama" in task.text_to_ids.vocabulary
    assert task.data.notes()[0] == "Training texts: 6."


def test_validation_and_test_are_those_of_sentiment(reviews):
    generation, sentiment = zoo.tasks.text_generation(reviews), zoo.tasks.sentiment(reviews)
    for split in ("validation", "test"):
        assert list(generation.data.texts(split)) == list(sentiment.data.texts(split))


# Scores


@pytest.mark.parametrize("batch_size", [1, 2, 256])
@pytest.mark.parametrize("context_length", [3, 128])
def test_the_loss_of_known_probabilities_is_the_one_counted_by_hand(
    bigrams, batch_size, context_length
):
    task = task_of(context_length=context_length)
    model, log_p = bigrams(task)
    told = [-log_p[a, b] for row in rows(task, "test") for a, b in itertools.pairwise(row)]
    evaluation = task.evaluate(model, task.examples("test"), batch_size)
    assert evaluation.details["tokens"] == len(told)
    assert evaluation.scores["loss"] == pytest.approx(np.mean(told), rel=1e-6)
    assert evaluation.scores["perplexity"] == pytest.approx(math.exp(np.mean(told)), rel=1e-5)


def test_bits_per_character_of_words_count_the_spelling_of_unknown_ones(bigrams):
    task = task_of()
    model, log_p = bigrams(task)
    nats = -sum(log_p[a, b] for row in rows(task, "test") for a, b in itertools.pairwise(row))
    # "rare" and "zebra" came once in training, and so spell the unknown words.
    counts = collections.Counter("rare" + "zebra")
    total = sum(counts.values()) + 2 + 257
    ends = 2

    def spelling(word):
        letters = sum(math.log((counts[letter] + 1) / total) for letter in word)
        return -letters - math.log((ends + 1) / total)

    unknown = ["zebra", "gnu"]
    assert set(task.text_to_ids.oov_counts) == {b"rare", b"zebra"}
    spelled_nats = sum(map(spelling, unknown))
    characters = sum(len(text) + 1 for text in TEST)
    evaluation = zoo.evaluate(model, task)
    assert evaluation.details["spelling_nats"] == pytest.approx(spelled_nats)
    assert evaluation.details["characters"] == characters
    assert evaluation.details["unknown_share"] == pytest.approx(
        len(unknown) / evaluation.details["tokens"]
    )
    expected = (nats + spelled_nats) / characters / math.log(2)
    assert evaluation.scores["bits_per_character"] == pytest.approx(expected, rel=1e-6)


def test_bits_per_character_of_characters_are_the_loss_in_bits(bigrams):
    task = task_of(level="character")
    model, _ = bigrams(task)
    evaluation = zoo.evaluate(model, task, "validation")
    assert evaluation.details["unknown_share"] == 0
    assert evaluation.details["characters"] == len("the dog.") + 1 == evaluation.details["tokens"]
    assert evaluation.scores["bits_per_character"] == pytest.approx(
        evaluation.scores["loss"] / math.log(2)
    )


def test_words_of_a_vocabulary_learned_elsewhere_are_spelled_by_the_training_texts():
    learned = task_of()
    other = dataset(train=["the cat sat.", "a gnu.", "a gnu ran."])
    task = task_of(other, vocabulary_of=learned)
    task.examples("test")
    assert "gnu" not in task.text_to_ids.vocabulary
    counts = collections.Counter(b"gnu" * 2)
    assert task.spelling == [*(counts[byte] for byte in range(256)), 2]
    unseen = task.score(1.0, 1, "test").details["spelling_nats"]
    assert unseen == pytest.approx(spelling_nats({b"gnu": 1, b"zebra": 1}, task.spelling))


@pytest.mark.parametrize("whitespace", ["keep", "drop"])
def test_texts_without_spaces_have_none_in_bits_per_character(whitespace):
    texts = ["我喜欢这部电影\uff0c很好看。", "この映画は3.14点だ!", "หนังเรื่องนี้ดีมาก"]
    data = dataset(train=["这部电影很好看。", "映画は"], test=texts)
    task = task_of(data, min_frequency=1, whitespace=whitespace)
    task.examples("train")
    assert task.data.measure("test")[0] == sum(len(text) + 1 for text in texts)


def test_a_program_is_learned_with_its_lines_and_indentation():
    program = "def f(x):\n\treturn x\n\ndef g(y):\n\treturn f(y) + 1\n"
    learned = "def g(y):\n\treturn f(y) + 1\n\ndef f(x):\n\treturn x\n"
    task = task_of(dataset(train=[learned], test=[program]), min_frequency=1)
    ids = task.examples("test").documents.padded(np.array([0]))
    assert {"\n", "\t"} <= set(task.text_to_ids.vocabulary)
    back = zoo.preprocessing.IdsToText.from_text_to_ids(task.text_to_ids)
    assert back(ids).numpy().tolist() == [program.encode()]
    assert task.data.measure("test")[0] == len(program) + 1
    # Of a prompt the last line end is read, and a space that the next word brings is not.
    prompt = task.prompt_to_ids()
    ended, spaced, plain = (prompt([text]).numpy()[0].tolist() for text in ("f\n", "f ", "f"))
    assert spaced == plain and ended == [*plain, task.text_to_ids.vocabulary.index("\n")]


def test_a_text_without_a_token_has_a_perplexity_of_1():
    task = task_of(dataset(is_continuous=True), level="character")
    task.examples("train")
    model = zoo.BagOfWords(**task.model_arguments(), embedding_dim=2)
    score = _scoring(model, task, contextlib.nullcontext)
    scored = score(text=tf.constant(["", "cat"]))
    assert scored["num_tokens"].numpy().tolist() == [0, 3]
    assert scored["perplexity"].numpy()[0] == 1 < scored["perplexity"].numpy()[1]
    assert task.score(0.0, 0, "test").scores["perplexity"] == 1


def test_what_a_word_costs_to_spell():
    counts = [0] * 257
    counts[ord("a")], counts[ord("b")], counts[256] = 3, 1, 2
    total = 6 + 257
    once = -math.log(4 / total) - math.log(2 / total) - math.log(3 / total)
    assert spelling_nats({b"ab": 2}, counts) == pytest.approx(2 * once)
    assert spelling_nats({b"": 1}, counts) == pytest.approx(-math.log(3 / total))
    assert spelling_nats({"é".encode(): 1}, [0] * 257) == pytest.approx(3 * math.log(257))
    assert spelling_nats({}, counts) == 0
    # All words together: one letter or none, in one of 256 ways.
    one_letter = sum(math.exp(-spelling_nats({bytes([byte]): 1}, counts)) for byte in range(256))
    end = 3 / total
    assert one_letter == pytest.approx((1 - end) * end)


@pytest.mark.parametrize("level", ["word", "character"])
def test_the_optimum_is_what_the_true_process_scores(reviews, level):
    """The scores that the true probabilities of the test texts would get."""
    arguments = {k: reviews.arguments[k] for k in ("opening", "gap", "distance", "label_noise")}
    drawn = generate_reviews(100, **arguments, seed="1/test")
    assert [review.text for review in drawn] == list(reviews.test["text"])
    task = zoo.tasks.text_generation(reviews, level=level, min_frequency=1)
    nats = -sum(review.log_probability for review in drawn)
    true = task.score(nats, task.examples("test").num_asked, "test")
    assert true.details["unknown_share"] == 0
    assert true.scores == pytest.approx(task.best_possible())
    known = reviews.best_possible
    each = known.nats_per_token if level == "word" else known.nats_per_character
    assert task.best_possible()["loss"] == each
    assert task.best_possible()["bits_per_character"] == known.nats_per_character / math.log(2)


def test_there_is_no_known_optimum_for_texts_that_are_read_otherwise(reviews):
    for options in ({"lowercase": True}, {"punctuation": "drop"}):
        assert zoo.tasks.text_generation(reviews, **options).best_possible() is None
    assert task_of().best_possible() is None


def test_a_recurrent_score_does_not_depend_on_the_batch(reviews, monkeypatch):
    task = zoo.tasks.text_generation(reviews, context_length=16)
    model = zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8)
    losses = []
    for batch_size in (3, 64, 256):
        monkeypatch.setattr(loop, "EVALUATION_BATCH_SIZE", batch_size)
        losses.append(zoo.evaluate(model, task).scores["loss"])
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    # An untrained model is near to saying nothing.
    assert losses[0] == pytest.approx(math.log(len(task.text_to_ids.vocabulary)), rel=0.05)


def test_every_architecture_is_asked_for_the_same_tokens():
    task = task_of(context_length=4)
    examples = task.examples("test")
    indices = np.arange(len(examples))
    _, targets, weights, _ = task.batch(examples, indices, model=packing("gru"))
    _, behind_source, theirs, _ = task.batch(examples, indices, model=packing("transformer"))
    np.testing.assert_array_equal(targets[weights > 0], behind_source[theirs > 0])
    small = {"embedding_dim": 8}
    models = (
        zoo.GRU(**task.model_arguments(), **small, units=6),
        zoo.Transformer(**task.model_arguments(), **small, hidden_units=8, num_layers=1),
    )
    tokens = [zoo.evaluate(model, task).details["tokens"] for model in models]
    assert tokens == [examples.num_asked] * 2


# Config


@pytest.mark.parametrize("options", [{}, {"level": "character", "context_length": 64}])
def test_a_task_comes_back_from_its_config(options):
    data = dataset()
    task = task_of(data, **options)
    task.examples("train")
    config = json.loads(json.dumps(task.get_config()))
    again = zoo.tasks.task_from_config(config, data)
    assert again.get_config() == task.get_config()
    assert (again.sequence_length, again.context_length) == (
        128,
        options.get("context_length", 128),
    )
    assert rows(again, "test") == rows(task, "test")
    # The spelling too, which only the training texts told.
    assert again.score(1.0, 1, "test") == task.score(1.0, 1, "test")


def test_words_and_characters_have_defaults_of_their_own():
    words, characters = task_of(), task_of(level="character")
    assert (words.text_to_ids.min_frequency, characters.text_to_ids.min_frequency) == (2, 1)
    assert words.model_arguments()["sequence_length"] == 128
    assert task_of(sequence_length=8, context_length=20).model_arguments()["sequence_length"] == 20


@pytest.mark.parametrize("name", ["sequence_length", "context_length"])
def test_a_window_of_one_token_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be 2 or more; it is 1"):
        task_of(**{name: 1})


def test_a_prompt_is_read_from_its_end_and_has_none():
    task = task_of()
    task.examples("train")
    prompt = task.prompt_to_ids()
    assert np.array(prompt(["the cat", ""])).tolist() == [
        [START_ID, *task.text_to_ids.encode(["the cat"])[0][1:-1]],
        [START_ID, 0, 0],
    ]
    ids = np.array(prompt(["cat " * 5000 + "dog"]))
    assert ids.shape == (1, 4096) and ids[0, -1] == task.text_to_ids.vocabulary.index("dog")


def test_columns_of_a_table_without_labels_are_documents(tmp_path):
    file = tmp_path / "mine.csv"
    with open(file, "w", newline="") as stream:
        csv.writer(stream).writerows([["text"], *([f"number {i}"] for i in range(30))])
    data = zoo.datasets.load(str(file), columns={"text": "text"})
    assert not data.is_continuous
    task = zoo.tasks.text_generation(data, level="character")
    assert all(row[-1] == END_ID for row in rows(task, "train"))
