"""Every error Stratum raises on purpose, in one tree.

    StratumError                 slug, hint
    ├── InvalidInput             the caller's data
    │   ├── InvalidName, InvalidBranch, InvalidScale, InvalidVariable, InvalidTime, InvalidCursor
    │   ├── InvalidDomain        given, reason
    │   ├── InvalidPushOption    option, reason, known
    │   ├── InvalidMount         path, reason
    │   ├── FileInvalid          problems
    │   │   └── ProcfileInvalid, AppJsonInvalid
    │   ├── CommitIncomplete     kind, paths
    │   ├── DeliveryMalformed    reason
    │   ├── NotAProcess          target
    │   └── UnknownTarget        target, known
    ├── NotFound                 what, name
    │   └── Renamed              now
    ├── Conflict                 AlreadyExists, NothingReleased, PushRaced, ServedByRouter,
    │                            TooManyProcesses, HostKeyChanged
    ├── Denied                   BadCredentials, TooManyAttempts, NotAllowed, BadSignature, WebhookDisabled
    ├── BuildFailed              step, exit_code, detail, output
    ├── RolloutFailed            process, exit_status, output
    │   └── PhaseFailed
    ├── ReleaseStopped           version, reason, output
    ├── ReleaseUnusable          version, reason
    ├── Refused                  status: what a server told its client
    └── Unavailable              SupervisorUnavailable, RouterUnavailable, QueueUnavailable, DoorUnavailable,
                                 ServerUnavailable

Attributes carry the values and `__str__` makes the sentence. HTTP status and exit codes are
mapped at the edges (`gitserver/errors.py`, `stratum/cli/`), not here.
"""

from stratum.errors.access import BadCredentials, Denied, NotAllowed, TooManyAttempts
from stratum.errors.deliveries import BadSignature, DeliveryMalformed, HostKeyChanged, WebhookDisabled
from stratum.errors.failures import (
    LAST_LINES,
    NO_PROCESS,
    BuildFailed,
    PhaseFailed,
    ReleaseStopped,
    ReleaseUnusable,
    RolloutFailed,
)
from stratum.errors.found import (
    AlreadyExists,
    Conflict,
    NotFound,
    NothingReleased,
    Renamed,
    ServedByRouter,
    TooManyProcesses,
)
from stratum.errors.given import (
    AppJsonInvalid,
    CommitIncomplete,
    FileInvalid,
    InvalidBranch,
    InvalidCursor,
    InvalidDomain,
    InvalidInput,
    InvalidMount,
    InvalidName,
    InvalidPushOption,
    InvalidScale,
    InvalidTime,
    InvalidVariable,
    NotAProcess,
    ProcfileInvalid,
    UnknownTarget,
)
from stratum.errors.parts import (
    DoorLost,
    DoorUnavailable,
    QueueUnavailable,
    Refused,
    RouterUnavailable,
    ServerUnavailable,
    SupervisorUnavailable,
    Unavailable,
)
from stratum.errors.root import Located, StratumError

__all__ = [
    "LAST_LINES",
    "NO_PROCESS",
    "AlreadyExists",
    "AppJsonInvalid",
    "BadCredentials",
    "BadSignature",
    "BuildFailed",
    "CommitIncomplete",
    "Conflict",
    "DeliveryMalformed",
    "Denied",
    "DoorLost",
    "DoorUnavailable",
    "FileInvalid",
    "HostKeyChanged",
    "InvalidBranch",
    "InvalidCursor",
    "InvalidDomain",
    "InvalidInput",
    "InvalidMount",
    "InvalidName",
    "InvalidPushOption",
    "InvalidScale",
    "InvalidTime",
    "InvalidVariable",
    "Located",
    "NotAProcess",
    "NotAllowed",
    "NotFound",
    "NothingReleased",
    "PhaseFailed",
    "ProcfileInvalid",
    "QueueUnavailable",
    "Refused",
    "ReleaseStopped",
    "ReleaseUnusable",
    "Renamed",
    "RolloutFailed",
    "RouterUnavailable",
    "ServedByRouter",
    "ServerUnavailable",
    "StratumError",
    "SupervisorUnavailable",
    "TooManyAttempts",
    "TooManyProcesses",
    "Unavailable",
    "UnknownTarget",
    "WebhookDisabled",
]
