"""The web process: git smart HTTP and the JSON API."""
