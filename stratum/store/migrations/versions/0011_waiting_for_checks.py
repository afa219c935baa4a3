"""Whether web hooks wait for the checks of their git servers."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "upstreams", sa.Column("wait_for_ci", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("upstreams", sa.Column("ci_limit_s", sa.Integer(), nullable=False, server_default="3600"))


def downgrade() -> None:
    """Take back."""
    for name in ("ci_limit_s", "wait_for_ci"):
        op.drop_column("upstreams", name)
