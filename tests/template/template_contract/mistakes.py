"""Deliberate mistakes in the template and in the description of the code, each of which the rules must notice.

python -m template_contract.mistakes TEMPLATE
"""

import copy
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from .check import check
from .code import Code
from .expand import read
from .mistake_list import MISTAKES
from .mistakes_in_code import MISTAKES_IN_CODE


@dataclass
class Outcome:
    """What became of a mistake."""

    name: str
    expected: str
    noticed: list

    @property
    def is_caught(self):
        return self.expected in self.noticed


WORKSPACE, DESCRIPTION = ".", "target/description.json"
# One for each process.
CODE = Code.read(WORKSPACE, DESCRIPTION)


def _changed(original, name, change):
    changed = copy.deepcopy(original)
    change(changed)
    if changed == original:
        raise ValueError(f"the mistake `{name}` changes nothing: what it changes has another form now")
    return changed


def try_out(template, mistake):
    name, change, expected = mistake
    return Outcome(name, expected, [rule for rule, _ in check(_changed(template, name, change), CODE)])


def try_out_in_code(template, mistake):
    name, change, expected = mistake
    code = Code(WORKSPACE, _changed(CODE.description, name, change))
    return Outcome(name, expected, [rule for rule, _ in check(template, code)])


TRIALS = [(try_out, mistake) for mistake in MISTAKES] + [(try_out_in_code, mistake) for mistake in MISTAKES_IN_CODE]


def _try_number(arguments):
    template, number = arguments
    try_it, mistake = TRIALS[number]
    return try_it(template, mistake)


def main(path):
    template = read(path)
    broken = check(template, CODE)
    if broken:
        print(f"{path} breaks rules before any mistake is made: make check-template names them")
        return 1
    with ProcessPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(_try_number, [(template, number) for number in range(len(TRIALS))], chunksize=8))
    for outcome in outcomes:
        if not outcome.is_caught:
            print(f"not noticed: {outcome.name} (expected {outcome.expected}; noticed {', '.join(sorted(set(outcome.noticed))) or 'nothing'})")
    caught = sum(outcome.is_caught for outcome in outcomes)
    print(f"{caught} of {len(outcomes)} mistakes noticed")
    return 0 if caught == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
