"""What users import: the client, and the commands, events and values that it speaks of."""

from antiphon.events.client.client import ALL, Addressed, Client, EventFilter, Told

__all__ = ["ALL", "Addressed", "Client", "EventFilter", "Told"]
