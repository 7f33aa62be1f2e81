"""Papers made of a plan: what a person reads in a terminal, a table for a program, a workbook for an auditor."""
