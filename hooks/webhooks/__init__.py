"""Web hooks of git servers: a delivery is checked, read, and turned into a push."""
