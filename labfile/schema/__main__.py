"""Write `lab.schema.json` anew: `.venv/bin/python -m labfile.schema`."""

from labfile.schema import PATH, generate, text

if __name__ == "__main__":
    PATH.write_text(text(generate()), encoding="utf-8")
    print(PATH)
