"""RQ jobs that turn a push into a release."""
