"""The core that every package may import; it imports none of them."""
