"""The command line: parse, build, call, echo. One file per command; nothing imports from here."""
