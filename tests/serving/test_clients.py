"""Loading and using what a run has written, and damage done to it on purpose."""

import csv
import itertools
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo.training.run import Run
from zoo.utils.files import FileError

TEXTS = ["The story was wonderful.", "", "dull " * 900]


@pytest.fixture(scope="module")
def classify(run):
    return zoo.pipeline("sentiment-analysis", run)


@pytest.fixture
def copy(run, tmp_path):
    """A run to damage, without checksums, as an older one is."""
    return shutil.copytree(run, tmp_path / "copy", ignore=shutil.ignore_patterns("manifest.json"))


def test_a_run_comes_back_as_model_and_task(run, reviews, classify):
    model, task = zoo.load(run)
    logits = np.asarray(model(task.text_to_ids(TEXTS)))
    np.testing.assert_allclose(
        np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
        classify.probabilities(TEXTS),
        atol=1e-5,
    )
    assert task.label_names == reviews.label_names
    with pytest.raises(ValueError, match="loaded without a dataset"):
        task.examples("train")


def test_a_loaded_run_goes_on_training(run, reviews):
    model, task = zoo.load(run, dataset=reviews)
    before = model.get_weights()
    zoo.fit_and_evaluate(model, task, epochs=1, verbose=False)
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_a_string_gives_an_answer_and_a_list_gives_a_list(classify):
    one = classify(TEXTS[0])
    assert one == classify([TEXTS[0]])[0] and classify([]) == []
    assert one["score"] == max(one["probabilities"].values())
    assert one["probabilities"][one["label"]] == one["score"]
    assert classify(TEXTS[0].encode()) == one
    with pytest.raises(TypeError, match="must be a string; one is of type int"):
        classify(["a", 3])


def test_an_answer_does_not_depend_on_its_company(classify):
    many = classify.probabilities(TEXTS * 300)
    alone = np.concatenate([classify.probabilities([text]) for text in TEXTS])
    np.testing.assert_allclose(many, np.tile(alone, (300, 1)), atol=1e-5)


def test_lone_surrogates_are_no_error(classify):
    assert classify("\ud800 film")["label"] in classify.label_names


def test_the_test_score_is_made_again_from_raw_text(run):
    again = zoo.evaluate(run)
    written = zoo.Report.load(run / "report.json")
    for exact in ("confusion_matrix", "label_names", "slices"):
        assert again.details[exact] == written.details[exact]
    # Those that are equally sure may come in another order, by rounding.
    mistakes, expected = (
        {mistake["place"]: mistake for mistake in evaluation.details["mistakes"]}
        for evaluation in (again, written)
    )
    assert set(mistakes) == set(expected)
    for place, mistake in mistakes.items():
        assert mistake == pytest.approx(expected[place], abs=1e-6)
    for name, value in written.test.items():
        assert again.scores[name] == pytest.approx(value, abs=1e-6), name
    validation = zoo.evaluate(run, split="validation")
    assert validation.scores["accuracy"] == pytest.approx(written.validation["accuracy"])


def test_a_report_on_other_data_is_not_made_again(copy):
    report = json.loads((copy / "report.json").read_text())
    report["dataset"]["fingerprint"] = "0" * 32
    (copy / "report.json").write_text(json.dumps(report))
    with pytest.raises(ValueError, match="must be the dataset of the report"):
        zoo.evaluate(copy)


