"""Text regression: a number per text."""

from zoo.serving.kind import register_kind
from zoo.serving.text_predictor import TextPredictor


@register_kind
class TextRegressor(TextPredictor):
    """Predicts a number per text with the endpoint `serve` of a SavedModel.

    `serve` takes `text`, strings (B,), and returns `value`, `float32` (B,), in the unit of the
    training targets. A call returns a dict with `value` for one text, a list of dicts for several.

    Args:
        path: a SavedModel, the folder of a run, or the name of a pretrained model.

    Raises:
        ModelNotFoundError: if there is no model at `path`.
        FileError: if it is damaged or of another kind.
    """

    kind = "regress"
    purpose = "text regression"
    task_attributes = ("text_to_ids", "score", "mean", "scale")
    output = "value"
    columns = ("value",)

    @staticmethod
    def results(outputs, task):
        return {"value": task.mean + task.scale * outputs[:, 0]}

    def answer(self, prediction):
        return {"value": float(prediction)}

    def cells(self, answer, digits=6):
        return [f"{answer['value']:.{digits}g}"]
