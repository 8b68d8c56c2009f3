from datetime import timedelta

import pytest
from typer.testing import CliRunner

from rollouts.cli import controller as command
from rollouts.cli.app import build
from rollouts.cli.goflags import respelt, split
from rollouts.runtime.telemetry import configure_logs
from rollouts.settings import Settings

# The command line of a chart written for Argo Rollouts.
ARGO = (
    "--loglevel=debug --logformat json --kloglevel 2 --leader-elect=false --namespaced --instance-id=blue "
    "--metricsPort=9090 --healthzPort 9080 --rollout-threads=5 --qps 80 --burst=160 --rollout-resync 60 "
    "--self-service-notification-enabled --nginx-ingress-classes nginx --alb-verify-weight=true "
    "--leader-election-lease-duration=30s --leader-election-renew-deadline=20s --leader-election-retry-period 5s"
)


@pytest.fixture
def run(monkeypatch):
    """Runs the command line; what the controller would have been started with is in the result's `settings`."""
    started = []
    monkeypatch.setattr(command, "main", lambda settings: started.append(settings) or 0)
    monkeypatch.setattr(command, "configure_logs", lambda level, form: started.append((level, form)))
    monkeypatch.delenv("POD_NAMESPACE", raising=False)

    def run(text):
        result = CliRunner().invoke(build(["controller"]), ["controller", *text.split()])
        result.settings = next((one for one in started if isinstance(one, Settings)), None)
        result.logs = next((one for one in started if isinstance(one, tuple)), None)
        return result

    return run


def test_without_flags_the_defaults_hold(run):
    result = run("")
    assert (result.exit_code, result.settings, result.logs) == (0, Settings(), ("info", "auto"))


def test_a_command_line_for_argo_rollouts_is_understood(run):
    result = run(ARGO)
    assert result.exit_code == 0, result.output
    assert result.logs == ("debug", "json")
    assert result.settings == Settings(
        instance_id="blue",
        namespaced=True,
        qps=80,
        burst=160,
        rollout_workers=5,
        resync=60,
        leader_elect=False,
        lease_duration=timedelta(seconds=30),
        renew_deadline=timedelta(seconds=20),
        retry_period=timedelta(seconds=5),
        metrics_port=9090,
        health_port=9080,
    )


@pytest.mark.parametrize("flag", ["--kloglevel", "--nginx-ingress-classes", "--alb-verify-weight"])
def test_flags_without_effect_are_named(run, flag):
    assert f"{flag} has no effect" in run(ARGO).output


def test_a_namespace_for_nothing_is_told(run):
    told = "--namespace has no effect without --namespaced"
    assert told in run("--namespace shop").output
    assert told not in run("--namespace shop --namespaced").output


@pytest.mark.parametrize(
    "wrong",
    [
        "--instance-id=not/a/label",
        "--leader-elect=maybe",
        "--nginx-settle=3x",
        "--leader-election-lease-duration=5s",
        "--rollout-threads=0",
        "--logformat=xml",
        "--controllers=analysis",
        "--metricsPort=none",
    ],
)
def test_a_wrong_flag_is_a_usage_error_and_starts_nothing(run, wrong):
    result = run(wrong)
    assert (result.exit_code, result.settings) == (2, None)
    assert "Error" in result.output or "Invalid" in result.output


def test_a_wrong_log_level_is_a_usage_error(run, monkeypatch):
    monkeypatch.setattr(command, "configure_logs", configure_logs)
    result = run("--loglevel=loud")
    assert (result.exit_code, result.settings) == (2, None)
    assert "unknown log level 'loud'" in result.output


def test_the_environment_counts_where_argo_rollouts_reads_it(run, monkeypatch):
    monkeypatch.setenv("POD_NAMESPACE", "delivery")
    monkeypatch.setenv("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS", "http://prometheus:9090")
    settings = run("").settings
    assert (settings.own_namespace, settings.prometheus_address) == ("delivery", "http://prometheus:9090")


def test_settling_times_are_durations(run):
    settings = run("--nginx-settle 500ms --gateway-settle=1m").settings
    assert (settings.nginx_settle, settings.gateway_settle) == (timedelta(milliseconds=500), timedelta(minutes=1))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["--a=true"], ["--a"]),
        (["--a=F"], ["--no-a"]),
        (["--a", "--b=false"], ["--a", "--b=false"]),
        (["--a=maybe"], ["--a=maybe"]),
    ],
)
def test_switches_may_have_a_value(given, meant):
    assert list(respelt(given, {"--a"})) == meant


def test_flags_without_effect_take_their_values_with_them():
    without = {"--switch": False, "--valued": True}
    given = ["--x", "--switch", "1", "--valued", "v", "--valued=v", "--switch=true", "--y"]
    assert split(given, without) == (["--x", "1", "--y"], ["--switch", "--valued", "--valued", "--switch"])


def test_every_setting_has_a_flag_or_comes_from_the_environment():
    flags = {flag.field for flag in command.FLAGS}
    assert set(Settings.__dataclass_fields__) == flags | {"own_namespace", "job_namespace"}


def test_what_argo_rollouts_takes_from_the_environment_alone():
    given = command.surroundings({"POD_NAMESPACE": "here", "ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE": "jobs"})
    assert given == {"own_namespace": "here", "job_namespace": "jobs"}


def test_jobs_in_another_cluster_are_refused_at_the_start():
    with pytest.raises(ValueError, match="Jobs of analyses run in this cluster only; unset it"):
        command.surroundings({"ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG": "/etc/other"})
