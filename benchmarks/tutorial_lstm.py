"""Rival: sentiment on IMDb as in well-known tutorials.

TextVectorization with 10,000 words, every review truncated or padded to 500, an embedding of 128,
an LSTM of 128 whose last state goes to one sigmoid, Adam, batch size 128. It prints one JSON line
per stage. `seconds_so_far` includes importing, reading and tokenizing the training reviews and
fitting; it excludes everything that is done with the test reviews.

The comparison favors the tutorial: the ids are computed once and kept in memory.

    TFDS_DATA_DIR=... python benchmarks/tutorial_lstm.py --epochs 5
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

VOCABULARY_SIZE = 10_000
SEQUENCE_LENGTH = 500
WIDTH = 128
BATCH_SIZE = 128


class Stopwatch:
    """Add up the seconds of the stages, and print each when it ends."""

    def __init__(self):
        self.seconds_so_far = 0.0

    @contextmanager
    def stage(self, name: str, **facts) -> Iterator[dict]:
        """Time a block; entries of the yielded dictionary are printed with its seconds."""
        start = time.perf_counter()
        yield facts
        seconds = time.perf_counter() - start
        self.seconds_so_far += seconds
        self.say(stage=name, seconds=round(seconds, 2), **facts)

    def say(self, **facts) -> None:
        """Print one JSON line."""
        print(json.dumps({**facts, "seconds_so_far": round(self.seconds_so_far, 2)}), flush=True)


def read_imdb(split: str, limit: int | None):
    """Read the texts and labels of a split."""
    import tensorflow_datasets as tfds

    part = f"{split}[:{limit}]" if limit else split
    examples = tfds.load("imdb_reviews", split=part, batch_size=-1, as_supervised=True)
    return tfds.as_numpy(examples)


def build_model(mask_zero: bool):
    """Build the tutorial's network."""
    import keras

    model = keras.Sequential(
        [
            keras.layers.Embedding(VOCABULARY_SIZE, WIDTH, mask_zero=mask_zero),
            keras.layers.LSTM(WIDTH),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="tutorial_lstm",
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="number of reviews per split, for a quick check")
    parser.add_argument("--no-mask", action="store_true", help="run the LSTM over the padding too")
    arguments = parser.parse_args()
    watch = Stopwatch()

    with watch.stage("import"):
        import keras
        import tensorflow as tf
        import tensorflow_datasets  # noqa: F401

    keras.utils.set_random_seed(arguments.seed)

    with watch.stage("read") as facts:
        train_texts, train_labels = read_imdb("train", arguments.limit)
        facts["reviews"] = len(train_texts)
    test_texts, test_labels = read_imdb("test", arguments.limit)

    vectorize = keras.layers.TextVectorization(
        max_tokens=VOCABULARY_SIZE, output_sequence_length=SEQUENCE_LENGTH
    )

    def token_ids(texts):
        batches = tf.data.Dataset.from_tensor_slices(texts).batch(1024).map(vectorize)
        return tf.concat(list(batches), axis=0).numpy()

    with watch.stage("tokenize"):
        vectorize.adapt(tf.data.Dataset.from_tensor_slices(train_texts).batch(1024))
        train_ids = token_ids(train_texts)
    test_ids = token_ids(test_texts)

    train = tf.data.Dataset.from_tensor_slices((train_ids, train_labels))
    train = train.shuffle(len(train_ids)).batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)
    model = build_model(mask_zero=not arguments.no_mask)
    for epoch in range(1, arguments.epochs + 1):
        with watch.stage("fit", epoch=epoch) as facts:
            history = model.fit(train, epochs=1, verbose=0).history
            facts["train_accuracy"] = round(history["accuracy"][0], 4)
        loss, accuracy = model.evaluate(test_ids, test_labels, batch_size=BATCH_SIZE, verbose=0)
        watch.say(stage="test", epoch=epoch, accuracy=round(accuracy, 4), loss=round(loss, 4))


if __name__ == "__main__":
    main()
