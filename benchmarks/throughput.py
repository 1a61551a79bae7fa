"""Training reviews per second of the tutorial's network, with the tutorial's input and the zoo's.

The network: 10,000 words, embedding 128, LSTM 128, last state, one dense layer, Adam. The tutorial
truncates or pads every review to 500 ids and calls `fit` on the arrays. The zoo uses batches of
similar length, as `fit_and_evaluate` does. Rounds alternate; medians and their ratio are printed.

    TFDS_DATA_DIR=... taskset -c 0,1 python benchmarks/throughput.py
"""

import argparse
import statistics
import time

import zoo
from zoo.tasks.batches import epoch_batches

LENGTH, WIDTH = 500, 128


def tutorial(examples, masked: bool):
    """Return a function that trains the tutorial's network on a number of reviews."""
    import keras

    # Without a mask the last state must be that of a word: padding goes to the left.
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
    """Return a function that trains the zoo's network on a number of reviews."""
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
            inputs, targets, weights, _ = task.batch(examples, indices)
            model.train_on_batch(inputs, targets, weights)

    keras.utils.set_random_seed(0)
    return fit


def main() -> None:
    """Time all in alternation, and print reviews per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=2560, help="reviews per round")
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
    fits = {
        "tutorial, batch 128, masked": tutorial(examples, masked=True),
        "tutorial, batch 128, padded left, no mask": tutorial(examples, masked=False),
        **{f"zoo, batch {size}": ours(task, examples, size) for size in (128, 256, 512)},
    }
    for fit in fits.values():
        fit(1024)
    seconds: dict[str, list[float]] = {name: [] for name in fits}
    for _ in range(arguments.rounds):
        for name, fit in fits.items():
            start = time.perf_counter()
            fit(arguments.reviews)
            seconds[name].append(time.perf_counter() - start)
    rates = {name: arguments.reviews / statistics.median(all_) for name, all_ in seconds.items()}
    rival = max(rate for name, rate in rates.items() if name.startswith("tutorial"))
    for name, rate in rates.items():
        print(f"{name:45} {rate:6.0f} reviews per second, {rate / rival:.2f} x the faster tutorial")


if __name__ == "__main__":
    main()
