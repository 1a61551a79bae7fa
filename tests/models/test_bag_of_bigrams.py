"""The bag of bigrams, against Wang and Manning's equations in NumPy."""

import itertools

import keras
import numpy as np
import pytest

import zoo
from zoo.layers import DistinctBigrams, WeightedLogCountRatios
from zoo.preprocessing import TokenSequences

VOCABULARY = 12
# So many that none of these few bigrams share one.
BUCKETS = 2**20

TEXTS = [[5, 6, 5, 6], [5, 7], [8, 6, 5, 5, 5], [9], [6, 5, 7, 10]]
SEQUENCES = TokenSequences(np.concatenate(TEXTS).astype("int32"), [len(t) for t in TEXTS])
LABELS = np.array([1, 0, 1, 0, 0])


def ngrams(text):
    """The set of unigrams and bigrams of a text."""
    return {(token,) for token in text} | set(itertools.pairwise(text))


def padded(texts, width=None):
    matrix = np.zeros((len(texts), width or max(map(len, texts))), "int32")
    for row, text in enumerate(texts):
        matrix[row, : len(text)] = text
    return matrix


def numpy(x):
    return keras.ops.convert_to_numpy(x)


def log_count_ratios(texts, is_positive, alpha):
    """Wang and Manning 2012, section 2: r of each n-gram of the texts."""
    known = sorted(set.union(*map(ngrams, texts)))
    f = np.array([[gram in ngrams(text) for gram in known] for text in texts], "float64")
    p = alpha + f[is_positive].sum(axis=0)
    q = alpha + f[~is_positive].sum(axis=0)
    return dict(zip(known, np.log((p / np.abs(p).sum()) / (q / np.abs(q).sum())), strict=True))


def adapted(num_classes=2, labels=LABELS, **options):
    options = {"vocabulary_size": VOCABULARY, "num_buckets": BUCKETS, **options}
    model = zoo.BagOfBigrams(num_classes=num_classes, **options)
    model.adapt(SEQUENCES, labels)
    return model


# N-grams


def test_each_n_gram_counts_once():
    layer = DistinctBigrams(VOCABULARY, BUCKETS)
    grams = numpy(layer(padded(TEXTS)))
    for row, text in zip(grams, TEXTS, strict=True):
        real = row[row > 0]
        assert len(real) == len(set(real)) == len(ngrams(text))
        assert set(real[real < VOCABULARY]) == set(text)
    # The order of two words makes another bigram, and equal bigrams are equal in every text.
    one, other, both = (numpy(layer(np.array([ids])))[0] for ids in ([5, 6], [6, 5], [5, 6, 5]))
    bigrams = [{int(gram) for gram in row if gram >= VOCABULARY} for row in (one, other, both)]
    assert len(bigrams[0]) == len(bigrams[1]) == 1 and bigrams[0] != bigrams[1]
    assert bigrams[2] == bigrams[0] | bigrams[1]


def test_numbers_stay_in_range_where_products_wrap_around():
    vocabulary_size, num_buckets = 300_000, 1000
    random = np.random.default_rng(0)
    ids = random.integers(1, vocabulary_size, (4, 500), "int32")
    grams = numpy(DistinctBigrams(vocabulary_size, num_buckets)(ids))
    bigrams = grams[grams >= vocabulary_size]
    assert grams.min() >= 0 and grams.max() < vocabulary_size + num_buckets
    # Of 2,000 draws nearly all buckets are hit: the share of others is 1 / e**2.
    assert len(np.unique(bigrams)) > 800


def test_a_text_of_one_token_has_no_bigram():
    np.testing.assert_array_equal(DistinctBigrams(VOCABULARY, BUCKETS)(np.array([[7]])), [[7]])


# Ratios


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_ratios_are_those_of_wang_and_manning(alpha):
    model = adapted(smoothing=alpha)
    ratio = numpy(model.logits.ratio)
    expected = log_count_ratios(TEXTS, LABELS == 1, alpha)
    for (*tokens,), r in expected.items():
        number = max(numpy(model.bigrams(np.array([tokens])))[0]) if tokens[1:] else tokens[0]
        np.testing.assert_allclose(ratio[number], [-r, r], atol=1e-6)
    assert np.count_nonzero(ratio[:, 1]) == np.count_nonzero(list(expected.values()))
    np.testing.assert_array_equal(ratio[0], 0)


def test_several_classes_are_each_set_against_the_others():
    labels = np.array([0, 1, 2, 1, 0])
    ratio = numpy(adapted(3, labels).logits.ratio)
    for label in range(3):
        expected = log_count_ratios(TEXTS, labels == label, 1.0)
        for token in {token for text in TEXTS for token in text}:
            assert ratio[token, label] == pytest.approx(expected[(token,)], abs=1e-6)


