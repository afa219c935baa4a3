"""The `stratum` command: each command parses, calls the client once, and prints."""
