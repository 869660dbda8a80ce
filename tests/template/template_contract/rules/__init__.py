"""The rules. Each is a function of a deployment and the code that yields what it finds wrong."""

import importlib
import pkgutil

RULES = {}


def rule(name):
    """Makes a function a rule of this name."""

    def register(function):
        if name in RULES:
            raise ValueError(f"there are two rules named {name}")
        RULES[name] = function
        return function

    return register


def load():
    """Every rule, by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return RULES
