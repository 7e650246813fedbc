"""Written by `seamark generate`; never by hand."""
