"""python -m template_contract [--workspace FOLDER] [--description FILE] [--expanded FILE] TEMPLATE"""

import argparse
import json
import sys

from .check import check
from .code import Code, NotFound
from .expand import NotExpandable, expand, read


def main():
    parser = argparse.ArgumentParser(prog="template_contract", description="Prints one line for each rule that a SAM template breaks.")
    parser.add_argument("template")
    parser.add_argument("--workspace", default=".", help="the folder of Cargo.toml, whose code the template must match")
    parser.add_argument("--description", default="target/description.json", metavar="FILE", help="what `cargo run --workspace --bin describe` prints")
    parser.add_argument("--expanded", metavar="FILE", help="only write what CloudFormation gets, as JSON")
    arguments = parser.parse_args()
    try:
        template = read(arguments.template)
        if arguments.expanded:
            with open(arguments.expanded, "w", encoding="utf-8") as file:
                json.dump(expand(template), file, indent=1, default=str)
            return 0
        code = Code.read(arguments.workspace, arguments.description)
        broken = check(template, code)
    except (NotExpandable, NotFound) as error:
        print(error)
        return 2
    for rule, message in broken:
        print(f"{arguments.template}: {rule}: {message}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
