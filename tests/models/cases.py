"""What each architecture is tested with: a new one adds a line here, if its defaults are large."""

SMALL = {
    "bag_of_bigrams": {"num_buckets": 64},
    "bag_of_words": {"embedding_dim": 8},
    "simple_rnn": {"embedding_dim": 8, "units": 6, "num_layers": 2},
    "lstm": {"embedding_dim": 8, "units": 6, "num_layers": 2},
    "gru": {"embedding_dim": 8, "units": 6, "num_layers": 2},
    "gpt": {"embedding_dim": 8, "num_heads": 2, "num_layers": 2},
    "transformer": {"embedding_dim": 8, "hidden_units": 12, "num_heads": 2, "num_layers": 2},
}
