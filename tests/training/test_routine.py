"""The one routine: what it promises of weights, scores and its report."""

import json
import math
import re

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import FIT, fit_writer, make_run
from zoo.tasks.batches import epoch_batches
from zoo.training.checkpoint import Checkpoint
from zoo.training.loop import TrainingError
from zoo.training.optimizers import OPTIMIZERS, WarmupDecay


@pytest.fixture(scope="module")
def task(reviews):
    return zoo.tasks.sentiment(reviews)


def small(task, **options):
    return lambda: zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8, **options)


def fit(task, model=None, **options):
    options = {**FIT, "epochs": 1, **options}
    return zoo.fit_and_evaluate(model or small(task), task, **options)


def test_one_seed_gives_the_same_weights_bit_by_bit(reviews, run, tmp_path):
    again = make_run(reviews, tmp_path / "again")
    other = make_run(reviews, tmp_path / "other", seed=4)
    first = zoo.load(run)[0].get_weights()
    second = zoo.load(tmp_path / "again")[0].get_weights()
    third = zoo.load(tmp_path / "other")[0].get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, third, strict=True))
    written = json.loads((run / "report.json").read_text())
    assert written["test"] == again.test
    assert written["test"] != other.test


def test_a_step_is_keras_own_step_on_the_batch_of_its_place(task):
    """The loop adds nothing to compile and train_on_batch but the order of the batches."""
    model = small(task, embedding_dropout=0.0, dropout=0.0)()
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    fit(task, model, optimizer=keras.optimizers.SGD(0.1), batch_size=50)

    clone.compile(keras.optimizers.SGD(0.1), task.loss())
    train = task.examples("train")
    for indices in epoch_batches(train.lengths, 50, seed=3, epoch=0):
        rows = [train.sequences[i] for i in indices]
        padded = keras.utils.pad_sequences(rows, padding="post")
        clone.train_on_batch(padded, train.targets[indices])
    for mine, kerass in zip(model.get_weights(), clone.get_weights(), strict=True):
        np.testing.assert_allclose(mine, kerass, atol=1e-6)


