"""A template under given parameter values, its intrinsic functions worked out as far as they can be.

A reference to a resource becomes text: `${Name}` for Ref, `${Name.Attribute}` for GetAtt, also inside Fn::Sub and
Fn::Join. Pseudo parameters stay `${AWS::Region}` and so on. Resources whose condition does not hold are left out.
"""

import json
import re

_NOTHING = object()


class NotDeployable(Exception):
    """CloudFormation could not deploy the template with these parameters. Its text says why not."""


class Deployment:
    """The template as one set of parameter values deploys it."""

    def __init__(self, name, template, values):
        self.name = name
        self.template = template
        self.parameters = template.get("Parameters", {})
        unknown = sorted(set(values) - set(self.parameters))
        if unknown:
            raise NotDeployable(f"there is no parameter {', '.join(unknown)}")
        self.values = {key: parameter.get("Default", "") for key, parameter in self.parameters.items()} | values
        self._conditions = {}
        for rule in template.get("Rules", {}).values():
            self._keep(rule)
        self.resources = {
            name: {key: self._resolve(value) if key == "Properties" else value for key, value in resource.items()}
            for name, resource in template["Resources"].items()
            if self._holds(resource.get("Condition"))
        }

    def of_type(self, resource_type):
        """Names and properties of all resources of a type."""
        return [
            (name, resource.get("Properties") or {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        ]

    def properties(self, name):
        return self.resources.get(name, {}).get("Properties") or {}

    def type_of(self, name):
        return self.resources.get(name, {}).get("Type")

    def referred(self, text):
        """The resource that a reference names, if the text is one."""
        match = re.fullmatch(r"\$\{(\w+)(?:\.[\w.]+)?\}", text) if isinstance(text, str) else None
        return match.group(1) if match and match.group(1) in self.resources else None

    def _holds(self, condition):
        if condition is None:
            return True
        if condition not in self._conditions:
            self._conditions[condition] = self._is_true(self._condition(condition))
        return self._conditions[condition]

    def _condition(self, name):
        try:
            return self.template["Conditions"][name]
        except KeyError as error:
            raise NotDeployable(f"there is no condition {name}") from error

    def _keep(self, rule):
        """CloudFormation refuses parameters under which an assertion of a rule that applies does not hold."""
        if "RuleCondition" not in rule or self._is_true(rule["RuleCondition"]):
            for assertion in rule["Assertions"]:
                if not self._is_true(assertion["Assert"]):
                    raise NotDeployable(assertion.get("AssertDescription", "a rule does not hold"))

    def _is_true(self, expression):
        ((function, argument),) = expression.items()
        match function:
            case "Condition":
                return self._holds(argument)
            case "Fn::Not":
                return not self._is_true(argument[0])
            case "Fn::And":
                return all(map(self._is_true, argument))
            case "Fn::Or":
                return any(map(self._is_true, argument))
            case "Fn::Equals":
                left, right = map(self._resolve, argument)
                return str(left) == str(right)
        raise NotDeployable(f"a condition by {function} is not understood here")

    def _resolve(self, value):
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function, argument)
        resolved = {key: self._resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not _NOTHING}

    def _call(self, function, argument):
        match function:
            case "Ref" if argument == "AWS::NoValue":
                return _NOTHING
            case "Ref":
                return self.values.get(argument, f"${{{argument}}}")
            case "Fn::GetAtt":
                return "${%s}" % (argument if isinstance(argument, str) else ".".join(argument))
            case "Fn::If":
                condition, yes, no = argument
                return self._resolve(yes if self._holds(condition) else no)
            case "Fn::Sub":
                return self._substitute(argument)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(str(self._resolve(part)) for part in parts)
            case "Fn::FindInMap":
                table, row, column = map(self._resolve, argument)
                try:
                    return self.template["Mappings"][table][str(row)][column]
                except KeyError as error:
                    raise NotDeployable(f"the mapping {table} has no {row}, {column}") from error
        return json.dumps({function: argument})

    def _substitute(self, argument):
        text, own = argument if isinstance(argument, list) else (argument, {})

        def value(match):
            name = match.group(1)
            if name.startswith("!"):
                return "${%s}" % name[1:]
            if name in own:
                return str(self._resolve(own[name]))
            return str(self.values.get(name, match.group(0)))

        return re.sub(r"\$\{([^}]+)\}", value, text)


def as_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]
