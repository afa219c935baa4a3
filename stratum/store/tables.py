"""The tables. `migrations/` makes them; a test compares the two."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from stratum.store import columns, outside
from stratum.store.columns import UtcDateTime, app_id

metadata = columns.metadata

environments = Table(
    "environments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False),
    Column("name_key", String(63), nullable=False, unique=True),  # lower case
    Column("stage", String(63), nullable=False),
    Column("start_all", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# App ids are never used twice: uids, folders and tmpfs names are made of them.
apps = Table(
    "apps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("name", String(63), nullable=False),
    Column("name_key", String(63), nullable=False),
    Column("deploy_branch", String(255)),
    Column("current_release_id", Integer),
    Column("destroying", Boolean, nullable=False, default=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("gate", String(16), nullable=False, server_default=""),
    Column("protected", Boolean, nullable=False, server_default=false()),
    Column("supersede_running", Boolean, nullable=False, server_default=false()),
    Column("max_push_bytes", Integer),
    Column("max_repo_bytes", Integer),
    Column("max_processes", Integer),  # NULL: as the server's settings say; so the next two
    Column("maintenance", Boolean, nullable=False, server_default=false()),
    Column("roll_back_within_s", Integer),
    Column("plain_http", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("environment_id", "name_key"),
    sqlite_autoincrement=True,
)

# What apps were called before: reads by an old name are led to the new one.
former_names = Table(
    "former_names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("environment_id", ForeignKey("environments.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(63), nullable=False),
    Column("name_key", String(63), nullable=False),
    app_id(),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("environment_id", "name_key"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("created_by", String(63), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

grants = Table(
    "grants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_id", ForeignKey("tokens.id", ondelete="CASCADE"), nullable=False),
    Column("environment_id", ForeignKey("environments.id", ondelete="CASCADE"), nullable=False),
    Column("app_id", ForeignKey("apps.id", ondelete="CASCADE")),
    Column("right", String(16), nullable=False),
)

# Counts changes of what stands above, but for former names, and of review apps. Triggers do it, whoever
# writes (`migrations/versions/0013_stamps.py`); who makes one of those tables anew makes its triggers anew.
stamps = Table(
    "stamps",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("number", Integer, nullable=False),
)

pushes = Table(
    "pushes",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("ref", Text, nullable=False),
    Column("old", String(64), nullable=False),
    Column("new", String(64), nullable=False),
    Column("who", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("deploys", Boolean, nullable=False),
    Column("web_process", String(64), nullable=False),
    Column("receive_process", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("options", JSON, nullable=False, server_default="{}"),
    Index("ix_pushes_state", "state"),
    Index("ix_pushes_app_id_ref", "app_id", "ref"),
    sqlite_autoincrement=True,
)

builds = Table(
    "builds",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("number", Integer, nullable=False),
    Column("push_id", ForeignKey("pushes.id", ondelete="CASCADE"), unique=True),
    Column("commit", String(64), nullable=False),
    Column("source", String(16), nullable=False),
    Column("who", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("error", Text, nullable=False, default=""),
    Column("release_id", Integer),
    Column("attempt", Integer, nullable=False, default=0),
    Column("fence", Integer, nullable=False, default=0),
    Column("owner", String(64), nullable=False, default=""),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("options", JSON, nullable=False, server_default="{}"),
    Column("gate", String(64), nullable=False, server_default=""),  # `pid:starttime` of who waits for it
    Column("slug", String(64), nullable=False, server_default=""),  # made, or about to be
    Column("targets", JSON, nullable=False, server_default="[]"),
    Column("superseded_by", Integer),  # a build's number
    Column("started_at", UtcDateTime),
    Column("contents", JSON, nullable=False, server_default="{}"),
    UniqueConstraint("app_id", "number"),
    Index("ix_builds_state", "state"),
    sqlite_autoincrement=True,
)

configs = Table(
    "configs",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("version", Integer, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("app_id", "version"),
)

releases = Table(
    "releases",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("version", Integer, nullable=False),
    Column("app_name", String(63), nullable=False, server_default=""),  # its processes run under it
    Column("build_id", ForeignKey("builds.id", ondelete="CASCADE")),
    Column("commit", String(64), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("config_version", Integer, nullable=False),
    Column("targets", JSON, nullable=False),
    Column("cause", Text, nullable=False),
    Column("who", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("name", String(63), nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("pinned", Boolean, nullable=False, server_default=false()),
    Column("slug_gone", Boolean, nullable=False, server_default=false()),  # has been removed, for good
    Column("contents", JSON, nullable=False, server_default="{}"),  # what the slug holds
    Column("phase", String(16), nullable=False, server_default=""),  # of its release command; "": not begun
    Column("mounts", JSON, nullable=False, server_default="{}"),  # name of a volume → path
    Column("staying", Boolean, nullable=False, server_default=false()),  # some of it runs on under newer ones
    UniqueConstraint("app_id", "version"),
    sqlite_autoincrement=True,
)

formation = Table(
    "formation",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("target", String(63), nullable=False),
    Column("scale", Integer, nullable=False),
    Column("paused", Boolean, nullable=False, server_default=false()),  # none runs until `resume`
    UniqueConstraint("app_id", "target"),
)

slots = Table(
    "slots",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("target", String(63), nullable=False),
    Column("position", Integer, nullable=False),
    Column("unique_int", Integer, nullable=False),
    UniqueConstraint("app_id", "target", "position"),
    UniqueConstraint("app_id", "unique_int"),
)

ports = Table(
    "ports",
    metadata,
    Column("port", Integer, primary_key=True),
    app_id(),
    Column("process", String(255), nullable=False, unique=True),
    Column("routed", Boolean, nullable=False, default=False),  # the router sends requests there
    Index("ix_ports_app_id", "app_id"),
)

# What the router serves by itself; a row stays when an app has processes again, with version 0.
sites = Table(
    "sites",
    metadata,
    Column("app_id", ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, nullable=False),  # of the release
    Column("app_name", String(63), nullable=False),
    Column("rules", JSON, nullable=False),
)

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("number", Integer, nullable=False),
    Column("release_id", ForeignKey("releases.id", ondelete="CASCADE")),
    Column("build_id", ForeignKey("builds.id", ondelete="CASCADE")),
    Column("cause", Text, nullable=False),
    Column("who", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("error", Text, nullable=False, default=""),
    Column("formation_before", JSON, nullable=False),
    Column("resumed", JSON, nullable=False, server_default="[]"),  # targets, paused again if it fails
    Column("report", JSON, nullable=False),
    Column("was_live", Boolean, nullable=False, server_default=false()),  # at an attempt, if not the last
    Column("attempt", Integer, nullable=False, default=0),
    Column("fence", Integer, nullable=False, default=0),
    Column("owner", String(64), nullable=False, default=""),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("app_id", "number"),
    Index("ix_rollouts_state", "state"),
    Index("ix_rollouts_build_id", "build_id"),  # asked for by every follower of a build
    sqlite_autoincrement=True,
)

# The commit a buildpack's URL and ref resolved to, until the app's people update it.
buildpack_pins = Table(
    "buildpack_pins",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("url", Text, nullable=False),
    Column("ref", String(255), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("pinned_at", UtcDateTime, nullable=False),
    UniqueConstraint("app_id", "url", "ref"),
)

# Folders that outlive releases; `path` is where the first release is to have one, empty for nowhere.
volumes = Table(
    "volumes",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("name", String(63), nullable=False),
    Column("path", String(1024), nullable=False),
    Column("destroying", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("app_id", "name"),
)

# How targets are kept, as the API was told; it goes before what app.json says.
target_settings = Table(
    "target_settings",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("target", String(63), nullable=False),
    Column("settings", JSON, nullable=False),
    UniqueConstraint("app_id", "target"),
)

# Names of an app beside its own; lower case.
domains = Table(
    "domains",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("name", String(253), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_domains_app_id", "app_id"),
)

# Processes that keep ending; a row goes when one has lived for long enough.
crashes = Table(
    "crashes",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("process", String(255), nullable=False, unique=True),
    Column("since", UtcDateTime, nullable=False),
    Column("count", Integer, nullable=False),
    Column("exit_status", Integer),  # of the last end; negative: a signal
    Column("last_at", UtcDateTime, nullable=False),
    Index("ix_crashes_app_id", "app_id"),
)

# What became of processes, the newest of each app; and up to where its engine's file has been read.
events = Table(
    "events",
    metadata,
    Column("app_id", ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # the engine's own
    Column("at", UtcDateTime, nullable=False),
    Column("process", String(255), nullable=False),
    Column("target", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("pid", Integer),
    Column("exit_status", Integer),  # negative: a signal
    Column("lived_s", Float, nullable=False),
    sqlite_with_rowid=False,
)

event_marks = Table(
    "event_marks",
    metadata,
    Column("app_id", ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("place", String(63), nullable=False),
)

news = outside.news
news_readers = outside.news_readers
subscribers = outside.subscribers
messages = outside.messages
attempts = outside.attempts
webhooks = outside.webhooks
deliveries = outside.deliveries
upstreams = outside.upstreams
statuses = outside.statuses
review_policies = outside.review_policies
review_apps = outside.review_apps
