"""HTTP: routes over the desk's verbs; nothing is decided here."""
