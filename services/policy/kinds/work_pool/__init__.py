"""Work pools, with the queues in them."""