def test_a_table_gets_a_label_and_a_score(classify, tmp_path):
    rows = [["id", "text"], ["1", 'said "no",\nand left'], ["2", ""], ["3", TEXTS[0]]]
    with open(tmp_path / "in.csv", "w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    classify.predict_file(tmp_path / "in.csv", tmp_path / "out.tsv")
    with open(tmp_path / "out.tsv", newline="") as stream:
        written = list(csv.reader(stream, delimiter="\t"))
    assert written[0] == ["id", "text", "label", "score"]
    assert [row[:2] for row in written] == rows
    answers = classify([row[1] for row in rows[1:]])
    assert [row[2] for row in written[1:]] == [answer["label"] for answer in answers]
    classify.predict_file(tmp_path / "out.tsv", tmp_path / "twice.csv")
    with open(tmp_path / "twice.csv", newline="") as stream:
        assert next(csv.reader(stream))[-2:] == ["predicted_label", "predicted_score"]
    with pytest.raises(ValueError, match=r"expected a name that ends in \.csv or \.tsv"):
        classify.predict_file(tmp_path / "in.csv", tmp_path / "out.xls")


def test_what_is_missing_is_named(run, tmp_path):
    with pytest.raises(FileError, match=r"no model at nowhere: expected the folder of a run"):
        zoo.load("nowhere")
    with pytest.raises(FileError, match=r"holds no SavedModel.*`zoo export"):
        zoo.pipeline("sentiment-analysis", tmp_path)
    with pytest.raises(FileError, match=r"holds no SavedModel: expected saved_model/1"):
        zoo.load(tmp_path)
    with pytest.raises(ValueError, match="Unknown pipeline 'sentiment': .*sentiment-analysis"):
        zoo.pipeline("sentiment", run)


@pytest.mark.parametrize(
    "name",
    ["model.keras", "saved_model/1/saved_model.pb", "saved_model/1/variables/variables.index"],
)
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbage"])
def test_damage_is_one_sentence_that_names_the_file(copy, name, damage):
    file = copy / name
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "cut": content[:-40], "garbage": b"\x13" * 500}[damage])
    with pytest.raises(FileError) as caught:
        if name == "model.keras":
            zoo.load(copy)
        else:
            zoo.pipeline("sentiment-analysis", copy)
    message = str(caught.value)
    assert str(copy) in message and "\n" not in message


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "{}"),
        *('{"format": 2, "name": "sentiment"}', '{"format": 2, "name": "chess"}'),
    ],
)
def test_a_damaged_task_is_told(copy, content):
    (copy / "task.json").write_text(content)
    with pytest.raises((FileError, ValueError), match=r"task"):
        zoo.load(copy)


# Writing


@pytest.fixture(scope="module")
def write(writing_run):
    return zoo.pipeline("text-generation", writing_run)


PROMPTS = ["The story was", "", "A doctor"]
SHORT = {"max_new_tokens": 12}


def test_a_prompt_gives_an_answer_and_a_list_gives_a_list(write):
    one = write(PROMPTS[0], **SHORT)
    assert set(one) == {"text", "continuation", "log_probability"}
    assert one["text"] == f"{PROMPTS[0]} {one['continuation']}"
    many = write(PROMPTS, **SHORT)
    assert [answer["text"].startswith(p) for answer, p in zip(many, PROMPTS, strict=True)]
    assert many[0]["text"] == one["text"] and write([]) == []
    assert write(PROMPTS[0].encode(), **SHORT)["text"] == one["text"]
    with pytest.raises(TypeError, match="must be a string; one is of type int"):
        write(["a", 3])


