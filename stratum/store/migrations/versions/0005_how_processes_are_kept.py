"""What is paused, how targets are kept, the domains of apps, and processes that crash."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("formation", sa.Column("paused", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("rollouts", sa.Column("resumed", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("rollouts", sa.Column("was_live", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE rollouts SET was_live = 1 WHERE state = 'live' OR report != '[]'")
    op.add_column("releases", sa.Column("staying", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("apps", sa.Column("max_processes", sa.Integer(), nullable=True))
    op.add_column("apps", sa.Column("maintenance", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("apps", sa.Column("roll_back_within_s", sa.Integer(), nullable=True))
    op.add_column("apps", sa.Column("plain_http", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "target_settings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(63), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_target_settings_app_id"
        ),
        sa.UniqueConstraint("app_id", "target", name="uq_target_settings_app_id_target"),
    )
    op.create_table(
        "domains",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(253), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_domains_app_id"),
        sa.UniqueConstraint("name", name="uq_domains_name"),
    )
    op.create_index("ix_domains_app_id", "domains", ["app_id"])
    op.create_table(
        "crashes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(255), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("exit_status", sa.Integer(), nullable=True),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_crashes_app_id"),
        sa.UniqueConstraint("process", name="uq_crashes_process"),
    )
    op.create_index("ix_crashes_app_id", "crashes", ["app_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("crashes")
    op.drop_table("domains")
    op.drop_table("target_settings")
    op.drop_column("apps", "plain_http")
    op.drop_column("apps", "roll_back_within_s")
    op.drop_column("apps", "maintenance")
    op.drop_column("apps", "max_processes")
    op.drop_column("releases", "staying")
    op.drop_column("rollouts", "was_live")
    op.drop_column("rollouts", "resumed")
    op.drop_column("formation", "paused")
