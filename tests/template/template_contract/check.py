"""Checks a template by the rules."""

from .code import NotFound
from .deployments import REFUSED, parameter_sets
from .expand import expand
from .model import Deployment, NotDeployable
from .rules import load


def check(template, code):
    """What is wrong with a SAM template: pairs of a rule's name and what it found, each once."""
    found = {}
    expanded = expand(template)
    for where, values in parameter_sets(expanded):
        try:
            deployment = Deployment(where, expanded, values)
        except NotDeployable as error:
            found.setdefault(("deployable", str(error)), where)
            continue
        for name, rule in load().items():
            for message in _broken(rule, deployment, code):
                found.setdefault((name, message), where)
    for where, values in REFUSED.items():
        if _is_deployable(expanded, values):
            found.setdefault(("refused", "the template's Rules must refuse these parameters"), where)
    return [(name, f"{message} ({where})") for (name, message), where in found.items()]


def _is_deployable(expanded, values):
    try:
        Deployment("refused", expanded, values)
    except NotDeployable:
        return False
    return True


def _broken(rule, deployment, code):
    try:
        yield from rule(deployment, code)
    except NotFound as error:
        yield str(error)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A template of another form than CloudFormation's, such as a list where an object belongs.
        yield f"the template cannot be read as the rule needs it: {error!r}"
