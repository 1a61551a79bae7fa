"""Three small runs with all that TensorBoard gets, and TensorBoard on them."""

import pytest

import zoo
from tests.helpers import ask, fit_small, made_once, wait_until
from zoo.inspection.tensorboard import images

# The runs that TensorBoard sees in each fit.
PARTS = ("train", "validation", "scores")


@pytest.fixture(scope="session")
def few_reviews():
    return zoo.datasets.load(
        "synthetic_reviews", train_size=150, validation_size=40, test_size=40, seed=1
    )


@pytest.fixture(scope="session")
def runs(few_reviews, tmp_path_factory):
    """A folder of runs: LSTM and Transformer with all dashboards, and a GRU that writes."""

    def make(folder):
        sentiment = zoo.tasks.sentiment(few_reviews)
        small = {"embedding_dim": 8, "units": 6}
        fit_small("lstm", sentiment, folder / "lstm", dashboards="all", model_options=small)
        fit_small(
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
            fit_small(
                "gru", zoo.tasks.text_generation(few_reviews), folder / "gru", model_options=small
            )

    return made_once(tmp_path_factory, "three_runs", make)


@pytest.fixture(scope="session")
def address(runs):
    """Where TensorBoard shows these runs, once it has read them all."""
    from zoo.inspection.tensorboard.server import start

    address = start(runs, port=0)
    wanted = {f"{run.name}/logs/{part}" for run in runs.iterdir() for part in PARTS}
    wait_until(lambda: wanted <= set(ask(address, "data/runs")))
    return address
