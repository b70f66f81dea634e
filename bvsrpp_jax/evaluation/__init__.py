"""How good a result is, measured as the published tables measure it."""
