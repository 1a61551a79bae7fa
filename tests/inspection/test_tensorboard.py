"""What TensorBoard's own server says of runs, held against the reports and the models."""

import collections
import html
import io
import json
import re
import subprocess
import sys
import urllib.parse

import keras
import numpy as np
import pytest
from tensorboard.plugins.graph import keras_util
from tensorboard.util import tensor_util

import zoo
from tests.helpers import ask, fit_small, wait_until
from tests.models.cases import SMALL
from zoo.inspection.tensorboard import (
    dashboard,
    hparams,
    images,
    projector,
    samples,
    summaries,
)
from zoo.inspection.tensorboard.graph import keras_graph
from zoo.inspection.tensorboard.weights import Gradients
from zoo.tasks.batches import epoch_batches


@pytest.fixture(scope="module")
def reports(runs):
    return {run.name: zoo.Report.load(run / "report.json") for run in runs.iterdir()}


@pytest.fixture(scope="module")
def lstm(runs, few_reviews):
    """(model, task) with the weights of the best epoch."""
    return zoo.load(runs / "lstm", few_reviews)


def curve(address, run, tag):
    """(steps, values) of a curve."""
    points = ask(address, "data/plugin/scalars/scalars", run=run, tag=tag)
    return [step for _, step, _ in points], [value for _, _, value in points]


def tags(address, plugin):
    return ask(address, f"data/plugin/{plugin}/tags")


# Scalars


def test_curves_by_epoch_are_the_reports_history(address, reports):
    for name, report in reports.items():
        train, validation = f"{name}/logs/train", f"{name}/logs/validation"
        for key in report.history[0]:
            if key == "epoch":
                continue
            run = validation if key.startswith("val_") else train
            steps, values = curve(address, run, f"epoch_{key.removeprefix('val_')}")
            assert steps == [entry["epoch"] for entry in report.history]
            assert values == pytest.approx([entry[key] for entry in report.history], rel=1e-6)


def test_train_and_validation_share_a_chart(address):
    found = tags(address, "scalars")
    for name, metrics in {"lstm": ("loss", "accuracy"), "gru": ("loss",)}.items():
        for metric in metrics:
            assert f"epoch_{metric}" in found[f"{name}/logs/train"]
            assert f"epoch_{metric}" in found[f"{name}/logs/validation"]


def test_curves_by_step_are_what_each_batch_was(address, lstm):
    run, task = "lstm/logs/train", lstm[1]
    train = task.examples("train")
    padding = []
    for epoch in range(2):
        for indices in epoch_batches(train.lengths, 25, seed=3, epoch=epoch):
            inputs, *_ = task.batch(train, indices)
            padding.append((inputs == 0).mean())
    steps, values = curve(address, run, "step/padding_share")
    assert steps == list(range(1, 13))
    assert values == pytest.approx(padding, abs=1e-6)
    _, rates = curve(address, run, "step/learning_rate")
    # It is read behind the step that takes it: a warm-up of one step, then a fall to nothing.
    assert rates == pytest.approx([0.01 * (12 - step) / 11 for step in range(1, 13)], abs=1e-6)
    _, losses = curve(address, run, "step/loss")
    _, (first, _) = curve(address, run, "epoch_loss")
    assert np.mean(losses[:6]) == pytest.approx(first, rel=1e-5)
    for tag in ("step/gradient_norm", "step/tokens_per_second"):
        _, values = curve(address, run, tag)
        assert len(values) == 12 and np.isfinite(values).all() and min(values) > 0


@pytest.mark.parametrize("name", ["adam", "muon", "sgd"])
def test_the_gradient_norm_is_that_of_all_gradients_before_clipping(name):
    from zoo.training.optimizers import OPTIMIZERS

    weights = [keras.Variable(np.ones((2, 3), "float32"), name=n) for n in ("kernel", "other")]
    optimizer = OPTIMIZERS[name](0.1, global_clipnorm=1.0)
    optimizer.build(weights)
    optimizer.apply([np.full((2, 3), 3.0, "float32"), np.full((2, 3), 4.0, "float32")])
    assert float(optimizer.gradient_norm) == pytest.approx(5 * 6**0.5)
    # What is saved of an optimizer is what Keras's own has.
    its_own = next(c for c in type(optimizer).__mro__ if c.__module__.startswith("keras."))
    plain = its_own.from_config(
        {k: v for k, v in optimizer.get_config().items() if k != "learning_rate"}
    )
    plain.build(weights)
    assert len(optimizer.variables) == len(plain.variables)


