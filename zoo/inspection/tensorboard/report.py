"""The report of a run, for the text dashboard."""

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import table, text


@register_dashboard("report")
class ReportText(Dashboard):
    """Scores as a table. Facts are a list: in a table TensorBoard breaks words."""

    def on_report(self, report):
        facts = "\n".join(f"- **{name}**: {fact}" for name, fact in report.facts())
        self.fit.scores.write(table("report/scores", report.score_rows()), 0)
        self.fit.scores.write(text("report/facts", facts), 0)
