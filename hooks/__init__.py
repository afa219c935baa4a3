"""What turns an outside event into a Push."""
