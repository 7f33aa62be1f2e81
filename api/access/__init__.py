"""Who may do what: roles, people and their keys, and the one place where rows are bound to their organisation."""
