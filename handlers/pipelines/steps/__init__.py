"""The steps of pipelines: what each kind does to the values that it is given."""
