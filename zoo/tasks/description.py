"""The text of a task in the model cards of its models."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Description:
    """Text of the model cards of a task.

    In all strings `{name}` is replaced by the model's name, `{data}` by a description of its texts
    and `{labels}` by its classes.

    Attributes:
        purpose: one sentence that describes the model.
        use: code blocks as (language, code).
        misuse: out-of-scope uses, one sentence or more each.
    """

    purpose: str
    use: tuple[tuple[str, str], ...]
    misuse: tuple[str, ...]
