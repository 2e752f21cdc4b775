"""Who is at work: heartbeats of workers, and who asks for runs."""
