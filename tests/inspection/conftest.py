"""Three small runs with all that TensorBoard gets, and TensorBoard on them."""

import json
import time
import urllib.parse
import urllib.request

import pytest

import zoo
from zoo.inspection.tensorboard import images

# The runs that TensorBoard sees in each fit.
PARTS = ("train", "validation", "scores")


def fit(name, task, folder, **options):
    """Fits a model that is as small as it can be."""
    model_options = options.pop("model_options")
    settings = {"epochs": 2, "batch_size": 25, "seed": 3, "verbose": False, **options}
    return zoo.fit_and_evaluate(
        lambda: zoo.create_model(name, **task.model_arguments(), **model_options),
        task,
        log_dir=folder,
        **settings,
    )


@pytest.fixture(scope="session")
def few_reviews():
    return zoo.datasets.load(
        "synthetic_reviews", train_size=150, validation_size=40, test_size=40, seed=1
    )


@pytest.fixture(scope="session")
def runs(few_reviews, tmp_path_factory):
    """A folder of runs: LSTM and Transformer with all dashboards, and a GRU that writes."""
    folder = tmp_path_factory.mktemp("runs")
    sentiment = zoo.tasks.sentiment(few_reviews)
    small = {"embedding_dim": 8, "units": 6}
    fit("lstm", sentiment, folder / "lstm", dashboards="all", model_options=small)
    fit(
        "transformer",
        sentiment,
        folder / "transformer",
        epochs=1,
        learning_rate=0.01,
        dashboards="all",
        model_options={"embedding_dim": 8, "hidden_units": 8},
    )
    with pytest.MonkeyPatch.context() as patch:
        # As if it were a fit of some length, at the end of which images are drawn by default.
        patch.setattr(images, "LONG_FIT", 0.0)
        fit("gru", zoo.tasks.text_generation(few_reviews), folder / "gru", model_options=small)
    return folder


@pytest.fixture(scope="session")
def address(runs):
    """Where TensorBoard shows these runs, once it has read them all."""
    from zoo.inspection.tensorboard.server import start

    address = start(runs, port=0)
    wanted = {f"{run.name}/logs/{part}" for run in runs.iterdir() for part in PARTS}
    wait_until(lambda: wanted <= set(ask(address, "data/runs")))
    return address


def ask(address, path, body=None, raw=False, **query):
    """What TensorBoard answers: JSON, or bytes as they are."""
    url = f"{address}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
    return content if raw else json.loads(content)


def wait_until(is_so, seconds=300):
    """Asks again and again until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "It did not come in time."
        time.sleep(0.2)
