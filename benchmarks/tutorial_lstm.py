"""The rival: sentiment on IMDb the way the well-known tutorials do it.

TextVectorization with 10,000 words, every review cut or padded to 500, an embedding of 128, an LSTM
of 128 whose last state goes to one sigmoid, Adam, batches of 128. It prints one JSON line a stage;
`seconds_so_far` is the way from raw text to here: importing, reading and tokenizing the training
reviews and fitting count, all that is done with the test reviews does not.

It is generous to the tutorial: the ids are made once and kept in memory.

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
    """Adds up the seconds of the stages, and prints each as it ends."""

    def __init__(self):
        self.seconds_so_far = 0.0

    @contextmanager
    def stage(self, name: str, **facts) -> Iterator[dict]:
        """Times what is inside; what is put into the yielded dictionary is printed with it."""
        start = time.perf_counter()
        yield facts
        seconds = time.perf_counter() - start
        self.seconds_so_far += seconds
        self.say(stage=name, seconds=round(seconds, 2), **facts)

    def say(self, **facts) -> None:
        """Prints one JSON line."""
        print(json.dumps({**facts, "seconds_so_far": round(self.seconds_so_far, 2)}), flush=True)


def read_imdb(split: str, limit: int | None):
    """Reads the texts and labels of a split."""
    import tensorflow_datasets as tfds

    part = f"{split}[:{limit}]" if limit else split
    examples = tfds.load("imdb_reviews", split=part, batch_size=-1, as_supervised=True)
    return tfds.as_numpy(examples)


def build_model(mask_zero: bool):
    """The tutorial's network."""
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
    parser.add_argument("--limit", type=int, help="reviews of each split, for a quick look")
    parser.add_argument(
        "--no-mask", action="store_true", help="let the LSTM run over the padding as well"
    )
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
