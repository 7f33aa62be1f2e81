"""How Alembic steps the store forward: on the connection and inside the transaction that `store_opening` gives it.

No connection of its own is made here, and nothing is committed here.
"""

from alembic import context

from market_data.store_tables import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