# Graphs


def test_graphs_hold_the_layers(address, runs):
    info = ask(address, "data/plugin/graphs/info")
    for name, layers in {
        "lstm": ["token_embedding", "block_0", "pooling", "logits"],
        "transformer": ["token_embedding", "encoder_0", "decoder_0", "final_norm", "logits"],
    }.items():
        run = f"{name}/logs/train"
        assert info[run]["run_graph"] and info[run]["tags"]["keras"]["conceptual_graph"]
        of_layers = ask(
            address,
            "data/plugin/graphs/graph",
            raw=True,
            run=run,
            tag="keras",
            conceptual="true",
        ).decode()
        of_ops = ask(address, "data/plugin/graphs/graph", raw=True, run=run).decode()
        for layer in layers:
            assert f'name: "{name}/{layer}"' in of_layers
            assert f"{layer}" in of_ops
        assert 'op: "MatMul"' in of_ops
    # The source reaches the decoder by name.
    decoder = of_layers.split('name: "transformer/decoder_0"')[1].split("node {")[0]
    assert 'input: "transformer/encoder_0"' in decoder


@pytest.mark.parametrize("name", zoo.models.list_models("classifier"))
def test_every_architecture_has_a_graph_of_layers(name):
    model = zoo.create_model(name, vocabulary_size=20, sequence_length=10, **SMALL.get(name, {}))
    config = json.loads(tensor_util.make_ndarray(keras_graph(model).value[0].tensor).item())
    graph = keras_util.keras_model_to_graph_def(config)
    nodes = {node.name: set(node.input) for node in graph.node}
    layers = {weight.path.split("/")[0] for weight in model.trainable_variables}
    assert {f"{name}/{layer}" for layer in layers} <= nodes.keys()
    assert nodes[f"{name}/logits"] <= nodes.keys() and nodes[f"{name}/logits"]


# Histograms and distributions


def test_histograms_of_weights_are_those_of_the_model(address, lstm, reports):
    model, _ = lstm
    best = reports["lstm"].training["best_epoch"]
    for weight in model.trainable_variables:
        answer = ask(
            address,
            "data/plugin/histograms/histograms",
            run="lstm/logs/train",
            tag=f"weights/{weight.path}",
        )
        assert [step for _, step, _ in answer] == [1, 2]
        (buckets,) = [np.array(rows) for _, step, rows in answer if step == best]
        counts, edges = np.histogram(np.asarray(weight), bins=30)
        np.testing.assert_array_equal(buckets[:, 2], counts)
        np.testing.assert_allclose(buckets[:, 0], edges[:-1], rtol=1e-6)
        distribution = ask(
            address,
            "data/plugin/distributions/distributions",
            run="lstm/logs/train",
            tag=f"weights/{weight.path}",
        )
        assert len(distribution) == 2


def test_histograms_of_gradients_are_those_of_the_loss(address, lstm, reports):
    model, task = lstm
    gradients = Gradients(model, task)
    inputs, targets = gradients.batch.inputs, gradients.batch.targets
    # By hand: the gradient of the cross-entropy with respect to the bias of the logits.
    logits = np.asarray(model(inputs), "float64")
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    by_hand = (probabilities - np.eye(2)[targets]).mean(axis=0)
    answer = ask(
        address,
        "data/plugin/histograms/histograms",
        run="lstm/logs/train",
        tag="gradients/logits/bias",
    )
    best = reports["lstm"].training["best_epoch"]
    (buckets,) = [np.array(rows) for _, step, rows in answer if step == best]
    assert buckets[0, 0] == pytest.approx(by_hand.min(), abs=1e-6)
    assert buckets[-1, 1] == pytest.approx(by_hand.max(), abs=1e-6)
    # Of the embeddings, the rows that were read and no others.
    (embedding,) = [v for v in gradients().value if "token_embedding" in v.tag]
    rows = np.array(embedding.tensor.double_val or np.frombuffer(embedding.tensor.tensor_content))
    assert rows.reshape(-1, 3)[:, 2].sum() == len(np.unique(inputs)) * 8


# The projector


