"""What can go wrong with a sandbox, as sentences a person can act on."""

# ruff: noqa: N818 (the name says what happened)


class SandboxError(Exception):
    """The sandbox could not be started, found or ended; the text says what to do about it."""


class Missing(SandboxError):
    """A program or file the sandbox is made of could not be found, built or downloaded."""


class Refused(SandboxError):
    """The API server answered with an error; *status* is its HTTP code, *message* its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
