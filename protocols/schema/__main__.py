"""`python -m protocols.schema` writes the schema and the reference page anew."""

from protocols.schema import FILE, reference, text

FILE.write_text(text(), "utf-8")
reference.FILE.write_text(reference.text(), "utf-8")
