"""Whether a metric exists: the function's, by its code, or AWS's, by its documentation."""

from .aws_metrics import BY_ATTRIBUTE, METRICS


def faults(deployment, code, namespace, name, dimensions):
    """What is wrong with a metric that an alarm or a widget names."""
    if namespace == deployment.values.get("MetricsNamespace", code.metrics_namespace):
        yield from _own(code, name, dimensions)
    elif namespace in METRICS:
        yield from _of_aws(deployment, namespace, name, dimensions)
    else:
        yield f"nothing writes metrics under the namespace {namespace}"


def _own(code, name, dimensions):
    if set(dimensions) != {code.metrics_dimension}:
        yield f"{name} has the dimensions {sorted(dimensions)}; the functions write it under {code.metrics_dimension}"
        return
    function = dimensions[code.metrics_dimension]
    if function not in code.functions:
        yield f"{name}: no function calls itself {function}"
        return
    if code.metrics_function(function) != function:
        yield f"{name}: functions/{function} calls itself {code.metrics_function(function)} in metrics"
    if name not in code.metrics(function)[0]:
        yield f"{function} writes no metric {name}"


def _of_aws(deployment, namespace, name, dimensions):
    known = [METRICS[namespace], METRICS.get(f"{namespace} mapping", ({}, set()))]
    fitting = [needed for needed, names in known if name in names]
    if not fitting:
        yield f"{namespace} is not known to have a metric {name} (tests/template/template_contract/aws_metrics.py)"
        return
    (needed,) = fitting
    if set(dimensions) != set(needed):
        yield f"{name} has the dimensions {sorted(dimensions)}; {namespace} has it under {', '.join(needed)}"
        return
    for dimension, resource_type in needed.items():
        value = str(dimensions[dimension])
        if dimension == "TableName" and value and value == deployment.values.get("HistoryTableName"):
            continue
        resource = deployment.referred(value)
        attribute = BY_ATTRIBUTE.get(dimension)
        expected = f"${{{resource}.{attribute}}}" if attribute else f"${{{resource}}}"
        if deployment.type_of(resource or "") != resource_type or value != expected:
            yield f"{name}: {dimension} must be that of an {resource_type}, and is {value}"