def test_a_seed_gives_the_same_text_in_every_process(write, writing_run):
    texts = [write(PROMPTS[0], seed=seed, **SHORT)["text"] for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]
    code = (
        "import sys, zoo\n"
        "write = zoo.pipeline('text-generation', sys.argv[1])\n"
        "print(write(sys.argv[2], seed=7, max_new_tokens=12)['text'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, writing_run, PROMPTS[0]],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.stdout.rstrip("\n") == texts[0], ran.stderr


def test_a_seed_draws_each_prompt_of_any_number_apart(write, monkeypatch):
    """Prompts are continued in batches, which the draws do not depend on."""
    prompts, options = ["The story"] * 5, {"max_new_tokens": 20, "seed": 3}
    together = write(prompts, **options)
    assert len({answer["text"] for answer in together}) == 5
    monkeypatch.setattr("zoo.serving.generate._BATCH_SIZE", 2)
    assert [a["text"] for a in write(prompts, **options)] == [a["text"] for a in together]
    seeds = {**options, "seed": [4, 3, 4, 3, 3]}
    by_seed = write(prompts, **seeds)
    assert by_seed[1]["text"] == by_seed[3]["text"] == together[0]["text"]
    assert by_seed[0]["text"] == by_seed[2]["text"] != together[0]["text"]
    with pytest.raises(ValueError, match=r"one entry per prompt \(5\); it has 2"):
        write(prompts, seed=[1, 2])


@pytest.mark.parametrize(
    "options",
    [
        {"max_new_tokens": 70, "seed": 3},
        {"max_new_tokens": 12, "temperature": 0.0, "no_repeat_ngram_size": 2},
        {"max_new_tokens": 0},
    ],
)
def test_what_is_streamed_is_the_text_of_a_call(write, options):
    for prompt in PROMPTS[:2]:
        pieces = list(write.stream(prompt, **options))
        assert prompt + "".join(pieces) == write(prompt, **options)["text"]
        assert all(pieces)


def test_beams_find_a_text_at_least_as_likely_as_the_greedy_one(write):
    greedy = write(PROMPTS, temperature=0.0, **SHORT)
    one_beam = write(PROMPTS, num_beams=1, temperature=0.0, **SHORT)
    assert one_beam == greedy
    for wide, narrow in zip(write(PROMPTS, num_beams=4, **SHORT), greedy, strict=True):
        assert wide["log_probability"] >= narrow["log_probability"] - 1e-4
        assert wide["text"].endswith(wide["continuation"])
    assert write(PROMPTS, num_beams=4, seed=1, **SHORT) == write(PROMPTS, num_beams=4, **SHORT)


def test_no_pair_of_words_comes_twice(write):
    for answer in write(PROMPTS * 4, max_new_tokens=40, no_repeat_ngram_size=2, temperature=0.5):
        words = re.findall(r"\w+|[^\w\s]", answer["text"])
        pairs = list(itertools.pairwise(words))
        assert len(set(pairs)) == len(pairs)
    again = write(PROMPTS * 4, max_new_tokens=40, temperature=0.5)
    pairs = [list(itertools.pairwise(re.findall(r"\w+|[^\w\s]", a["text"]))) for a in again]
    assert any(len(set(each)) < len(each) for each in pairs)


@pytest.mark.slow
def test_a_model_of_attention_searches_and_streams_too(reviews, tmp_path):
    """Its state has a place for each token, and grows."""
    task = zoo.tasks.text_generation(reviews, sequence_length=16)
    model = zoo.GPT(**task.model_arguments(), embedding_dim=8, num_layers=1)
    Run(tmp_path).begin(task)
    Run(tmp_path).save_model(model)
    zoo.export_saved_model(model, task, tmp_path / "saved_model" / "1", jit_compile=False)
    write = zoo.pipeline("text-generation", tmp_path)
    greedy = {"max_new_tokens": 20, "temperature": 0.0}
    assert "".join(write.stream("The", **greedy)) == write("The", **greedy)["text"][3:]
    for answer in write(PROMPTS, num_beams=2, max_new_tokens=20):
        assert answer["continuation"] and np.isfinite(answer["log_probability"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1}, "temperature must be 0 or more; it is -1"),
        ({"temperature": float("nan")}, "temperature must be 0 or more; it is nan"),
        ({"top_p": 7}, "top_p must be above 0 and at most 1; it is 7"),
        ({"top_p": 0}, "top_p must be above 0 and at most 1; it is 0"),
        ({"top_k": -1}, "top_k must be 0 (off) or more; it is -1"),
        ({"max_new_tokens": -5}, "max_new_tokens must be 0 or more; it is -5"),
        ({"max_new_tokens": 2**31}, "max_new_tokens must be at most 1000000; it is 2147483648"),
        ({"repetition_penalty": 0}, "repetition_penalty must be above 0 (1 is none); it is 0"),
        ({"seed": -1}, "seed must be from 0 to 2147483647; it is -1"),
        ({"num_beams": 0}, "num_beams must be 1 or more; it is 0"),
        ({"no_repeat_ngram_size": -2}, "no_repeat_ngram_size must be 0 (off) or more; it is -2"),
    ],
)
def test_absurd_arguments_are_refused(write, options, message):
    for run_it in (write, write.stream):
        with pytest.raises(ValueError) as caught:
            run_it("The", **options)
        assert str(caught.value) == message + "."


def test_beams_are_not_streamed(write):
    with pytest.raises(ValueError, match="num_beams must be 1 for streaming"):
        write.stream("The", num_beams=2)


def test_the_scores_of_a_writer_are_made_again_from_raw_text(writing_run):
    written = zoo.Report.load(writing_run / "report.json")
    for split, expected in (("test", written.test), ("validation", written.validation)):
        again = zoo.evaluate(writing_run, split=split)
        assert again.scores == pytest.approx(expected, rel=1e-5)
    assert zoo.evaluate(writing_run).details == written.details


def test_a_model_for_something_else_is_refused(run, writing_run):
    for kind, folder, purpose in (
        ("sentiment-analysis", writing_run, "text classification"),
        ("text-generation", run, "text generation"),
    ):
        with pytest.raises(FileError) as caught:
            zoo.pipeline(kind, folder)
        message = str(caught.value)
        assert message.endswith(f"is not a model for {purpose}.")
        assert str(folder) in message and "\n" not in message
