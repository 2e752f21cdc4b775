"""Work pools and queues."""
