"""Deliberate mistakes, each of which the rules must notice.

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


@dataclass
class Outcome:
    """What became of a mistake."""

    name: str
    expected: str
    noticed: list

    @property
    def is_caught(self):
        return self.expected in self.noticed


# One for each process: it remembers what it has read.
CODE = Code(".")


def try_out(template, mistake):
    name, change, expected = mistake
    changed = copy.deepcopy(template)
    change(changed)
    if changed == template:
        raise ValueError(f"the mistake `{name}` changes nothing: the template has moved on")
    return Outcome(name, expected, [rule for rule, _ in check(changed, CODE)])


def _try_number(arguments):
    template, number = arguments
    return try_out(template, MISTAKES[number])


def main(path):
    template = read(path)
    broken = check(template, CODE)
    if broken:
        print(f"{path} breaks rules before any mistake is made: make check-template names them")
        return 1
    with ProcessPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(_try_number, [(template, number) for number in range(len(MISTAKES))], chunksize=8))
    for outcome in outcomes:
        if not outcome.is_caught:
            print(f"not noticed: {outcome.name} (expected {outcome.expected}; noticed {', '.join(sorted(set(outcome.noticed))) or 'nothing'})")
    caught = sum(outcome.is_caught for outcome in outcomes)
    print(f"{caught} of {len(outcomes)} mistakes noticed")
    return 0 if caught == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
