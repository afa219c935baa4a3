"""What processes run under: the protocol, and one folder per engine."""