def test_it_begins_as_naive_bayes_held_back():
    model = adapted(scale=0.25)
    r = log_count_ratios(TEXTS, LABELS == 1, 1.0)
    # The last text has n-grams that no other has; 11 is not known at all.
    texts = [*TEXTS, [5, 11, 5]]
    for text, logits in zip(texts, numpy(model(padded(texts))), strict=True):
        expected = 0.25 * sum(r.get(gram, 0.0) for gram in ngrams(text))
        np.testing.assert_allclose(logits, [-expected, expected], atol=1e-5)


def test_logits_are_weights_times_ratios():
    model = adapted()
    random = np.random.default_rng(0)
    w, bias = random.normal(size=model.logits.kernel.shape), np.array([0.5, -1.0])
    model.logits.kernel.assign(w)
    model.logits.bias.assign(bias)
    ids = padded(TEXTS)
    r = numpy(model.logits.ratio)
    for row, grams in enumerate(numpy(model.bigrams(ids))):
        real = grams[grams > 0]
        expected = bias + 0.01 * (w[real] * r[real]).sum(axis=0)
        np.testing.assert_allclose(numpy(model(ids))[row], expected, atol=1e-6)
    before = numpy(model(ids))
    model.scale_logits(0.5)
    np.testing.assert_allclose(model(ids), before / 2, atol=1e-6)


def test_padding_changes_neither_ratios_nor_logits():
    model = adapted(scale=1.0)
    model.logits.kernel.assign(np.random.default_rng(0).normal(size=model.logits.kernel.shape))
    together = numpy(model(padded(TEXTS, width=40)))
    for row, text in enumerate(TEXTS):
        np.testing.assert_allclose(model(np.array([text]))[0], together[row], atol=1e-5)
    one_by_one = zoo.BagOfBigrams(vocabulary_size=VOCABULARY, num_buckets=BUCKETS)
    counts = np.zeros(one_by_one.logits.ratio.shape)
    for text, label in zip(TEXTS, LABELS, strict=True):
        counts[numpy(one_by_one.bigrams(np.array([text])))[0], label] += 1
    one_by_one.logits.set_counts(counts)
    np.testing.assert_array_equal(one_by_one.logits.ratio, model.logits.ratio)


# The way of every model


def test_ratios_are_counted_before_a_fit_and_not_learned(reviews, tmp_path):
    task = zoo.tasks.sentiment(reviews)
    model = zoo.BagOfBigrams(**task.model_arguments(), num_buckets=512)
    counted = zoo.BagOfBigrams(**task.model_arguments(), num_buckets=512)
    train = task.examples("train")
    counted.adapt(train.sequences, train.targets)
    report = zoo.fit_and_evaluate(model, task, epochs=2, log_dir=tmp_path, verbose=False)
    np.testing.assert_array_equal(model.logits.ratio, counted.logits.ratio)
    assert report.training["learning_rate"] == model.suggested_learning_rate
    first, last = (entry["accuracy"] for entry in report.history)
    assert last > first > 0.5

    again, its_task = zoo.load(tmp_path)
    ids = padded([[5, 6, 5], [7]])
    np.testing.assert_array_equal(again(ids), model(ids))
    text = reviews.test["text"][0]
    zoo.export_saved_model(again, its_task, tmp_path / "saved_model" / "1")
    (answer,) = zoo.pipeline("sentiment-analysis", tmp_path)([text])
    probabilities = numpy(keras.ops.softmax(model(its_task.text_to_ids([text]))))[0]
    assert answer["score"] == pytest.approx(probabilities.max(), abs=1e-6)
    assert answer["label"] == reviews.label_names[int(probabilities.argmax())]


def test_it_has_no_answer_a_token():
    with pytest.raises(
        ValueError, match=r"head of bag_of_bigrams must be 'classifier'; it is 'language_model'"
    ):
        zoo.create_model("bag_of_bigrams", vocabulary_size=10, head="language_model")
    assert "bag_of_bigrams" in set(zoo.list_models("classifier")) - set(
        zoo.list_models("language_model")
    )
    assert zoo.list_models() == zoo.list_models("classifier")


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"num_buckets must be at least 1; it is 0"):
        DistinctBigrams(10, 0)
    with pytest.raises(ValueError, match=r"scale must be above 0; it is 0"):
        WeightedLogCountRatios(10, 2, scale=0)
    with pytest.raises(ValueError, match=r"smoothing must be above 0; it is -1"):
        WeightedLogCountRatios(10, 2, scale=1.0, smoothing=-1)
