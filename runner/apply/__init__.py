"""Makes the wished state true: everything here may be run again from its start after a crash."""