def test_the_projector_shows_embeddings_with_frequency_and_margin(address, lstm):
    model, task = lstm
    run = "lstm/logs/train"
    wait_until(lambda: run in ask(address, "data/plugin/projector/runs"))
    (shown,) = ask(address, "data/plugin/projector/info", run=run)["embeddings"]
    size = len(task.text_to_ids.vocabulary) - 1
    assert (shown["tensorName"], shown["tensorShape"]) == ("token_embedding", [size, 8])
    query = {"run": run, "name": "token_embedding"}
    vectors = ask(address, "data/plugin/projector/tensor", raw=True, **query)
    vectors = np.frombuffer(vectors, "float32").reshape(size, 8)
    np.testing.assert_allclose(
        vectors, np.asarray(model.token_embedding.embeddings)[1:], rtol=1e-4, atol=1e-6
    )
    metadata = ask(address, "data/plugin/projector/metadata", raw=True, **query).decode()
    header, *rows = [line.split("\t") for line in metadata.splitlines()]
    assert header == ["token", "frequency", "margin of positive"]
    train = task.examples("train")
    counts = collections.Counter(token for i in range(len(train)) for token in train.sequences[i])
    logits = np.asarray(model(np.arange(1, size + 1, dtype="int32")[:, None]))
    margin = logits[:, 1] - logits[:, 0]
    for place, (token, frequency, shown_margin) in enumerate(rows):
        assert token == task.text_to_ids.vocabulary[place + 1]
        assert int(frequency) == counts[place + 1]
        assert float(shown_margin) == pytest.approx(margin[place] - margin[0], abs=2e-4)


def test_the_projector_of_a_model_of_characters_has_one_line_a_token(tmp_path, few_reviews):
    task = zoo.tasks.text_generation(few_reviews, level="character")
    model = zoo.GRU(**task.model_arguments(), embedding_dim=2, units=2)
    task.text_to_ids.set_vocabulary(["\n", "\t", " ", *task.text_to_ids.vocabulary[7:]])
    assert projector.write_projector(tmp_path, model, task)
    header, *rows = (tmp_path / "metadata.tsv").read_text().splitlines()
    assert header == "token\tfrequency"
    assert [row.split("\t")[0] for row in rows[3:6]] == ["\\n", "\\t", "\N{OPEN BOX}"]
    assert len(rows) == len((tmp_path / "vectors.tsv").read_text().splitlines())


def test_a_third_class_gets_its_own_margin():
    class Fixed:
        """Logits of the first token's id, whatever it is."""

        def predict_on_batch(self, ids):
            return ids[:, :1] * np.array([[1.0, 2.0, 6.0]])

    given = projector.token_margins(Fixed(), np.array([2, 5]), ("bad", "fair", "good"))
    # Leads of a unit: 1 - 4, 2 - 3.5, 6 - 1.5; the unknown token has id 1.
    assert given == {
        "margin of bad": [-3.0, -12.0],
        "margin of fair": [-1.5, -6.0],
        "margin of good": [4.5, 18.0],
    }


def test_a_model_without_embeddings_has_no_projector(tmp_path, few_reviews):
    task = zoo.tasks.sentiment(few_reviews)
    model = zoo.BagOfBigrams(**task.model_arguments(), num_buckets=64)
    assert not projector.write_projector(tmp_path, model, task)
    assert list(tmp_path.iterdir()) == []


# Precision against recall, images, text


def test_precision_and_recall_are_those_of_the_answers(address, lstm, reports):
    model, task = lstm
    run = "lstm/logs/validation"
    assert tags(address, "pr_curves")[run].keys() == {"positive/pr_curves"}
    answer = ask(address, "data/plugin/pr_curves/pr_curves", run=run, tag="positive/pr_curves")
    best = reports["lstm"].training["best_epoch"]
    (entry,) = [entry for entry in answer[run] if entry["step"] == best]
    validation = task.examples("validation")
    logits = np.asarray(model(validation.sequences.padded(np.arange(40))), "float64")
    positive = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    is_positive = validation.targets == 1
    # Thresholds that nothing reaches are not shown.
    assert len(entry["thresholds"]) == np.floor(positive * 200).max() + 1
    for place, threshold in enumerate(entry["thresholds"]):
        predicted = np.floor(positive * 200) >= round(threshold * 200)
        hits = (predicted & is_positive).sum()
        assert entry["true_positives"][place] == hits
        assert entry["false_positives"][place] == (predicted & ~is_positive).sum()
        assert entry["recall"][place] == pytest.approx(hits / is_positive.sum())


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        (
            "lstm/logs/train",
            {"gates/block_0/forward/sentence_1", "gates/block_0/forward/sentence_2"},
        ),
        ("lstm/logs/validation", {"confusion_matrix/validation"}),
        ("lstm/logs/scores", {"confusion_matrix/test"}),
        (
            "transformer/logs/train",
            # The decoder reads one token, so that its attention to itself is not drawn.
            {
                f"attention/{of}/sentence_{n}"
                for of in ("encoder_0/self", "decoder_0/source")
                for n in (1, 2)
            },
        ),
        ("gru/logs/train", {"gates/block_0/forward/sentence_1"}),
    ],
)
def test_images_are_drawn(address, run, wanted):
    from matplotlib.image import imread

    assert tags(address, "images")[run].keys() == wanted
    last_epoch = 1 if run.startswith("transformer") else 2
    for tag in wanted:
        drawn = ask(address, "data/plugin/images/images", run=run, tag=tag, sample=0)
        by_epoch = run in ("lstm/logs/train", "lstm/logs/validation")
        assert [one["step"] for one in drawn] == ([1, 2] if by_epoch else [last_epoch])
        query = dict(urllib.parse.parse_qsl(drawn[-1]["query"]))
        content = ask(address, "data/plugin/images/individualImage", raw=True, **query)
        pixels = imread(io.BytesIO(content))
        assert min(pixels.shape[:2]) > 250
        assert pixels.std() > 0.05


