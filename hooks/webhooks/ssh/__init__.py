"""Fetching by SSH: keys, host keys, and the program that git starts in place of OpenSSH's client."""
