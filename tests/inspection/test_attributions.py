"""Shares of words in an answer: against closed forms, finite differences and the model itself."""

import dataclasses
import functools
import json

import numpy as np
import pytest

import zoo
from tests.helpers import small_model
from zoo.inspection import logit_margin
from zoo.inspection.attributions import Attribution, explain, integrated_gradients, occlusion

TEXT = "The music was not dull, but the story was weak! What counts for me is the story."
EMBEDDED = (
    ("simple_rnn", {"pooling": "average"}),
    ("lstm", {}),
    ("gru", {"bidirectional": True, "pooling": "average"}),
    ("gpt", {}),
    ("transformer", {}),
    ("transformer", {"positions": "sine"}),
)


@pytest.fixture(scope="module")
def task(reviews):
    return zoo.tasks.sentiment(reviews)


@pytest.fixture(scope="module")
def make(task):
    """Models by name, each made once: what is compiled for a model is compiled once."""
    return functools.cache(lambda name, **options: small_model(name, task, **options))


@pytest.fixture(scope="module", params=EMBEDDED, ids=lambda case: "-".join(map(str, case)))
def model(request, make):
    name, options = request.param
    return make(name, **options)


def ids_of(task, text=TEXT):
    return np.asarray(task.text_to_ids([text]))


def difference(model, ids):
    """The logit of label 1 less that of label 0."""
    logits = np.asarray(model(ids), "float64")
    return logits[:, 1] - logits[:, 0]


def test_the_scores_of_a_bag_of_words_are_known(task, make):
    """Its logits are linear in the mean of the embeddings."""
    model = make("bag_of_words")
    found = integrated_gradients(model, task, TEXT, label="positive", steps=3)
    vectors = np.asarray(model.token_embedding.embeddings)
    kernel = np.asarray(model.logits.kernel)
    ids = ids_of(task)[0]
    expected = (vectors[ids] - vectors[1]) @ (kernel[:, 1] - kernel[:, 0]) / len(ids)
    np.testing.assert_allclose(found.scores, expected, atol=1e-5)
    assert found.method == "integrated_gradients"
    np.testing.assert_allclose(
        occlusion(model, task, TEXT, label="positive").scores, expected, atol=1e-5
    )


def test_the_path_leads_to_a_text_of_unknown_words(model, task):
    """With positions and scaling: what is moved all the way is the baseline itself."""
    ids = ids_of(task)
    baseline = np.ones_like(ids)
    x, start = logit_margin.embedded(model, np.concatenate([ids, baseline]))
    moved = model.perturbed(ids, (start - x)[None])
    np.testing.assert_allclose(np.asarray(moved), np.asarray(model(baseline)), atol=1e-4)


def test_gradients_are_those_of_finite_differences(model, task):
    ids = ids_of(task)[0]
    x = logit_margin.embedded(model, ids[None])
    generator = np.random.default_rng(3)
    moves = 0.1 * generator.normal(size=(2, *x.shape[1:])).astype("float32")
    gradients = logit_margin.gradients(model, ids, moves, logit_margin.margin_weights(2, 1))
    direction = generator.normal(size=x.shape).astype("float32")

    def answer(move):
        logits = np.asarray(model.perturbed(np.stack([ids, ids]), move), "float64")
        return logits[:, 1] - logits[:, 0]

    step = 3e-3
    slope = (answer(moves + step * direction) - answer(moves - step * direction)) / (2 * step)
    np.testing.assert_allclose((gradients * direction).sum((1, 2)), slope, rtol=0.02, atol=0.02)


def test_scores_are_complete(model, task):
    """Sundararajan et al. 2017, proposition 1."""
    found = integrated_gradients(model, task, TEXT, label="positive", steps=200)
    ids = ids_of(task)
    answer, baseline = difference(model, ids)[0], difference(model, np.ones_like(ids))[0]
    assert found.answer == pytest.approx(answer, abs=1e-4)
    assert found.baseline_answer == pytest.approx(baseline, abs=1e-4)
    assert found.scores.sum() == pytest.approx(answer - baseline, abs=0.02)
    assert found.completeness_error == pytest.approx(
        found.scores.sum() - (answer - baseline), abs=1e-3
    )


