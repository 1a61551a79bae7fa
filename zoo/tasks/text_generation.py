"""Language modelling: the next token of a text."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from zoo.datasets import DatasetError, TextDataset
from zoo.preprocessing import TokenSequences
from zoo.tasks.batches import Batch, sorted_batches
from zoo.tasks.data import SPLITS, TaskData
from zoo.tasks.description import Description
from zoo.tasks.metric import Metric
from zoo.tasks.registry import register_task
from zoo.tasks.spelling import NUM_SYMBOLS, byte_counts, spelling_nats
from zoo.tasks.task import WIDTH_MULTIPLE, Evaluation, NotFiniteError, Task
from zoo.tasks.text_options import make_text_to_ids, takes_text_options
from zoo.tasks.windows import (
    TextWindows,
    evaluation_windows,
    slice_padded,
    training_windows,
)
from zoo.utils.special_tokens import MAX_PROMPT_TOKENS

# Logits that are held at a time while a split is scored: a quarter of a gigabyte.
_MAX_LOGITS = 2**26

# Negative samples in a training step of a larger vocabulary.
_SAMPLED_TOKENS = 1024

# Minimum ratio of vocabulary to samples: below it, a full softmax costs little more.
_WORTH_SAMPLING = 4


class _Windows(TaskData):
    """Windows of documents for next-token prediction.

    Args:
        dataset: where the texts come from.
        text_to_ids: a `TextToIds`.
        sequence_length: tokens of a training window.
        context_length: tokens of an evaluation window.
    """

    def __init__(self, dataset, text_to_ids, sequence_length: int, context_length: int):
        super().__init__(dataset, text_to_ids)
        self._sequence_length, self._context_length = sequence_length, context_length

    @functools.cached_property
    def _training_texts(self) -> tuple[Sequence[str], int]:
        return self.dataset.texts_for_language_modelling()

    def texts(self, split: str) -> Sequence[str]:
        """The texts of a split: those of train with the unlabelled ones, without duplicates."""
        return self._training_texts[0] if split == "train" else super().texts(split)

    def make_examples(self, sequences: TokenSequences, split: str) -> TextWindows:
        if split == "train":
            return training_windows(sequences, self._sequence_length)
        return evaluation_windows(sequences, self._context_length, split)

    def epoch_examples(self, seed: int, epoch: int) -> TextWindows:
        documents = self.examples("train").documents
        return training_windows(
            documents, self._sequence_length, np.random.default_rng([seed, epoch])
        )

    def check(self, splits: Sequence[str] = SPLITS) -> list[str]:
        sentences = super().check(splits)
        num_tokens = self.examples("train").num_asked
        if num_tokens < self._sequence_length:
            raise DatasetError(
                f"The training texts must fill one window of sequence_length = "
                f"{self._sequence_length:,} tokens; they have {num_tokens:,} tokens to predict."
            )
        return sentences

    def notes(self) -> list[str]:
        texts, left_out = self._training_texts
        notes = [f"Training texts: {len(texts):,}."]
        if left_out:
            reason = "they are also in validation or test"
            notes.append(f"Training texts excluded because {reason}: {left_out:,}.")
        return notes


@register_task
class TextGeneration(Task):
    """Language modelling: next-token prediction. Created by `text_generation`.

    Args:
        text_to_ids: a `TextToIds` with a start token.
        sequence_length: tokens per training window.
        context_length: tokens per evaluation window.
        sampled_tokens: negative samples per training step; 0 computes the full softmax.
        spelling: counts of each byte, and of the end of a word, in out-of-vocabulary training
            words, (257,); None to count them.
        dataset: texts, or None.
    """

    name = "text_generation"
    head = "language_model"
    serving = "generate"
    pipeline = "text-generation"
    columns: ClassVar[Mapping[str, str]] = {"text": "text"}
    metrics = (
        Metric("loss", "nats"),
        Metric("perplexity"),
        # Nats per token depend on the tokens; bits per character compare all levels.
        Metric("bits_per_character", "bits", main=True),
    )
    description = Description(
        purpose="It continues a text and computes the probability of a text.",
        use=(
            ("sh", 'zoo generate --model {name} "The" --temperature 0.8 --top-k 40'),
            (
                "python",
                "import zoo\n\n"
                'generate = zoo.pipeline("{name}")\n'
                'generate("The", temperature=0.8, top_k=40, seed=7)["text"]',
            ),
            (
                "python",
                "import tensorflow as tf\n\n"
                'model = tf.saved_model.load("saved_models/{name}/1")\n'
                'model.generate(tf.constant(["The"]))  # or with temperature=, top_k=, seed=, ...',
            ),
        ),
        misuse=(
            "Facts and advice. The output imitates {data}: it is mostly untrue, often contradicts "
            "itself, and can attribute false statements to real people and works.",
            "Display without a warning. The training texts may contain insults, prejudice, sex and "
            "violence; the output can be offensive and is not filtered.",
            "Text that passes as written by people, such as reviews of films, products or places.",
            "Text that must be free of copyright: the output can repeat passages of the training "
            "texts.",
            "Other languages, and other kinds of text than {data}.",
        ),
    )
    monitor = ("val_loss", "min")
    default_dataset = "tiny_shakespeare"
    suggested_optimizer = "muon"
    suggested_steps = 2000

    def __init__(
        self,
        text_to_ids,
        *,
        sequence_length: int,
        context_length: int,
        sampled_tokens: int = _SAMPLED_TOKENS,
        spelling: Sequence[int] | None = None,
        dataset: TextDataset | None = None,
    ):
        for name, value in (
            ("sequence_length", sequence_length),
            ("context_length", context_length),
        ):
            if value < 2:
                raise ValueError(f"{name} must be 2 or more; it is {value}.")
        if sampled_tokens < 0:
            raise ValueError(f"sampled_tokens must be 0 or more; it is {sampled_tokens}.")
        self.sequence_length = sequence_length
        self.context_length = context_length
        self.input_length = max(sequence_length, context_length)
        self.sampled_tokens = sampled_tokens
        self._spelling = None if spelling is None else list(spelling)
        super().__init__(text_to_ids, dataset)

    @classmethod
    @takes_text_options(
        without=("sequence_length", "truncation"),
        min_frequency=None,
        lowercase=False,
        punctuation="keep",
        whitespace="keep",
    )
    def from_dataset(
        cls,
        dataset: TextDataset,
        *,
        sequence_length: int = 128,
        context_length: int | None = None,
        sampled_tokens: int = _SAMPLED_TOKENS,
        **text_options,
    ) -> "TextGeneration":
        """The task on a dataset, with a vocabulary of its training texts.

        Options that are not listed here are those of `make_text_to_ids`.

        Args:
            dataset: texts.
            min_frequency: minimum number of occurrences of a token in the vocabulary; None for 2
                with words and 1 with characters.
            sequence_length: tokens per training window.
            context_length: tokens per evaluation window; None for `sequence_length`.
            sampled_tokens: negative samples per training step, for vocabularies at least four
                times as large; 0 computes the full softmax.
            **text_options: how texts become ids.
        """
        text_to_ids = make_text_to_ids(
            cls.from_dataset,
            **text_options,
            sequence_length=None,
            truncation="start",
            add_start=True,
            # A stretch of a running text has no end to be learned.
            add_end=not dataset.is_continuous,
        )
        return cls(
            text_to_ids,
            sequence_length=sequence_length,
            context_length=sequence_length if context_length is None else context_length,
            sampled_tokens=sampled_tokens,
            dataset=dataset,
        )

    def make_data(self, dataset: TextDataset) -> "_Windows":
        return _Windows(dataset, self.text_to_ids, self.sequence_length, self.context_length)

    @property
    def spelling(self) -> list[int] | None:
        """Byte counts of the training words without an id, (257,); None if not counted yet."""
        if self._spelling is None and self.has_data and self.text_to_ids.table is not None:
            unknown = self.text_to_ids.oov_counts
            if unknown is None:  # The vocabulary was learned elsewhere.
                _, unknown = self.data.measure("train")
            self._spelling = byte_counts(unknown)
        return self._spelling

    # Training

    def batch(self, examples: TextWindows, indices, *, model=None) -> Batch:
        return _packed(examples, indices, examples.asked[indices], model)

    def training_batch(self, examples: TextWindows, indices, random, *, model=None) -> Batch:
        if not model.is_encoder_decoder:
            return self.batch(examples, indices, model=model)
        # At the same share of all: windows of one length then have sources of one length, and
        # half of a batch would be padding otherwise.
        begin, end = examples.begin[indices], examples.end[indices]
        asked = begin + 1 + (random.uniform() * (end - begin - 1)).astype("int64")
        return _packed(examples, indices, asked, model)

    def training_model(self, model):
        vocabulary_size = len(self.text_to_ids.vocabulary)
        if not 0 < _WORTH_SAMPLING * self.sampled_tokens <= vocabulary_size:
            return model
        from zoo.tasks.training_models.sampled_softmax import (
            CandidateSampler,
            SampledSoftmax,
        )

        counts = np.bincount(self.examples("train").documents.ids, minlength=vocabulary_size)
        return SampledSoftmax(model, CandidateSampler(counts, self.sampled_tokens))

    def prompt_to_ids(self):
        """A `TextToIds` for the beginning of a text: the last tokens of a long one, and no end."""
        return self.text_to_ids.variant(
            sequence_length=MAX_PROMPT_TOKENS, truncation="end", add_end=False, name="prompt_to_ids"
        )

    def loss(self):
        import keras

        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )

    def best_possible(self) -> dict[str, float] | None:
        known = self.data.dataset.best_possible if self.has_data else None
        tokenizer = self.text_to_ids.tokenizer
        if not known or not tokenizer.is_lossless or tokenizer.unit is None:
            return None
        nats = {"word": known.nats_per_token, "character": known.nats_per_character}
        return _scores(nats[tokenizer.unit], known.nats_per_character)

    # Scores

    def evaluate(self, model, examples: TextWindows, batch_size: int) -> Evaluation:
        losses = _token_losses(model)
        longest = int(examples.lengths.max(initial=1))
        at_once = _MAX_LOGITS // (longest * len(self.text_to_ids.vocabulary))
        nats = 0.0
        for indices in sorted_batches(examples.lengths, max(min(batch_size, at_once), 1)):
            batch = self.batch(examples, indices, model=model)
            each = losses.predict_on_batch({"inputs": batch.inputs, "targets": batch.targets})
            nats += float((np.asarray(each, "float64") * batch.weights).sum())
        if not math.isfinite(nats):
            raise NotFiniteError("The model's loss is NaN or infinite.")
        return self.score(nats, examples.num_asked, examples.split)

    def score(self, nats: float, num_tokens: int, split: str) -> Evaluation:
        """All metrics of a split.

        Args:
            nats: minus the logarithm of the probability of all its tokens.
            num_tokens: how many these are, end tokens included.
            split: which one.
        """
        num_characters, unknown = self.data.measure(split)
        nats_of_unknown = spelling_nats(unknown, self.spelling or [0] * NUM_SYMBOLS)
        # A text without a token has no loss, and a perplexity of 1.
        loss = nats / max(num_tokens, 1)
        return Evaluation(
            dict(_scores(loss, (nats + nats_of_unknown) / max(num_characters, 1))),
            {
                "tokens": num_tokens,
                "characters": num_characters,
                "unknown_share": sum(unknown.values()) / max(num_tokens, 1),
                "spelling_nats": nats_of_unknown,
                "context": self.context_length,
                "level": self.text_to_ids.tokenizer.name,
                "vocabulary": len(self.text_to_ids.vocabulary),
            },
        )


def text_generation(dataset: TextDataset, **options) -> TextGeneration:
    """Language modelling: next-token prediction.

    The training texts include unlabelled ones and exclude those that are also in validation or
    test. Each document begins with a start token and ends with an end token, which is predicted
    like any other; excerpts of one continuous text have no end token. Long documents are cut into
    windows, at different positions in each epoch. Evaluation scores every token of a split once,
    with a context of at least half of `context_length` where the document has it. Encoder-decoders,
    which take the prefix as a separate input, are scored on the same tokens.

    Scores are `loss`, in nats per token; `perplexity`, its exponential; and `bits_per_character`,
    which compares tokenizers. Its cost of an out-of-vocabulary word is that of the unknown token
    plus that of its spelling: its bytes and an end of word, by their frequencies in the
    out-of-vocabulary words of the training split, with add-one smoothing. The characters are those
    of the tokenized text, with an end token counted as one.

    Args:
        dataset: texts; labels are ignored.
        **options: `level`, `"word"`, `"character"` or another tokenizer; `vocabulary_size` (20,000,
            special tokens included); `min_frequency` of a token (2 for words, 1 for characters);
            `sequence_length`, tokens per training window (128); `context_length`, tokens per
            evaluation window (the same); `sampled_tokens`, negative samples per training step, for
            vocabularies at least four times as large (1,024; 0 computes the full softmax, more
            slowly; scores always use the full softmax); options of the tokenizer, see
            `zoo.preprocessing.Words`: `lowercase` (False), `markup` (`"remove"`), `punctuation`
            (`"keep"`), `whitespace` (`"keep"`: line ends and indentation are tokens); and
            `vocabulary_of`, a task whose vocabulary and tokenizer settings are reused.

    >>> import zoo
    >>> reviews = zoo.datasets.synthetic_reviews(train_size=80, validation_size=40, test_size=40)
    >>> task = zoo.tasks.text_generation(reviews, sequence_length=32)
    >>> task.model_arguments()["head"]
    'language_model'
    """
    return TextGeneration.from_dataset(dataset, **options)


def _packed(examples: TextWindows, indices, asked, model) -> Batch:
    """Windows as a model reads them, with the tokens from `asked` (B,) on as targets."""
    ids, begin, end = examples.documents.ids, examples.begin[indices], examples.end[indices]
    packed = model.pack(
        slice_padded(ids, begin, asked), slice_padded(ids, asked, end), multiple_of=WIDTH_MULTIPLE
    )
    weights = packed.is_asked.astype("float32")
    return Batch(packed.inputs, packed.targets, weights, int(weights.sum()))


def _scores(nats_per_token: float, nats_per_character: float) -> dict[str, float]:
    return {
        "loss": nats_per_token,
        "perplexity": math.exp(min(nats_per_token, 700)),
        "bits_per_character": nats_per_character / math.log(2),
    }


def _token_losses(model):
    """A model {"inputs", "targets" (B, T)} -> minus the log-probability of each target (B, T)."""
    import keras

    class TokenLosses(keras.Model):
        def call(self, batch):
            return keras.losses.sparse_categorical_crossentropy(
                batch["targets"], model(batch["inputs"], training=False), from_logits=True
            )

    return TokenLosses()
