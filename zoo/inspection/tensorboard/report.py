"""The report of a run, for the text dashboard."""


def facts_list(report) -> str:
    """All that a `zoo.Report` tells beside its scores, as a list in Markdown.

    In a table TensorBoard breaks words.
    """
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
