"""Startup checks: what a new process has to pass before it counts as up (app.json, `healthchecks`)."""
