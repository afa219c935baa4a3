"""What makes the wished processes run."""
