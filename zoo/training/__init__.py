"""Training: the one routine that fits any model to any task, and the folder that it writes."""
