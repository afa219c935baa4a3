"""What the git servers of web hooks are told of commits."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "upstreams",
        sa.Column("webhook_id", sa.Integer(), primary_key=True),
        sa.Column("statuses", sa.Boolean(), nullable=False),
        sa.Column("deployments", sa.Boolean(), nullable=False),
        sa.Column("api_url", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], ondelete="CASCADE", name="fk_upstreams_webhook_id"
        ),
    )
    op.create_table(
        "statuses",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("webhook_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("commit", sa.String(64), nullable=False),
        sa.Column("branch", sa.String(255), nullable=False),
        sa.Column("context", sa.String(255), nullable=False),
        sa.Column("delivery", sa.Integer(), nullable=True),
        sa.Column("build", sa.Integer(), nullable=True),
        sa.Column("told", sa.String(16), nullable=False),
        sa.Column("told_build", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("busy_until", sa.DateTime(), nullable=True),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(), nullable=True),
        sa.Column("remote_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_statuses_app_id"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], ondelete="CASCADE", name="fk_statuses_webhook_id"
        ),
        sa.UniqueConstraint("webhook_id", "subject", name="uq_statuses_webhook_id_subject"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_statuses_app_id_commit", "statuses", ["app_id", "commit"])
    op.create_index("ix_statuses_due_at", "statuses", ["due_at"])


def downgrade() -> None:
    """Take back."""
    for table in ("statuses", "upstreams"):
        op.drop_table(table)
