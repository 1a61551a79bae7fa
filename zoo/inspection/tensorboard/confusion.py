"""The confusion matrix of a classifier as an image."""

from collections.abc import Mapping
from typing import Any

from zoo import inspection
from zoo.inspection.tensorboard import images
from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import image


@register_dashboard("confusion_matrix")
class ConfusionMatrix(Dashboard):
    """Which class is mistaken for which: in the test split, or else in validation."""

    def applies(self):
        return self.fit.is_classifier and images.can_draw()

    def on_epoch_end(self):
        if self.fit.shows_all:
            self._draw("validation", self.fit.validation_details())

    def on_report(self, report):
        if report.details:
            self._draw("test", report.details)
        elif not self.fit.shows_all:
            self._draw("validation", self.fit.validation_details())

    def _draw(self, split: str, details: Mapping[str, Any]) -> None:
        if "confusion_matrix" not in details:
            return
        figure = inspection.plots.confusion_matrix(
            details["confusion_matrix"], details["label_names"]
        )
        file = self.fit.scores if split == "test" else self.fit.validation
        file.write(image(f"confusion_matrix/{split}", figure), self.fit.epoch)
