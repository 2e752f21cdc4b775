"""What several processes need that write read models."""