def test_gates_have_histograms_of_what_they_did(address, lstm):
    model, task = lstm
    activity = zoo.inspection.gate_activity(model, task, images.SENTENCES[0])
    answer = ask(
        address,
        "data/plugin/histograms/histograms",
        run="lstm/logs/train",
        tag="gates/block_0/forward/forget/sentence_1",
    )
    forget = activity.find("block_0/forward").gates["forget"]
    assert np.array(answer[-1][2])[:, 2].sum() == forget.size


def test_the_report_is_a_table(address, reports):
    for name, report in reports.items():
        run = f"{name}/logs/scores"
        (scores,) = ask(address, "data/plugin/text/text", run=run, tag="report/scores")
        assert "<table>" in scores["text"]
        for metric, value in report.test.items():
            assert f"<td>{report.format_score(metric, value)}</td>" in scores["text"]
        (facts,) = ask(address, "data/plugin/text/text", run=run, tag="report/facts")
        parameters = f"<strong>parameters</strong>: {report.model['parameters']:,}"
        assert parameters in facts["text"]


def test_samples_are_what_the_model_writes_with_one_seed(address, runs, few_reviews, reports):
    model, task = zoo.load(runs / "gru", few_reviews)
    best = reports["gru"].training["best_epoch"]
    texts = samples.Samples(model, task)()
    for prompt, text in zip(samples.PROMPTS, texts, strict=True):
        assert text.startswith(prompt) and len(text.split()) > 10
        tag = f"samples/{prompt or 'start_of_text'}"
        answer = ask(address, "data/plugin/text/text", run="gru/logs/train", tag=tag)
        assert [entry["step"] for entry in answer] == [1, 2]
        (shown,) = [html.unescape(entry["text"]) for entry in answer if entry["step"] == best]
        title = f"Epoch {best}: prompt {prompt!r}, temperature 0.8, seed 0"
        assert title in shown and text in shown


# The comparison of runs


def test_options_and_scores_of_runs_are_compared(address, reports):
    experiment = ask(address, "data/plugin/hparams/experiment", {"hparamsLimit": 0})
    known = {info["name"] for info in experiment["hparamInfos"]}
    assert {"model", "units", "embedding_dim", "learning_rate", "seed", "batch_size"} <= known
    assert {"sequence_length", "vocabulary_size", "num_heads", "optimizer"} <= known
    metrics = [info["name"] for info in experiment["metricInfos"]]
    assert {"tag": "test/accuracy", "group": ""} in [
        {"tag": m["tag"], "group": m.get("group", "")} for m in metrics
    ]
    answer = ask(
        address,
        "data/plugin/hparams/session_groups",
        {
            "allowedStatuses": ["STATUS_SUCCESS"],
            "colParams": [{"metric": name, "order": "ORDER_UNSPECIFIED"} for name in metrics],
            "startIndex": 0,
            "sliceSize": 10,
        },
    )
    groups = {group["hparams"]["model"]: group for group in answer["sessionGroups"]}
    assert groups.keys() == {"lstm", "transformer", "gru"}
    for name, group in groups.items():
        report, told = reports[name], group["hparams"]
        assert told["run"] == name and group["name"].split()[0] == name
        assert told["seed"] == 3 and told["batch_size"] == 25
        assert told["learning_rate"] == pytest.approx(report.training["learning_rate"])
        assert told["parameters"] == report.model["parameters"]
        assert told.get("units") == (None if name == "transformer" else 6)
        values = {entry["name"]["tag"]: entry["value"] for entry in group["metricValues"]}
        for split, scores in (("validation", report.validation), ("test", report.test)):
            for metric, value in scores.items():
                assert values[f"{split}/{metric}"] == pytest.approx(value, rel=1e-6)


