"""Antiphon: event-sourced orchestration on NATS JetStream. Users import `antiphon.client`."""
