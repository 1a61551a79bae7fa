"""Training reviews per second of the tutorial's very network: fed its way, and ours.

The network: 10,000 words, embedding 128, LSTM 128, last state, one dense layer, Adam. Its way:
every review cut or padded to 500 ids, `fit` on the arrays. Ours: batches by length, as
`fit_and_evaluate` makes them. Rounds alternate; medians and their ratio are printed.

    TFDS_DATA_DIR=... taskset -c 0,1 python benchmarks/throughput.py
"""

import argparse
import statistics
import time

import zoo
from zoo.tasks.batches import epoch_batches

LENGTH, WIDTH = 500, 128


def tutorial(examples, masked: bool):
    """A round of the tutorial's way: a function of the number of reviews."""
    import keras

    # Without a mask an LSTM has to end on a word and not on padding: the padding goes left.
    side = "post" if masked else "pre"
    rows = [examples.sequences[i] for i in range(len(examples))]
    ids = keras.utils.pad_sequences(rows, LENGTH, padding=side)
    model = keras.Sequential(
        [
            keras.layers.Embedding(10_000, WIDTH, mask_zero=masked),
            keras.layers.LSTM(WIDTH),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])

    def fit(count):
        model.fit(ids[:count], examples.targets[:count], batch_size=128, verbose=0)

    return fit


def ours(task, examples, batch_size: int):
    """A round of our way: a function of the number of reviews."""
    import keras

    model = zoo.LSTM(
        **task.model_arguments(),
        embedding_dim=WIDTH,
        units=WIDTH,
        pooling="last",
        embedding_dropout=0.0,
        dropout=0.0,
    )
    model.compile("adam", task.loss(), metrics=task.training_metrics(), jit_compile=False)

    def fit(count):
        for indices in epoch_batches(examples.lengths[:count], batch_size, 0, 0):
            inputs, targets, weights = task.batch(examples, indices)
            model.train_on_batch(inputs, targets, weights)

    keras.utils.set_random_seed(0)
    return fit


def main() -> None:
    """Times each way in turn and prints reviews per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=2560, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    task = zoo.tasks.sentiment(
        zoo.datasets.imdb(),
        vocabulary_size=10_000,
        sequence_length=LENGTH,
        truncation="start",
        punctuation="drop",
    )
    examples = task.examples("train")
    ways = {
        "tutorial, batch 128, masked": tutorial(examples, masked=True),
        "tutorial, batch 128, padded left, no mask": tutorial(examples, masked=False),
        **{f"ours, batch {size}": ours(task, examples, size) for size in (128, 256, 512)},
    }
    for fit in ways.values():
        fit(1024)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, fit in ways.items():
            start = time.perf_counter()
            fit(arguments.reviews)
            seconds[name].append(time.perf_counter() - start)
    rates = {name: arguments.reviews / statistics.median(all_) for name, all_ in seconds.items()}
    rival = max(rate for name, rate in rates.items() if name.startswith("tutorial"))
    for name, rate in rates.items():
        print(f"{name:45} {rate:6.0f} reviews a second, {rate / rival:.2f} of the better tutorial")


if __name__ == "__main__":
    main()
