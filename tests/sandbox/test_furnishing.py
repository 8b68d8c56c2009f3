from rollouts.sandbox.furnishing import established

CRD = {"kind": "CustomResourceDefinition", "metadata": {"name": "rollouts.argoproj.io"}}
ACCEPTED = {"type": "NamesAccepted", "status": "True"}


class Server:
    """Tells a definition's status, a further one at each look."""

    def __init__(self, *found):
        self.left = list(found)

    async def request(self, method, path):
        return {"status": {"conditions": self.left.pop(0)}}


async def test_a_definition_is_waited_for_from_its_first_moment():
    after = [ACCEPTED, {"type": "Established", "status": "True"}]
    server = Server(None, [], [ACCEPTED], [ACCEPTED, {"type": "Established", "status": "False"}], after, after)
    await established(server, CRD)
    assert server.left == [after]
