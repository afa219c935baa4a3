"""From when on a process counts as crash-looping, and until when.

Loaded into supervisord, too, therefore standard library only.
"""

LOOPS_FROM = 3  # ends in a row; one or two may be a database that was away
STABLE_S = 60.0  # what has lived for so long is well: an end after that is the first again
