"""PMML 3.0 to 4.4, read and evaluated here: a file is compiled once into closures and arrays, and none of it is code.

`reader` makes elements of bytes, `document` makes of these what evaluates rows. A row is a list of values, one for each
slot that `scope` has given out: inputs first, then what is derived from them. None stands for a missing value.
"""
