"""The report of a run, for the text dashboard."""

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import escape_markdown, table, text
from zoo.training import report_view


@register_dashboard("report")
class ReportText(Dashboard):
    """Scores as a table. Facts are a list: in a table TensorBoard breaks words."""

    def on_report(self, report):
        facts = "\n".join(
            f"- **{name}**: {escape_markdown(fact)}" for name, fact in report_view.facts(report)
        )
        self.fit.scores.write(table("report/scores", report_view.score_rows(report)), 0)
        self.fit.scores.write(text("report/facts", facts), 0)
