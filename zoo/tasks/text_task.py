"""What the tasks share that ask for one target per text, such as a label or a number."""

from typing import Any

import numpy as np

from zoo.tasks.batches import Batch, sorted_batches
from zoo.tasks.data import Examples, TaskData
from zoo.tasks.task import WIDTH_MULTIPLE, NotFiniteError, Task


class TextTask(Task):
    """One target per text, from a model with a `"classifier"` or `"regressor"` head.

    A subclass says what the outputs and the target are, and scores them. Its columns are `"text"`
    and one more, the target.

    Attributes:
        num_outputs: C, the number of logits per text; 1 for a number.

    Shape letters: B batch, T tokens, N texts, C outputs.
    """

    head = "classifier"

    num_outputs: int

    @property
    def input_length(self) -> int:  # type: ignore[override]
        """The number of tokens that texts are truncated to."""
        return self.text_to_ids.sequence_length

    @classmethod
    def target_column(cls) -> str:
        """The name of the target's column."""
        (name,) = (name for name in cls.columns if name != "text")
        return name

    def make_data(self, dataset) -> TaskData:
        return TaskData(dataset, self.text_to_ids, self.target_column())

    def model_arguments(self) -> dict[str, Any]:
        return {**super().model_arguments(), "num_classes": self.num_outputs}

    def batch(self, examples, indices, *, model=None) -> Batch:
        del model
        inputs = examples.sequences.padded(indices, multiple_of=WIDTH_MULTIPLE)
        return Batch(inputs, examples.targets[indices], None, len(indices))

    def predict(self, model, examples: Examples, batch_size: int) -> np.ndarray:
        """The outputs of a model for N texts, `float32` (N, C).

        Raises:
            NotFiniteError: if one of them is NaN or infinite.
        """
        outputs = np.zeros((len(examples), self.num_outputs), "float32")
        for indices in sorted_batches(examples.lengths, batch_size):
            outputs[indices] = model.predict_on_batch(self.batch(examples, indices).inputs)
        if not np.isfinite(outputs).all():
            raise NotFiniteError("The model's outputs are NaN or infinite.")
        return outputs
