"""The planner: readings that the executor meets are answered with one statement for everything beneath them."""
