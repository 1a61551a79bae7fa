"""The one routine that fits any model to any task, and the folder it writes."""
