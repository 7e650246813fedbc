"""Trained models: kept, loaded apart from the server, and asked for predictions."""
