"""Assets: DIDs, DDOs, where they are kept and who may have them."""
