"""The words of the domain as values: what the store returns and the pure parts compute with."""

from stratum.model.access import Grant, Right, Token
from stratum.model.apps import App, Environment, Formation, ReviewOf, Slot, Target, Volume
from stratum.model.builds import (
    NO_CONTENTS,
    NO_OPTIONS,
    Build,
    BuildOptions,
    Contents,
    Push,
    RefUpdate,
    UsedBuildpack,
)
from stratum.model.crashes import Crash
from stratum.model.news import Attempt, Channel, Message, MessageState, News, NewsKind, Subscriber
from stratum.model.releases import Release, ReportLine, Rollout
from stratum.model.reviews import PullRequest, ReviewApp, ReviewPolicy, ReviewState
from stratum.model.states import (
    RELEASE_PHASE,
    BuildState,
    Outcome,
    Phase,
    PushState,
    ReleaseState,
    RolloutState,
)
from stratum.model.targets import NO_SETTINGS, Check, CheckKind, Strategy, TargetSettings
from stratum.model.upstreams import CommitStatus, StatusKind, Upstream, Verdict
from stratum.model.webhooks import Credential, DeliveryState, NewDelivery, RecordedDelivery, Webhook

__all__ = [
    "NO_CONTENTS",
    "NO_OPTIONS",
    "NO_SETTINGS",
    "RELEASE_PHASE",
    "App",
    "Attempt",
    "Build",
    "BuildOptions",
    "BuildState",
    "Channel",
    "Check",
    "CheckKind",
    "CommitStatus",
    "Contents",
    "Crash",
    "Credential",
    "DeliveryState",
    "Environment",
    "Formation",
    "Grant",
    "Message",
    "MessageState",
    "NewDelivery",
    "News",
    "NewsKind",
    "Outcome",
    "Phase",
    "PullRequest",
    "Push",
    "PushState",
    "RecordedDelivery",
    "RefUpdate",
    "Release",
    "ReleaseState",
    "ReportLine",
    "ReviewApp",
    "ReviewOf",
    "ReviewPolicy",
    "ReviewState",
    "Right",
    "Rollout",
    "RolloutState",
    "Slot",
    "StatusKind",
    "Strategy",
    "Subscriber",
    "Target",
    "TargetSettings",
    "Token",
    "Upstream",
    "UsedBuildpack",
    "Verdict",
    "Volume",
    "Webhook",
]
