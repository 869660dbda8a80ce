"""The dashboard: that it can be read, and that what it shows exists."""

import json
import re

from ..metric_names import faults
from . import rule

WIDTH = 24


def _bodies(deployment):
    """Name and parsed body of each dashboard; the body is None if it is not JSON."""
    for name, properties in deployment.of_type("AWS::CloudWatch::Dashboard"):
        try:
            yield name, json.loads(properties.get("DashboardBody", ""))
        except ValueError:
            yield name, None


def _widgets(deployment):
    for name, body in _bodies(deployment):
        for widget in (body or {}).get("widgets", []):
            title = widget.get("properties", {}).get("title") or widget.get("properties", {}).get("markdown", "")
            yield f"{name}, {title!r}", widget


@rule("dashboard-body")
def the_body_is_json(deployment, code):
    for name, body in _bodies(deployment):
        if body is None or not body.get("widgets"):
            yield f"{name}: DashboardBody is not the JSON of a dashboard"


@rule("dashboard-layout")
def widgets_lie_side_by_side(deployment, code):
    taken = {}
    for title, widget in _widgets(deployment):
        cells = {(x, y) for x in range(widget["x"], widget["x"] + widget["width"]) for y in range(widget["y"], widget["y"] + widget["height"])}
        if any(x >= WIDTH for x, _ in cells):
            yield f"{title} is wider than the dashboard"
        others = {taken[cell] for cell in cells & set(taken)}
        for other in sorted(others):
            yield f"{title} covers {other}"
        taken |= {cell: title for cell in cells}


@rule("dashboard-metrics")
def widgets_show_metrics_that_exist(deployment, code):
    for title, widget in _widgets(deployment):
        for row in widget.get("properties", {}).get("metrics", []):
            texts = [item for item in row if isinstance(item, str)]
            if not texts:
                continue
            namespace, name, *dimensions = texts
            for fault in faults(deployment, code, namespace, name, dict(zip(dimensions[::2], dimensions[1::2]))):
                yield f"{title}: {fault}"


@rule("dashboard-searches")
def searches_look_for_metrics_that_exist(deployment, code):
    beginnings = {name for function in code.functions for name in code.metrics(function)[1]}
    own = deployment.values.get("MetricsNamespace", code.metrics_namespace)
    for title, widget in _widgets(deployment):
        for row in widget.get("properties", {}).get("metrics", []):
            for expression in (item["expression"] for item in row if isinstance(item, dict) and "expression" in item):
                found = re.match(r"SEARCH\('\{\"([^\"]+)\",(\w+)\} (?:\w+=\"[\w-]+\" )?(\w+)', '\w+', \d+\)$", expression)
                if not found:
                    yield f"{title}: {expression} is not a search for a metric of ours"
                    continue
                namespace, dimension, name = found.groups()
                if namespace != own or dimension != code.metrics_dimension or name not in beginnings:
                    yield f"{title}: {expression} finds nothing: no function writes {name}.<reason> under {own}, {code.metrics_dimension}"


@rule("dashboard-alarms")
def every_alarm_is_on_the_dashboard(deployment, code):
    shown = {deployment.referred(arn) for _, widget in _widgets(deployment) if widget.get("type") == "alarm" for arn in widget["properties"].get("alarms", [])}
    for name, _ in deployment.of_type("AWS::CloudWatch::Alarm"):
        if name not in shown:
            yield f"{name} is not on the dashboard"
    for name in sorted(str(name) for name in shown if deployment.type_of(name or "") != "AWS::CloudWatch::Alarm"):
        yield f"the dashboard shows {name}, which is not an alarm"
