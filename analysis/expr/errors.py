"""The one way in which an expression fails."""


class ExprError(Exception):
    """An expression that cannot be read, checked or evaluated; the text is what Argo Rollouts' engine says."""
