"""Deploy keys of web hooks whose source is fetched by SSH, and the host keys that it may have."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = ("deploy_keys", "host_keys")


def upgrade() -> None:
    """Apply."""
    for column in _COLUMNS:
        op.add_column("webhooks", sa.Column(column, sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Take back."""
    for column in _COLUMNS:
        op.drop_column("webhooks", column)
