"""What the application is made of, where requests find it: `app.state`."""

from starlette.datastructures import State


class Parts(State):
    """Starlette's, with attributes as other objects have them: it looks each up by a call, a dozen in a request."""

    __setattr__ = object.__setattr__  # type: ignore[assignment]  # told apart by names of parameters alone