# How it is asked for


def test_the_profile_is_written_where_all_is_asked_for(runs):
    assert list((runs / "lstm/logs/train/plugins/profile").rglob("*.xplane.pb"))
    assert not (runs / "gru/logs/train/plugins").exists()


def bag(task, folder, **options):
    options = {"epochs": 1, "model_options": {"embedding_dim": 4}, **options}
    return fit_small("bag_of_words", task, folder, **options)


def test_no_dashboards_and_no_logs_of_an_earlier_run(few_reviews, tmp_path):
    task = zoo.tasks.sentiment(few_reviews)
    (tmp_path / "logs" / "train").mkdir(parents=True)
    (tmp_path / "logs" / "train" / "events.out.tfevents.1").write_bytes(b"")
    bag(task, tmp_path, dashboards="none")
    assert not (tmp_path / "logs").exists()
    with pytest.raises(ValueError, match="dashboards must be one of none, default, all; it is 'x'"):
        bag(task, tmp_path, dashboards="x")


def test_without_matplotlib_all_but_images_is_there(few_reviews, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(images, "can_draw", lambda: False)
    bag(zoo.tasks.sentiment(few_reviews), tmp_path)
    note = "Note: TensorBoard gets no images: matplotlib is missing"
    assert capsys.readouterr().err.count(note) == 1
    found = written_tags(tmp_path / "logs")
    assert not any("matrix" in tag for tag in found)
    assert {"epoch_loss", "report/scores", "positive/pr_curves"} <= found


def written_tags(folder):
    from tensorflow.python.summary.summary_iterator import summary_iterator

    return {
        value.tag
        for file in folder.rglob("events.out.*")
        for event in summary_iterator(str(file))
        for value in event.summary.value
    }


def test_on_another_backend_nothing_is_written(few_reviews, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "another")
    report = bag(zoo.tasks.sentiment(few_reviews), tmp_path)
    assert report.test and (tmp_path / "report.json").is_file()
    assert not (tmp_path / "logs").exists()


def test_it_serves_a_fit_by_hand(few_reviews, tmp_path):
    """With Keras's own fit, which tells no more than the logs."""
    task = zoo.tasks.sentiment(few_reviews)
    model = zoo.BagOfWords(**task.model_arguments(), embedding_dim=4)
    model.compile("adam", task.loss(), metrics=task.training_metrics())
    train, validation = (task.examples(split) for split in ("train", "validation"))
    pairs = [
        (part.sequences.padded(np.arange(len(part))), part.targets) for part in (train, validation)
    ]
    callback = zoo.inspection.TensorBoard(tmp_path, task=task)
    model.fit(*pairs[0], validation_data=pairs[1], epochs=1, verbose=0, callbacks=[callback])
    found = written_tags(tmp_path)
    assert {"epoch_loss", "epoch_accuracy", "step/loss", "validation/accuracy", "keras"} <= found
    assert "step/padding_share" not in found
    assert (tmp_path / "train" / "vectors.tsv").is_file()
    with pytest.raises(ValueError, match="dashboards must be one of default, all; it is 'some'"):
        zoo.inspection.TensorBoard(tmp_path, dashboards="some")


# A dashboard is one file


@pytest.fixture
def toy_dashboard(monkeypatch):
    """Registers a dashboard, as a new file in the package would."""
    known = dashboard._DASHBOARDS
    known.names()  # What the package has comes first.
    monkeypatch.setattr(known, "_makers", dict(known._makers))

    @dashboard.register_dashboard("toy")
    class Toy(dashboard.Dashboard):
        def on_fit_begin(self):
            self.steps = 0

        def on_step_end(self, logs):
            self.steps += 1

        def on_epoch_end(self):
            points = summaries.scalars({"toy/steps": self.steps})
            self.fit.train.write(points, self.fit.epoch)

        def on_report(self, report):
            self.fit.scores.write(summaries.text("toy/report", report.task), 0)

    return Toy


def test_a_dashboard_is_one_registered_class(few_reviews, tmp_path, toy_dashboard):
    bag(zoo.tasks.sentiment(few_reviews), tmp_path)
    assert {"toy/steps", "toy/report", "epoch_loss"} <= written_tags(tmp_path / "logs")


@pytest.mark.parametrize(
    "moment",
    ["applies", "on_fit_begin", "on_step_end", "on_epoch_end", "on_fit_end", "on_report"],
)
def test_a_dashboard_that_fails_is_a_note_and_does_not_stop_the_fit(
    moment, few_reviews, tmp_path, toy_dashboard, monkeypatch, capsys, eager
):
    def fail(*arguments):
        raise KeyError("a mistake")

    monkeypatch.setattr(toy_dashboard, moment, fail)
    report = bag(zoo.tasks.sentiment(few_reviews), tmp_path)
    assert report.test["accuracy"] > 0
    said = capsys.readouterr().err
    assert said.count("Note: TensorBoard's 'toy' failed and is left out: KeyError: 'a mist") == 1
    assert {"epoch_loss", "report/scores"} <= written_tags(tmp_path / "logs")


@keras.saving.register_keras_serializable(package="zoo")
class Windowed(keras.layers.Layer):
    """A block of an architecture that this zoo does not have."""

    def __init__(self, window, **options):
        super().__init__(**options)
        self.window = window

    def get_config(self):
        return {**super().get_config(), "window": self.window}


def test_the_options_of_a_new_architecture_are_compared():
    class Model:
        """What hyperparameters need of a model."""

        name = "windowed"

        def count_params(self):
            return 7

        def get_config(self):
            serialize = keras.saving.serialize_keras_object
            return {
                "name": "windowed",
                "blocks": [serialize(Windowed(n, name=f"block_{n}")) for n in (5, 6)],
                "token_embedding": serialize(keras.layers.Embedding(9, 4)),
                "temperature": 0.5,
                "final_norm": serialize(keras.layers.LayerNormalization()),
            }

    assert hparams.model_options(Model()) == {
        **{"model": "windowed", "parameters": 7, "num_layers": 2},
        **{"window": 5, "embedding_dim": 4, "temperature": 0.5},
    }


def test_the_options_of_a_task_are_those_of_its_signature(few_reviews):
    task = zoo.tasks.sentiment(few_reviews, truncation="end", temperature_scaling=True)
    task.examples("train")
    options = hparams.task_options(task)
    assert options["truncation"] == "end" and options["temperature_scaling"] is True
    assert options["adversarial"] == 0.0 and options["task"] == "sentiment"
    assert options["vocabulary_size"] == len(task.text_to_ids.vocabulary)


# The server


def test_a_folder_without_logs_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"holds no logs: expected the folder of a run"):
        zoo.inspection.TensorBoard.serve(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 65_536}, "port must be from 0 to 65535; it is 65536"),
        ({"port": -1}, "port must be from 0 to 65535; it is -1"),
        ({"host": ""}, "host must be an address of this machine; it is empty"),
        ({"host": "no.such.host.invalid"}, "host must be an address of this machine; it is 'no.s"),
        ({"host": "203.0.113.1"}, "address of this machine; it is '203.0.113.1' (Cannot assign"),
        ({"host": "-x"}, "host must be an address of this machine; it is '-x'"),
    ],
)
def test_an_address_that_cannot_be_served_is_one_sentence(options, message, tmp_path, capfd):
    from zoo.inspection.tensorboard.server import start

    logs = tmp_path / "logs"
    summaries.EventFile(logs).close()
    with pytest.raises(ValueError, match=re.escape(message)):
        start(logs, **{"port": 0, **options})
    assert capfd.readouterr() == ("", "")


def test_the_run_of_a_seed_keeps_the_name_of_the_whole_run(tmp_path):
    names = [
        hparams.run_name(tmp_path / "lstm" / folder / "logs", folder)
        for folder in ("seed_1", "seed_22", "seed_x", "gru")
    ]
    assert names == ["lstm/seed_1", "lstm/seed_22", "seed_x", "gru"]


def test_the_command_says_where_it_serves(runs):
    code = "from zoo.cli import main; main()"
    command = [sys.executable, "-c", code, "tensorboard", str(runs / "gru"), "--port", "0"]
    command += ["--host", "localhost"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().split()[0]
            assert address.startswith("http://localhost:")
            wait_until(lambda: ask(address, "data/runs"))
            wait_until(lambda: set(ask(address, "data/runs")) == {"train", "validation", "scores"})
        finally:
            process.terminate()
