"""Every exception of this package, each with the stable number behind it."""


class HauptbuchError(Exception):
    """Whatever went wrong here; the classes below say whose fault it was.

    ``code`` is the stable number that Rust, C and Go have for the same thing; its name and
    meaning stand in ``hauptbuch.CODES``.

    >>> import hauptbuch as hb
    >>> try:
    ...     hb.simulate({"nonce": [0]})
    ... except hb.HauptbuchError as error:
    ...     print(hb.CODES[error.code].name)
    InvalidArgument
    """

    code: int

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[0])


class InputError(HauptbuchError, ValueError):
    """Something that the caller handed in can't be used; the text says what, and where."""


class VerifyError(HauptbuchError):
    """An output is not what it claims to be: it was changed, or is not complete.

    ``file`` is the file that shows it, and ``line`` the line of it, counted from 1, or ``None``.
    """

    file: str
    line: int | None

    def __init__(self, message: str, code: int, file: str, line: int | None) -> None:
        super().__init__(message, code)
        self.args = (message, code, file, line)
        self.file, self.line = file, line


class InternalError(HauptbuchError):
    """A defect of this library; please report it."""
