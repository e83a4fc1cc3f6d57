"""Run by Alembic: apply the versions on the connection that the store hands over, in its transaction."""

from alembic import context

from seawall.plugins.stores.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
