"""Files, memory and text: what any package may use."""
