"""One module of routes for each resource of Prefect's API."""