def test_more_steps_are_more_exact(task, make):
    model = make("transformer")
    errors = [
        abs(integrated_gradients(model, task, TEXT, steps=n).completeness_error) for n in (2, 128)
    ]
    assert errors[1] < 0.1 * errors[0]


def test_steps_in_pieces_are_the_same(task, monkeypatch, make):
    model = make("gru")
    whole = integrated_gradients(model, task, TEXT, steps=10)
    monkeypatch.setattr(logit_margin, "_MAX_TOKENS", 3 * len(whole.tokens))
    monkeypatch.setattr("zoo.inspection.attributions._MAX_NUMBERS", 4 * len(whole.tokens) * 8)
    np.testing.assert_allclose(
        integrated_gradients(model, task, TEXT, steps=10).scores, whole.scores, atol=1e-5
    )
    one_by_one = occlusion(model, task, TEXT).scores
    monkeypatch.undo()
    np.testing.assert_allclose(occlusion(model, task, TEXT).scores, one_by_one, atol=1e-5)


@pytest.mark.parametrize("name", ["bag_of_bigrams", "lstm", "transformer"])
def test_occlusion_is_what_is_lost_without_a_word(name, task, make):
    model = make(name)
    found = occlusion(model, task, TEXT, label="negative")
    ids = ids_of(task)
    for place in range(ids.shape[1]):
        without = ids.copy()
        without[0, place] = 1
        lost = difference(model, without)[0] - difference(model, ids)[0]
        assert found.scores[place] == pytest.approx(lost, abs=1e-4)
    assert found.method == "occlusion"


def test_of_three_classes_the_others_are_averaged():
    texts = ["a bad film", "a fair film", "a good film"] * 8
    split = zoo.datasets.Split({"text": texts, "label": [0, 1, 2] * 8})
    splits = {"train": split, "validation": split, "test": split}
    dataset = zoo.datasets.TextDataset("mine", **splits, label_names=("b", "f", "g"))
    task = zoo.tasks.sentiment(dataset)
    model = small_model("bag_of_words", task)
    found = integrated_gradients(model, task, "a good film", label="f")
    logits = np.asarray(model(ids_of(task, "a good film")))[0]
    assert found.answer == pytest.approx(logits[1] - (logits[0] + logits[2]) / 2, abs=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum()
    assert found.probability == pytest.approx(shares[1], abs=1e-5)
    assert explain("a good film", (model, task)).label == "bfg"[logits.argmax()]


def test_both_labels_pull_against_each_other(task, make):
    model = make("gru")
    one, other = (occlusion(model, task, TEXT, label=name) for name in task.label_names)
    np.testing.assert_allclose(one.scores, -other.scores, atol=1e-5)
    assert one.probability + other.probability == pytest.approx(1)
    likeliest = max(one, other, key=lambda found: found.probability)
    assert occlusion(model, task, TEXT).label == likeliest.label


# What is explained


def test_a_model_without_embeddings_is_explained_by_occlusion(make, task):
    assert explain(TEXT, (make("bag_of_bigrams"), task)).method == "occlusion"
    with pytest.raises(ValueError, match="has no embeddings.*use occlusion"):
        explain(TEXT, (make("bag_of_bigrams"), task), method="integrated_gradients")


def test_a_run_is_explained_by_its_folder(run):
    found = explain(TEXT, run)
    assert found.method == "integrated_gradients"
    answer = zoo.pipeline("sentiment-analysis", run)(TEXT)
    assert (found.label, found.probability) == (
        answer["label"],
        pytest.approx(answer["score"], abs=1e-4),
    )
    both = explain([TEXT, "A film."], run, method="occlusion")
    assert [one.text for one in both] == [TEXT, "A film."]


@pytest.mark.parametrize("text", ["", " \n", "<br />"])
def test_a_text_without_words_pulls_nowhere(text, task, make):
    found = explain(text, (make("lstm"), task))
    assert found.tokens == ("[UNK]",) and found.spans == (None,)
    assert found.scores.tolist() == [0.0]
    assert found.answer == pytest.approx(found.baseline_answer, abs=1e-6)
    assert "completeness" in str(found)


def test_of_a_long_text_what_is_read_is_explained(task, make):
    config = task.text_to_ids.get_config()
    short = zoo.preprocessing.TextToIds(**{**config, "sequence_length": 4, "truncation": "both"})
    task = zoo.tasks.Sentiment(short, task.label_names)
    text = "dull story " + "music " * 5000 + "lovely acting"
    found = explain(text, (make("lstm"), task))
    assert found.tokens == ("dull", "story", "lovely", "acting")
    assert "30,000" not in str(found) and "characters that were not read" in found._repr_html_()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "awful"}, "label must be one of negative, positive; it is 'awful'"),
        ({"method": "guess"}, "method must be one of integrated_gradients, occlusion; it is"),
    ],
)
def test_a_fault_is_one_sentence(options, message, run):
    with pytest.raises(ValueError, match=message):
        explain(TEXT, run, **options)


