"""What clients see: Strawberry types, inputs, payloads, scalars and the committed SDL."""
