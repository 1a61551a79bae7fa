"""The tokens that every vocabulary begins with, their ids, and the longest prompt."""

PAD, UNKNOWN, START, END = "", "[UNK]", "[START]", "[END]"
SPECIAL_TOKENS = (PAD, UNKNOWN, START, END)
PAD_ID, UNKNOWN_ID, START_ID, END_ID = range(4)

# Only the last tokens of a longer prompt are read.
MAX_PROMPT_TOKENS = 4096
