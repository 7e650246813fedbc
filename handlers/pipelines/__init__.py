"""Konduit pipelines: a configuration of steps, and the formats in which arrays, images and records come and go."""