def test_dropout_is_a_function_of_seed_and_step(task):
    """Two models that have drawn differently before go the same way from here."""
    build = small(task, embedding_dropout=0.5, dropout=0.5)
    keras.utils.set_random_seed(0)
    first, second = build(), build()
    second.set_weights(first.get_weights())
    for _ in range(3):
        second(np.ones((1, 4), "int32"), training=True)
    fit(task, first)
    fit(task, second)
    for a, b in zip(first.trainable_variables, second.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_best_epoch_is_kept_and_a_fit_without_progress_stops(task):
    model = small(task)()

    class Spoiler(keras.callbacks.Callback):
        """Makes each epoch worse than the one before."""

        def on_epoch_begin(self, epoch, logs=None):
            self.model.logits.bias.assign([10.0 * epoch, -10.0 * epoch])

    report = fit(task, model, epochs=9, early_stopping=2, callbacks=[Spoiler()])
    losses = [entry["val_loss"] for entry in report.history]
    assert len(losses) == 3 and losses[0] == min(losses)
    assert report.training["best_epoch"] == 1
    assert report.validation["loss"] == losses[0]
    assert zoo.evaluate(model, task, "validation").scores["loss"] == pytest.approx(losses[0])


def test_the_test_split_is_looked_at_once_and_last(reviews):
    looked = []

    class Watched(zoo.tasks.Sentiment):
        def examples(self, split):
            looked.append(split)
            return super().examples(split)

    task = Watched.from_dataset(reviews)
    fit(task, epochs=3)
    assert looked.count("test") == 1 and looked[-1] == "test"
    looked.clear()
    assert fit(task, test=False).test == {}
    assert "test" not in looked


def test_several_seeds_give_mean_and_spread(task, tmp_path):
    report = fit(task, seeds=[1, 2], seed=0, log_dir=tmp_path)
    accuracies = [run.test["accuracy"] for run in report.runs]
    assert [run.seed for run in report.runs] == [1, 2]
    assert report.test["accuracy"] == pytest.approx(np.mean(accuracies))
    assert report.spread["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    best = min(report.runs, key=lambda run: run.validation["loss"]).seed
    kept, best_of_all = (zoo.load(p)[0] for p in (tmp_path, tmp_path / f"seed_{best}"))
    for a, b in zip(kept.get_weights(), best_of_all.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert zoo.Report.load(tmp_path / "report.json") == report
    with pytest.raises(ValueError, match="must be a function that returns a new model"):
        fit(task, small(task)(), seeds=[1, 2])


def test_class_weights_weigh_the_loss(task, reviews):
    def weighted(class_weights):
        return zoo.tasks.sentiment(reviews, vocabulary_of=task, class_weights=class_weights)

    train = task.examples("train")
    counts = np.bincount(train.targets)
    balanced = weighted("balanced").weight_of_class
    np.testing.assert_allclose(balanced * counts, len(train) / 2)
    by_name = weighted({"positive": 3, "negative": 1})
    assert by_name.weight_of_class.tolist() == [1, 3]
    again = zoo.tasks.task_from_config(by_name.get_config(), reviews)
    assert again.weight_of_class.tolist() == [1, 3]
    indices = np.arange(20)
    weights = by_name.training_batch(train, indices, np.random.default_rng(0)).weights
    np.testing.assert_array_equal(weights, [[1, 3][label] for label in train.targets[indices]])
    assert by_name.batch(train, indices).weights is None
    with pytest.raises(ValueError, match=r"weight for each of 'negative', 'positive'"):
        weighted({"positive": 3})
    # All weight on one class: the model learns to say nothing else.
    model = small(task)()
    fit(weighted({"positive": 1, "negative": 0}), model, epochs=3, learning_rate=0.05)
    logits = keras.ops.convert_to_numpy(model(train.sequences.padded(np.arange(50))))
    assert (logits.argmax(axis=1) == 1).all()


@pytest.mark.parametrize("decay", ["linear", "cosine", "constant"])
def test_the_rate_rises_and_falls(decay):
    rate = WarmupDecay(2.0, 100, warmup=0.1, decay=decay)
    rates = [float(rate(step)) for step in range(101)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10 * 2, rtol=1e-5)
    middle, end = {
        "linear": (1.0, 0.0),
        "cosine": (1 + math.cos(math.pi * 45 / 90), 0.0),
        "constant": (2.0, 2.0),
    }[decay]
    assert rates[55] == pytest.approx(middle) and rates[100] == pytest.approx(end, abs=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon", "sgd"])
def test_optimizers_by_name(task, optimizer):
    model = small(task)()
    fit(task, model, optimizer=optimizer)
    assert type(model.optimizer).__name__.lower() == f"finite{optimizer}"
    assert model.optimizer.global_clipnorm == 1.0


def test_a_loss_that_is_no_number_stops_with_the_step(task):
    model = small(task)()
    model.logits.bias.assign([math.nan, 0.0])
    with pytest.raises(TrainingError, match=r"Loss is nan at step 1.*lower learning_rate"):
        fit(task, model)


def test_after_a_loss_that_is_no_number_the_last_checkpoint_is_good(task, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoint, "is_due", True)

    class Spoiler(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.logits.bias.assign([math.nan, 0.0])

    with pytest.raises(TrainingError) as told:
        fit(task, epochs=2, log_dir=tmp_path, callbacks=[Spoiler()])
    assert re.fullmatch(
        r"Loss is nan at step 6 in epoch 2: try a lower learning_rate or clip_norm, in "
        r"another folder or with overwrite=True\. .*model\.keras holds the weights of the best "
        r"epoch, 1\. Resuming from checkpoint\.npz would fail the same way\.",
        str(told.value),
    )
    weights = zoo.load(tmp_path)[0].get_weights()
    assert all(np.isfinite(array).all() for array in weights)
    # Nothing spoils it now: it goes on.
    assert len(fit(task, epochs=2, log_dir=tmp_path, resume=True).history) == 2


def test_a_validation_loss_that_is_no_number_makes_no_best_epoch(task, tmp_path):
    class Spoiler(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 4:
                self.model.logits.bias.assign([math.nan, 0.0])

    with pytest.raises(TrainingError, match=r"Validation loss is NaN or infinite in epoch 1: try"):
        fit(task, log_dir=tmp_path, callbacks=[Spoiler()])
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1; it is 0"),
        ({"batch_size": -3}, "batch_size must be at least 1; it is -3"),
        ({"optimizer": "adamm"}, "optimizer must be one of adam, adamw, muon, sgd"),
        ({"schedule": "step"}, "schedule must be one of linear, cosine, constant"),
        ({"warmup": 1.0}, "warmup must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"seeds": []}, "seeds must be different numbers, one at least"),
        ({"seeds": [1, 1]}, "seeds must be different numbers, one at least"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(task, arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(task, **arguments)


def test_a_model_that_reads_both_ways_is_refused_before_it_is_fitted(reviews):
    task = zoo.tasks.text_generation(reviews)
    model = zoo.LSTM(**task.model_arguments(), embedding_dim=4, units=4, bidirectional=True)
    weights = model.get_weights()
    for run_it in (fit, zoo.dry_run):
        options = {"model": lambda: model} if run_it is zoo.dry_run else {"model": model}
        with pytest.raises(ValueError, match=r"text_generation requires a causal model"):
            run_it(task=task, **options)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_tensorboard_finds_train_and_validation_scalars(run):
    from tensorflow.python.summary.summary_iterator import summary_iterator

    for part in ("train", "validation"):
        (file,) = (run / "logs" / part).glob("events.out.*")
        tags = {v.tag for event in summary_iterator(str(file)) for v in event.summary.value}
        assert {"epoch_loss", "epoch_accuracy"} <= tags


# Text generation


@pytest.mark.slow
def test_text_generation_with_one_seed_gives_the_same_weights_bit_by_bit(
    reviews, writing_run, tmp_path
):
    task = zoo.tasks.text_generation(reviews)
    report = fit_writer(task, tmp_path / "again")
    first, again = (zoo.load(path)[0].get_weights() for path in (writing_run, tmp_path / "again"))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    written = zoo.Report.load(writing_run / "report.json")
    assert (written.test, written.history[0]["loss"]) == (report.test, report.history[0]["loss"])
    other = fit_writer(task, tmp_path / "other", seed=4)
    assert other.test != report.test


def test_the_loss_of_an_epoch_is_the_mean_over_its_tokens(reviews):
    """At a rate of nearly nothing it is the loss of the untrained model on the whole split."""
    task = zoo.tasks.text_generation(reviews, sequence_length=16, context_length=16)
    model = zoo.GRU(
        **task.model_arguments(), embedding_dim=8, units=8, embedding_dropout=0.0, dropout=0.0
    )
    # Tokens that are far from equally likely, so that batches of short texts differ from the rest.
    model.logits.bias.assign(np.random.default_rng(0).normal(0, 3, model.logits.bias.shape))
    report = fit(task, model, learning_rate=1e-12, batch_size=7, test=False)
    examples = task.data.epoch_examples(3, 0)
    total, tokens = 0.0, 0.0
    for start in range(0, len(examples), 50):
        indices = np.arange(start, min(start + 50, len(examples)))
        inputs, targets, weights, _ = task.batch(examples, indices, model=model)
        logits = np.asarray(model(inputs)).astype("float64")
        log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        told = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
        total -= (told * weights).sum()
        tokens += weights.sum()
    assert tokens == examples.num_asked
    assert report.history[0]["loss"] == pytest.approx(total / tokens, rel=1e-5)


def test_learning_to_write_lowers_the_loss(writing_run):
    report = zoo.Report.load(writing_run / "report.json")
    untrained = math.log(len(zoo.load(writing_run)[1].text_to_ids.vocabulary))
    assert report.best_possible["loss"] < report.test["loss"] < untrained - 0.5
    assert report.test["perplexity"] == pytest.approx(math.exp(report.test["loss"]))
    assert report.history[-1]["val_loss"] < report.history[0]["val_loss"]


def test_temperature_scaling_changes_how_sure_and_not_what(reviews):
    """Against the same fit without: logits at a fixed ratio, and the least loss on validation."""
    from zoo.tasks import scores

    fitted = {}
    for scaled in (False, True):
        task = zoo.tasks.sentiment(reviews, temperature_scaling=scaled)
        keras.utils.set_random_seed(3)
        model = small(task)()
        report = fit(task, model, epochs=6, learning_rate=0.05, test=False)
        validation = task.examples("validation")
        logits = model.predict(validation.sequences.padded(np.arange(80)), verbose=0)
        fitted[scaled] = logits, report.validation
    temperature = scores.best_temperature(validation.targets, fitted[False][0])
    assert abs(temperature - 1) > 0.05
    np.testing.assert_allclose(
        fitted[True][0], fitted[False][0] / temperature, rtol=1e-4, atol=1e-5
    )
    assert fitted[True][1]["accuracy"] == fitted[False][1]["accuracy"]
    assert fitted[True][1]["loss"] < fitted[False][1]["loss"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_beyond_all_floats_is_left_out(name):
    weights = keras.Variable(np.ones((4, 4), "float32"), name="kernel")
    optimizer = OPTIMIZERS[name](0.1, global_clipnorm=1.0)
    optimizer.build([weights])
    for gradient in (1e30, np.inf, np.nan):
        optimizer.apply([np.full((4, 4), gradient, "float32")])
        assert np.isfinite(weights).all()
    before = np.asarray(weights)
    optimizer.apply([np.eye(4, dtype="float32")])
    assert (np.diag(np.asarray(weights) - before) < -0.01).all()


def test_a_run_that_is_broken_off_leaves_its_best_weights(task, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(task, epochs=3, log_dir=tmp_path, callbacks=[Stop()])
    model, read_back = zoo.load(tmp_path)
    assert read_back.text_to_ids.vocabulary == task.text_to_ids.vocabulary
    assert not (tmp_path / "report.json").exists()
    assert zoo.evaluate(model, task, "validation").scores["accuracy"] > 0
