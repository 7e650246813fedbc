"""The formats of arrays and records, as pure functions between bytes and values.

What is read comes from strangers. Each reader looks at lengths before it allocates, and raises `Refused` with what is
wrong; nothing else leaves it. An array that was read has memory of its own, in the byte order of this machine: one copy
was made of it, steps may write into it, and the bytes that came may go.
"""
