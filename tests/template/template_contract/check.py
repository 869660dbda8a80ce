"""Holds the rules against a template."""

from .code import AWAITED, NotFound
from .deployments import deployments
from .expand import expand
from .rules import load


def check(template, code):
    """What is wrong with a SAM template: pairs of a rule's name and what it found, each once."""
    found = {}
    for deployment in deployments(expand(template)):
        for name, rule in load().items():
            for message in _broken(rule, deployment, code):
                found.setdefault((name, message), deployment.name)
    return [(name, f"{message} ({where})") for (name, message), where in found.items()]


def _broken(rule, deployment, code):
    try:
        yield from rule(deployment, code)
    except NotFound as error:
        yield str(error)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A template of another form than CloudFormation's, such as a list where an object belongs.
        yield f"the template cannot be read as the rule needs it: {error!r}"


def not_checked(code):
    """What could not be compared with its code."""
    return sorted(AWAITED - set(code.functions))
