"""The curves by epoch, of training and of validation."""

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import scalars


@register_dashboard("epoch_curves")
class EpochCurves(Dashboard):
    """Loss, metrics and seconds of each epoch: both runs share a chart for each."""

    def on_epoch_end(self):
        files = (self.fit.train, self.fit.validation)
        for file, scores in zip(files, self.fit.epoch_scores(), strict=True):
            tagged = {f"epoch_{name}": value for name, value in scores.items()}
            file.write(scalars(tagged), self.fit.epoch)
