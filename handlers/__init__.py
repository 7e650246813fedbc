"""The handwritten half of Seamark: controllers, one per spec, and the domain beside them."""
