"""Comparisons that anybody can repeat: `make bench`. What they showed: docs/performance.md."""
