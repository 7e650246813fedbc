"""Written by `seamark generate`; never by hand: one module per operation."""
