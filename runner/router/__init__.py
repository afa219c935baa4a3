"""The router: Caddy, told which host goes to which ports."""
