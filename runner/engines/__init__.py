"""What processes run under: one folder per engine."""
