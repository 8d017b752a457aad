"""What was found, for people: tables for terminals and Markdown, pictures of rank lists and curves."""
