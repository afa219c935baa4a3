"""Moved to `stratum.supervisor`, so that gitserver may read states too; import from there. To be deleted."""

from stratum.supervisor import ProcessStatus, Started, Supervisor, Wanted

__all__ = ["ProcessStatus", "Started", "Supervisor", "Wanted"]
