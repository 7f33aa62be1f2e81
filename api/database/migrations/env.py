"""How Alembic steps the service's tables: on the connection and inside the transaction that it is given.

No connection of its own is made here, and nothing is committed here.
"""

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
with context.begin_transaction():
    context.run_migrations()
