"""The confusion matrix of a classifier as an image; of many classes a table."""

from collections.abc import Mapping
from typing import Any

from zoo import inspection
from zoo.inspection.tensorboard import images
from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import image, table
from zoo.training.report_view import top_confusion_rows

# Confusions in the table of many classes.
_MAX_ROWS = 30


@register_dashboard("confusion_matrix")
class ConfusionMatrix(Dashboard):
    """Which class is mistaken for which: in the test split, or else in validation."""

    def applies(self):
        return self.fit.is_classifier

    def on_epoch_end(self):
        if self.fit.shows_all:
            self._draw("validation", self.fit.validation_details())

    def on_report(self, report):
        if report.details:
            self._draw("test", report.details)
        elif not self.fit.shows_all:
            self._draw("validation", self.fit.validation_details())

    def _draw(self, split: str, details: Mapping[str, Any]) -> None:
        file = self.fit.scores if split == "test" else self.fit.validation
        if "confusions" in details:
            rows = top_confusion_rows(details, _MAX_ROWS)
            file.write(table(f"confusions/{split}", rows or [["no confusions"]]), self.fit.epoch)
        elif "confusion_matrix" in details and images.can_draw():
            figure = inspection.plots.confusion_matrix(
                details["confusion_matrix"], details["label_names"]
            )
            file.write(image(f"confusion_matrix/{split}", figure), self.fit.epoch)
