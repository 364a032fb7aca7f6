"""The rules, and what they ask about: documents, conditions, decisions, the calendar."""
