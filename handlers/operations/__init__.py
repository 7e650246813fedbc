"""What can be invoked: one module per operation, a plain function in each."""
