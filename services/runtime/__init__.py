"""What every process needs: settings, clock, ids, connections, life cycle, embedded servers."""
