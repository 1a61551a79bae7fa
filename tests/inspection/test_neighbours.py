"""Words that are near each other, where we put them."""

import numpy as np
import pytest

import zoo
from tests.helpers import small_model
from zoo.inspection.neighbours import nearest_neighbours


@pytest.fixture(scope="module")
def task(reviews):
    return zoo.tasks.sentiment(reviews)


@pytest.fixture(scope="module")
def model(task):
    """Every word looks up, but for these."""
    model = small_model("bag_of_words", task)
    vectors = np.zeros(model.token_embedding.embeddings.shape, "float32")
    vectors[:, 0] = 1
    place = task.text_to_ids.vocabulary.index
    vectors[place("dull")] = [0, 2] + [0] * 6
    vectors[place("weak")] = [0, 0.3] + [0] * 6
    vectors[place("boring")] = [0.5, 0.5] + [0] * 6
    vectors[place("lovely")] = [0, -1] + [0] * 6
    model.token_embedding.set_weights([vectors])
    return model


def test_the_nearest_come_first_whatever_their_length(model, task):
    (first, cosine), (second, less), *others = nearest_neighbours(model, task, "Dull", k=4)
    assert (first, second) == ("weak", "boring")
    assert (cosine, less) == (pytest.approx(1), pytest.approx(0.5**0.5))
    assert [pytest.approx(value) for _, value in others] == [0, 0]


def test_neither_the_word_nor_special_tokens_are_neighbours(model, task):
    everyone = nearest_neighbours(model, task, "dull", k=10_000)
    names = [word for word, _ in everyone]
    assert set(names) == set(task.text_to_ids.vocabulary[4:]) - {"dull"}
    assert everyone[-1] == ("lovely", pytest.approx(-1))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Kubrickian", "'Kubrickian' is not in the vocabulary of .* tokens"),
        ("not dull", "word must be one token; 'not dull' is 2 tokens"),
        ("", "'' is not in the vocabulary"),
    ],
)
def test_what_has_no_neighbours(word, message, model, task):
    with pytest.raises(ValueError, match=message):
        nearest_neighbours(model, task, word)


def test_what_has_no_embeddings(task):
    with pytest.raises(ValueError, match="bag_of_bigrams has no embeddings"):
        nearest_neighbours(small_model("bag_of_bigrams", task), task, "dull")


def test_characters_and_tied_embeddings(reviews):
    task = zoo.tasks.text_generation(reviews, level="character")
    model = small_model("gru", task, tie_embeddings=True)
    vectors = np.asarray(model.token_embedding.embeddings)
    vocabulary = task.text_to_ids.vocabulary
    nearest = dict(nearest_neighbours(model, task, "a", k=3))
    one = vectors[vocabulary.index("a")]
    for token, cosine in nearest.items():
        other = vectors[vocabulary.index(token)]
        product = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
        assert cosine == pytest.approx(product, abs=1e-5)
    with pytest.raises(ValueError, match="k must be 1 or more; it is 0"):
        nearest_neighbours(model, task, "a", k=0)
