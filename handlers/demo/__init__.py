"""What lets somebody try the server alone: a chain of one's own."""
