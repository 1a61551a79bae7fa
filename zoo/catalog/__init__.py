"""The pretrained models that come with the zoo: recipes, cards, leaderboard."""
