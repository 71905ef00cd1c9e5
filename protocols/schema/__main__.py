"""`python -m protocols.schema` writes the schema anew."""

from protocols.schema import FILE, text

FILE.write_text(text(), "utf-8")
