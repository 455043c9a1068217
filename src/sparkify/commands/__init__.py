"""The commands, a module for each group: its arguments, what it calls, what it prints."""
