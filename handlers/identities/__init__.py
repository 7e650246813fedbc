"""Who is calling: tokens now, signatures, and the nonces that make each good once."""
