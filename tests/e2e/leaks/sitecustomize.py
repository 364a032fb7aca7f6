"""Faults whose words quote what a person sent, for a gate that a test starts: first on its PYTHONPATH."""

from typing import Any

from gerbang.console.app import Console
from gerbang.gate import judging
from gerbang.gate.addon import Gate


def recognise(request: Any, *_: Any) -> Any:
    raise ValueError(f"cannot be taken: {request.headers} {request.body}")


def responseheaders(_: Any, flow: Any) -> None:
    """Not guarded by the gate itself: mitmproxy logs what comes out of a hook."""
    raise ValueError(f"cannot be passed on: {flow.request.headers}")


def reader(_: Any, request: Any) -> Any:
    raise ValueError(f"cannot be read: {request.headers}")


judging.recognise = recognise
Gate.responseheaders = responseheaders  # type: ignore[method-assign]
Console.reader = reader  # type: ignore[method-assign]
