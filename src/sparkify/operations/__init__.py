"""What an operator does afterwards: retry rejects, release or drop runs, forget people, make roles, check."""
