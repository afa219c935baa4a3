"""Review apps of pull requests, and deliveries that tell of these."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("deliveries", sa.Column("pull", sa.JSON(), nullable=True))
    op.create_table(
        "review_policies",
        sa.Column("app_id", sa.Integer(), primary_key=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("sealed_values", sa.LargeBinary(), nullable=True),
        sa.Column("ttl_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_review_policies_app_id"
        ),
    )
    op.create_table(
        "review_apps",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("parent_name", sa.String(63), nullable=False),
        sa.Column("webhook_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("pull", sa.JSON(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=True),
        sa.Column("approved", sa.String(64), nullable=False),
        sa.Column("with_values", sa.Boolean(), nullable=False),
        sa.Column("lent", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["apps.id"], ondelete="CASCADE", name="fk_review_apps_parent_id"
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], ondelete="SET NULL", name="fk_review_apps_webhook_id"
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="SET NULL", name="fk_review_apps_app_id"),
        sa.UniqueConstraint("app_id", name="uq_review_apps_app_id"),
        sa.UniqueConstraint("parent_id", "number", name="uq_review_apps_parent_id_number"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("review_apps")
    op.drop_table("review_policies")
    op.drop_column("deliveries", "pull")
