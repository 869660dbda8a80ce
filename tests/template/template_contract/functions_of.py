"""The Lambda functions of a deployment, and the code that each of them runs."""

from dataclasses import dataclass


@dataclass
class Function:
    """A function: its resource, the binary that it runs, its properties."""

    name: str
    binary: str
    properties: dict

    @property
    def variables(self):
        return self.properties.get("Environment", {}).get("Variables", {})

    @property
    def role(self):
        return self.properties.get("Role", "")


def functions(deployment):
    for name, properties in deployment.of_type("AWS::Lambda::Function"):
        build = deployment.resources[name].get("Metadata", {}).get("BuildProperties", {})
        yield Function(name, build.get("Binary", ""), properties)


def functions_with_code(deployment, code):
    """Those whose code can be read."""
    return [function for function in functions(deployment) if function.binary in code.functions]
