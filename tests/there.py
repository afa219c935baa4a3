"""Values that must be there."""

from typing import TypeVar

T = TypeVar("T")


def there(value: T | None) -> T:
    """Return a value that is not None, or fail."""
    assert value is not None
    return value
