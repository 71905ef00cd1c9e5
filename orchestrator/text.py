"""Figures in words, for reports and the command line alike."""


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(4210.2)
    '1 h 10 min'
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{seconds / 60:.1f} min"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "step"), counted(0, "step")
    ('1 step', '0 steps')
    """
    return f"{number} {noun}{'s' * (number != 1)}"