def test_a_writer_has_no_label_to_explain(reviews):
    writing = zoo.tasks.text_generation(reviews)
    with pytest.raises(ValueError, match="this model is for text_generation"):
        explain(TEXT, (small_model("bag_of_words", writing), writing))


def test_steps_are_one_at_least(task, make):
    with pytest.raises(ValueError, match="steps must be 1 or more; it is 0"):
        integrated_gradients(make("lstm"), task, TEXT, steps=0)


# How it is shown

MADE_UP = Attribution(
    text="A <b>dull & weak</b> story",
    tokens=("a", "dull", "weak", "[UNK]"),
    spans=((0, 1), (5, 9), (12, 16), None),
    scores=np.array([0.5, -2.0, 1.0, -0.5]),
    label="positive",
    probability=0.25,
    method="occlusion",
    answer=-1.5,
    baseline_answer=-0.75,
)


def test_shares_are_of_absolute_scores():
    assert MADE_UP.share_on([(5, 9)]) == pytest.approx(2 / 4)
    assert MADE_UP.share_on([(4, 6), (15, 30)]) == pytest.approx(3 / 4)
    assert MADE_UP.share_on([(1, 5), (9, 12)]) == 0
    assert dataclasses.replace(MADE_UP, scores=np.zeros(4)).share_on([(0, 30)]) == 0


def test_the_strongest_words_come_first():
    assert MADE_UP.strongest(2) == [("weak", 1.0), ("A", 0.5)]
    assert MADE_UP.strongest(9, against=True) == [("dull", -2.0), ("[UNK]", -0.5)]
    assert MADE_UP.completeness_error == pytest.approx(-1.0 + 0.75)


def test_it_goes_through_json():
    entries = json.loads(json.dumps(MADE_UP.to_dict()))
    assert entries["scores"] == [0.5, -2.0, 1.0, -0.5]
    assert entries["spans"] == [[0, 1], [5, 9], [12, 16], None]
    assert entries["completeness_error"] == pytest.approx(-0.25)
    assert (entries["label"], entries["answer"]) == ("positive", -1.5)


def test_plain_text_says_all():
    printed = " ".join(str(MADE_UP).split())
    for part in ("positive, 25.0%", "error -0.2500", "for weak +1.00", "against dull -2.00"):
        assert part in printed
    assert "\x1b" not in printed


def test_too_large_an_error_is_told_of():
    gradients = dataclasses.replace(MADE_UP, method="integrated_gradients")
    assert "take more steps" in " ".join(str(gradients).split())
    assert "take more steps" in gradients._repr_html_()
    assert "take more steps" not in MADE_UP._repr_html_()
    exact = dataclasses.replace(gradients, baseline_answer=-0.52)
    assert abs(exact.completeness_error) > 0.01 and "more steps" not in exact._repr_html_()


def test_html_is_escaped_and_coloured_by_score():
    page = MADE_UP._repr_html_()
    assert "<b>dull" not in page and "&lt;b&gt;" in page and "&amp;" in page
    assert ">dull</span>" in page and 'title="-2.000"' in page
    # The strongest is a mix of 65 % with white: blue against the label.
    blue = "#{:02x}{:02x}{:02x}".format(*(round(255 + 0.65 * (c - 255)) for c in (0, 114, 178)))
    assert f'background:{blue};color:#111;border-radius:3px" title="-2.000">dull' in page


def test_the_terminal_has_colours():
    import io

    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, force_terminal=True, color_system="truecolor", width=200).print(MADE_UP)
    strongest = ";".join(str(round(255 + 0.65 * (c - 255))) for c in (0, 114, 178))
    assert f"48;2;{strongest}mdull" in stream.getvalue()
