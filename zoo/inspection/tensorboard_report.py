"""The report of a run, for the text dashboard."""

from zoo import report as reports


def scores_table(report) -> list[list[str]]:
    """The scores of a `zoo.Report` of one run: a header, and a row a score."""
    columns = {"validation": report.validation, "test": report.test}
    if report.optimum:
        columns["best possible"] = report.optimum
    rows = [["score", *columns]]
    for name in report.validation:
        values = (reports.written(name, scores.get(name)) for scores in columns.values())
        rows.append([name.replace("_", " "), *values])
    return rows


def facts_list(report) -> str:
    """All else that it tells, as a list in Markdown: in a table TensorBoard breaks words."""
    sizes = ", ".join(f"{count:,} {split}" for split, count in report.dataset["sizes"].items())
    seconds = ", ".join(f"{name} {value:.1f}" for name, value in report.seconds.items())
    training = {name: value for name, value in report.training.items() if value is not None}
    facts = {
        "model": f"{report.model['name']}, {report.model['parameters']:,} parameters",
        "task": report.task,
        "data": f"{report.dataset['name']}: {sizes}",
        "seed": str(report.seed),
        "padding": f"{report.padding_share:.1%}",
        "seconds": seconds,
        "throughput": f"{report.throughput['tokens_per_second']:,.0f} tokens a second",
        "peak memory": f"{report.peak_memory_mb:,.0f} MB",
        **{name.replace("_", " "): str(value) for name, value in training.items()},
        "versions": ", ".join(f"{name} {of}" for name, of in report.versions.items()),
        "cores": str(report.cores),
        "command": f"`{report.command}`",
    }
    return "\n".join(f"- **{name}**: {value}" for name, value in facts.items())
