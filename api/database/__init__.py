"""The service's tables, the steps that make them, and how a database is opened with them. No rule of any trade."""
