"""Orders on an Ethereum chain."""
