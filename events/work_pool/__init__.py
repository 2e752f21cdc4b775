"""Commands and events of work pools and the queues in them."""
