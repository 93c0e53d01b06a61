"""A second reading of the product's definitions, in plain Python, that shares no code with the product."""
