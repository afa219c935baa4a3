"""The tables of what comes from outside and of what is told there; `tables` has them with the others."""

from sqlalchemy import (
    JSON,
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

from stratum.store.columns import UtcDateTime, app_id, metadata

# What has happened to apps and may be told outside; who reads it remembers how far (`news_readers`).
news = Table(
    "news",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("kind", String(63), nullable=False),
    Column("subject", String(255), nullable=False),  # what it happened to: once to each
    Column("data", JSON, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("subject", "kind"),
    Index("ix_news_app_id", "app_id"),
    sqlite_autoincrement=True,
)

news_readers = Table(
    "news_readers",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("news_id", Integer, nullable=False),  # the last that was read
)

# Who is told an app's news, and how: that is encrypted, as it has secrets.
subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("name", String(63), nullable=False),
    Column("name_key", String(63), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("shown", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("stopped", Text, nullable=False),
    Column("who", String(63), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("app_id", "name_key"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(63), nullable=False, unique=True),
    Column("kind", String(63), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("ix_messages_subscriber_id_state", "subscriber_id", "state"),
    Index("ix_messages_state_due_at", "state", "due_at"),
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("status", Integer),
    Column("error", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("answer", Text, nullable=False),
    Index("ix_attempts_message_id", "message_id"),
)


# Where git servers tell of pushes to an app's source.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("public_id", String(63), nullable=False, unique=True),  # stands in its address
    Column("provider", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("sealed_secrets", LargeBinary, nullable=False),
    Column("branches", JSON, nullable=False),
    Column("paths", JSON, nullable=False),
    Column("clone_url", Text, nullable=False),
    Column("credential", String(16), nullable=False),
    Column("sealed_credential", LargeBinary),
    Column("created_by", String(63), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("rotated_at", UtcDateTime, nullable=False),
    Column("deploy_keys", JSON, nullable=False),  # public ones
    Column("host_keys", JSON, nullable=False),
    Index("ix_webhooks_app_id", "app_id"),
    sqlite_autoincrement=True,
)

# What they have told, newest last; old ones are forgotten (stratum/store/deliveries.py).
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("delivery_id", String(255), nullable=False),  # the sender's own, or empty
    Column("event", String(255), nullable=False),
    Column("headers", JSON, nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("branch", String(255), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("build", Integer),  # a build's number
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("pull", JSON),  # NULL: it is about branches
    Column("build_app_id", Integer),  # whose build it is, be it that this app is gone
    Index("ix_deliveries_state", "state"),
    Index("ix_deliveries_app_id", "app_id"),
    Index("ix_deliveries_webhook_id_delivery_id", "webhook_id", "delivery_id"),
    sqlite_autoincrement=True,
)

# What the git servers of web hooks are asked and told by their APIs.
upstreams = Table(
    "upstreams",
    metadata,
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("statuses", Boolean, nullable=False),
    Column("deployments", Boolean, nullable=False),
    Column("api_url", Text, nullable=False),
    Column("sealed_token", LargeBinary),
    Column("wait_for_ci", Boolean, nullable=False, server_default=false()),
    Column("ci_limit_s", Integer, nullable=False, server_default="3600"),
)

# What was told of commits; old ones are forgotten (stratum/store/statuses.py).
statuses = Table(
    "statuses",
    metadata,
    Column("id", Integer, primary_key=True),
    app_id(),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column(
        "subject", String(64), nullable=False
    ),  # the commit; of a deployment the build; of a review app `commit/app id`
    Column("commit", String(64), nullable=False),
    Column("branch", String(255), nullable=False),
    Column("context", String(255), nullable=False),
    Column("delivery", Integer),  # a delivery's number
    Column("build", Integer),  # a build's number
    Column("told", String(16), nullable=False),
    Column("told_build", Integer),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime),
    Column("busy_until", UtcDateTime),
    Column("answered", Integer),
    Column("error", Text, nullable=False),
    Column("told_at", UtcDateTime),
    Column("remote_id", String(32), nullable=False),
    UniqueConstraint("webhook_id", "subject"),
    Index("ix_statuses_app_id_commit", "app_id", "commit"),
    Index("ix_statuses_due_at", "due_at"),
    sqlite_autoincrement=True,
)

# Whether and how an app's pull requests are given review apps.
review_policies = Table(
    "review_policies",
    metadata,
    Column("app_id", ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("most", Integer, nullable=False),
    Column("variables", JSON, nullable=False),  # names
    Column("sealed_values", LargeBinary),
    Column("ttl_days", Integer, nullable=False),  # 0: for ever
)

# Pull requests that were told of, and the apps made for them; a row stays for a while after its end.
review_apps = Table(
    "review_apps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent_id", ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("parent_name", String(63), nullable=False),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="SET NULL")),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("pull", JSON, nullable=False),
    Column("app_id", ForeignKey("apps.id", ondelete="SET NULL"), unique=True),
    Column("approved", String(64), nullable=False),
    Column("with_values", Boolean, nullable=False),
    Column("lent", JSON, nullable=False),  # names
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("parent_id", "number"),
    sqlite_autoincrement=True,
)
