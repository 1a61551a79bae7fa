"""Files, memory, text and padded sequences: what any package may use."""
