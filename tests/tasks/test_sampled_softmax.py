"""Some tokens in place of all: chances, estimates and the loss, against NumPy."""

import numpy as np
import pytest

import zoo
from zoo.tasks.training_models.sampled_softmax import CandidateSampler, SampledSoftmax

COUNTS = np.array([0, 3, 1000, 500, 40, 30, 20, 10, 5, 5, 2, 1])


def test_chances_add_up_and_none_is_above_one():
    inclusion = CandidateSampler(COUNTS, 5).inclusion
    assert inclusion.sum() == pytest.approx(5)
    assert inclusion.max() == 1
    weights = (COUNTS + 1.0) ** 0.75
    free = inclusion < 1
    np.testing.assert_allclose(
        inclusion[free] / weights[free], inclusion[free][0] / weights[free][0], rtol=1e-12
    )
    assert weights[~free].min() > weights[free].max()


def test_each_token_is_drawn_once_and_as_often_as_its_chance_says():
    sampler = CandidateSampler(COUNTS, 5)
    drawn = np.zeros(len(COUNTS))
    draws = 4000
    for index in range(draws):
        candidates = sampler(np.random.default_rng(index))
        assert len(set(candidates.candidates.tolist())) == 5
        np.testing.assert_allclose(
            np.exp(candidates.log_inclusion), sampler.inclusion[candidates.candidates], rtol=1e-6
        )
        drawn[candidates.candidates] += 1
    # Four standard deviations of a mean of so many draws.
    assert np.abs(drawn / draws - sampler.inclusion).max() < 4 * 0.5 / draws**0.5


def test_equal_generators_draw_equal_tokens():
    sampler = CandidateSampler(COUNTS, 5)
    one, other = (sampler(np.random.default_rng(7)) for _ in range(2))
    assert one.candidates.tolist() == other.candidates.tolist()


@pytest.mark.parametrize("num_sampled", [0, 12, 13])
def test_as_many_as_there_are_is_refused(num_sampled):
    with pytest.raises(ValueError, match=f"below the 12 tokens .* it is {num_sampled}"):
        CandidateSampler(COUNTS, num_sampled)


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def model(request):
    return zoo.GRU(
        vocabulary_size=12,
        head="language_model",
        embedding_dim=4,
        units=6,
        tie_embeddings=request.param,
    )


IDS = np.array([[2, 3, 4, 5], [2, 7, 0, 0]], "int32")
TARGETS = np.array([[3, 4, 5, 3], [7, 3, 0, 0]], "int32")


def sampled_losses(model, candidates):
    batch = {"inputs": IDS, "targets": TARGETS, **candidates._asdict()}
    return np.asarray(SampledSoftmax(model, CandidateSampler(COUNTS, 5))(batch))


def test_the_loss_is_that_of_the_equation(model):
    candidates = CandidateSampler(COUNTS, 5)(np.random.default_rng(1))
    logits = np.asarray(model(IDS), "float64")
    expected = np.zeros(TARGETS.shape)
    for place in np.ndindex(*TARGETS.shape):
        true = logits[(*place, TARGETS[place])]
        total = np.exp(true)
        for token, log_inclusion in zip(*candidates, strict=True):
            if token != TARGETS[place]:
                total += np.exp(logits[(*place, token)] - log_inclusion)
        expected[place] = np.log(total) - true
    np.testing.assert_allclose(sampled_losses(model, candidates), expected, atol=1e-5)


def test_the_normalizer_is_right_on_average(model):
    """Over the one number that is drawn, in equal steps, which is an integral and no chance."""

    class At:
        def __init__(self, value):
            self.value = value

        def uniform(self):
            return self.value

    sampler = CandidateSampler(COUNTS, 5)
    logits = np.asarray(model(IDS), "float64")
    true = np.take_along_axis(logits, TARGETS[..., None], axis=-1)[..., 0]
    points = (np.arange(150) + 0.5) / 150
    estimates = [np.exp(sampled_losses(model, sampler(At(p))) + true) for p in points]
    np.testing.assert_allclose(np.mean(estimates, axis=0), np.exp(logits).sum(axis=-1), rtol=1.5e-2)


@pytest.mark.slow
def test_a_large_vocabulary_is_sampled_in_training_and_whole_in_scores(reviews):
    """Fitted on samples, a model is still scored on all tokens, and learns."""
    whole = zoo.tasks.text_generation(reviews)
    sampled = zoo.tasks.text_generation(reviews, sampled_tokens=20)
    losses = {}
    for name, task in {"whole": whole, "sampled": sampled}.items():
        model = zoo.GRU(**task.model_arguments(), embedding_dim=16, units=32)
        assert (task.training_model(model) is model) == (name == "whole")
        report = zoo.fit_and_evaluate(
            model, task, epochs=8, batch_size=16, seed=3, verbose=False, test=False
        )
        losses[name] = report.validation["loss"]
        again = zoo.evaluate(model, whole, "validation").scores["loss"]
        assert report.validation["loss"] == pytest.approx(again, abs=1e-5)
    uniform = np.log(len(whole.text_to_ids.vocabulary))
    assert losses["whole"] < losses["sampled"] < 0.6 * uniform
