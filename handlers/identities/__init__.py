"""Who is calling: tokens now, signatures and nonces later."""
