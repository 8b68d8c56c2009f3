"""What a sandbox is from the outside: started, entered, ended, killed; two at once; without root."""

import os
import signal
import subprocess
import sys

import pytest

from rollouts.sandbox import cluster
from rollouts.sandbox.cluster import Sandbox
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.places import VARIABLE, directory_of
from rollouts.sandbox.processes import birth_of, is_alive

pytestmark = pytest.mark.e2e


def births(sandbox: Sandbox) -> dict[int, int]:
    state = sandbox.state
    assert state is not None
    return {pid: birth_of(pid) for pid in (state.pid, *state.processes.values())}


def alive(processes: dict[int, int]) -> list[int]:
    return [pid for pid, born in processes.items() if is_alive(pid, born)]


def nodes(sandbox: Sandbox) -> str:
    done = sandbox.exec(["kubectl", "get", "nodes", "--output", "name"], capture_output=True)
    return done.stdout.strip()


def command(*argv: str) -> list[str]:
    return [sys.executable, "-m", "rollouts.cli.sandbox", *argv]


def test_down_leaves_nothing_behind(private, state_root):
    sandbox = private("brief")
    shell = subprocess.Popen(sandbox.command(["sleep", "1000"]), env=sandbox.environment())
    processes = {**births(sandbox), shell.pid: birth_of(shell.pid)}
    assert len(alive(processes)) == 8
    sandbox.down()
    assert shell.wait() == -signal.SIGKILL
    assert alive(processes) == []
    assert not any(path.name.strip(".").startswith("brief") for path in state_root.glob("rollouts-sandbox/*"))


def test_down_without_a_sandbox_is_no_error(state_root):
    Sandbox(directory_of("never")).down()
    assert not directory_of("never").exists()


def test_two_run_side_by_side(private):
    one, two = private("one"), private("two")
    for sandbox in (one, two):
        sandbox.exec(["kubectl", "create", "namespace", f"only-{sandbox.name}"], check=True, capture_output=True)
    seen = one.exec(["kubectl", "get", "namespaces", "--output", "name"], capture_output=True).stdout
    assert "only-one" in seen
    assert "only-two" not in seen
    one.down()
    assert nodes(two) == "node/sandbox"


def test_a_second_up_of_the_same_name_is_refused(sandbox):
    with pytest.raises(SandboxError, match="is up already"):
        cluster.up(sandbox.name)
    assert sandbox.is_up


def test_a_killed_supervisor_takes_its_parts_along_and_the_next_up_clears_the_rest(private, eventually):
    sandbox = private("killed")
    processes = births(sandbox)
    os.kill(sandbox.state.pid, signal.SIGKILL)
    eventually(lambda: not alive(processes))
    with pytest.raises(SandboxError, match="is not up"):
        sandbox.command(["true"])
    assert nodes(private("killed")) == "node/sandbox"


def test_a_killed_up_leaves_nothing_in_the_way(private, eventually):
    starting = subprocess.Popen(command("up", "--name", "hasty"), stdout=subprocess.DEVNULL)
    eventually(lambda: (state := Sandbox(directory_of("hasty")).state) and "etcd" in state.processes)
    processes = births(Sandbox(directory_of("hasty")))
    starting.kill()
    starting.wait()
    assert nodes(private("hasty")) == "node/sandbox"
    assert alive(processes) == []


def test_a_part_that_dies_ends_the_sandbox_and_status_says_which(private, eventually):
    sandbox = private("maimed")
    os.kill(sandbox.state.processes["traefik"], signal.SIGKILL)
    eventually(lambda: not sandbox.is_alive)
    assert sandbox.state.phase == "failed"
    assert sandbox.state.message.startswith("traefik ended with -9")


def test_exec_gives_the_inside_environment_and_the_exit_code(sandbox):
    script = f'test "${VARIABLE}" = {sandbox.directory} && test "$KUBECONFIG" = {sandbox.kubeconfig} && exit 7'
    done = subprocess.run(command("exec", "--name", sandbox.name, "--", "sh", "-c", script), check=False)
    assert done.returncode == 7


def test_a_sandbox_is_found_from_within_by_its_environment(sandbox):
    program = "from rollouts.sandbox.cluster import Sandbox; print(Sandbox.load().name)"
    assert sandbox.exec([sys.executable, "-c", program], capture_output=True).stdout == "shared\n"


def test_a_published_port_answers_outside_until_the_sandbox_ends(private, eventually, unused_tcp_port):
    sandbox = private("shown")
    sandbox.publish({unused_tcp_port: 9090})
    asked = ["python3", "-c", f"import urllib.request as u; u.urlopen('http://127.0.0.1:{unused_tcp_port}/-/ready')"]
    assert subprocess.run(asked, check=False).returncode == 0
    sandbox.down()
    eventually(lambda: subprocess.run(asked, check=False, capture_output=True).returncode != 0)


def test_a_taken_port_cannot_be_published(sandbox, unused_tcp_port):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", unused_tcp_port))
        taken.listen()
        with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{unused_tcp_port}"):
            sandbox.publish({unused_tcp_port: 80})


def test_the_controller_may_do_what_its_role_says_and_is_counted(sandbox):
    def listing(resource: str) -> int:
        kubectl = ["kubectl", "--kubeconfig", str(sandbox.controller_kubeconfig)]
        return sandbox.exec([*kubectl, "get", "--all-namespaces", resource], capture_output=True).returncode

    assert listing("configmaps") != 0
    role = {"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]}
    sandbox.grant_controller(role)
    since = sandbox.audit_position()
    assert listing("configmaps") == 0
    assert listing("secrets") != 0
    assert sandbox.audit_counts(since=since) == {("list", "configmaps"): 1, ("list", "secrets"): 1}
