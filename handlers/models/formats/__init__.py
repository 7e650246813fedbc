"""The formats of model files, one module each: how they are loaded, described and asked."""
