"""What is known of substances, and of what must not meet: facts with their sources, and small pure functions.

Nothing here decides: the rules that look at every mixing of a protocol do. Nothing known is not the same as safe.
"""
