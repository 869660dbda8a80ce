"""The transform's buffer: what Firehose gathers must fit, scored, into one answer."""

import math
import re
from pathlib import Path

from . import rule

GUIDE = "docs/operations.md"
PARAMETER = "TransformBufferMB"
MIB = 1_048_576
# Firehose's bounds (Amazon Data Firehose API reference, ProcessorParameter), and the steps in which the default is chosen.
LEAST, MOST, STEP = 0.2, 3, 0.05


def _largest_safe(code):
    """The largest buffer, in MB, that is safe for records of any size."""
    answer, record, answered = code.transform_answer
    return math.floor(answer / answered * record / MIB / STEP + 1e-9) * STEP


def _smallest_safe(code, buffer):
    """The bytes of the smallest record for which a buffer is safe: what a record grows by, its answer grows by a third more."""
    answer, record, answered = code.transform_answer
    return math.ceil(buffer * MIB * (answered + 4 - record * 4 / 3) / (answer - buffer * MIB * 4 / 3))


@rule("transform-buffer")
def answers_fit_for_records_of_any_size(deployment, code):
    parameter = deployment.parameters.get(PARAMETER, {})
    default, safe = float(parameter.get("Default", 1)), _largest_safe(code)
    if abs(default - safe) > 1e-9:
        yield f"{PARAMETER} is {default:g} by default; the largest value that is safe for every record is {safe:g}"
    if (float(parameter.get("MinValue", 0)), float(parameter.get("MaxValue", math.inf))) != (LEAST, MOST):
        yield f"{PARAMETER} must be bounded by {LEAST} and {MOST} (MinValue, MaxValue)"
    for name, properties in deployment.of_type("AWS::KinesisFirehose::DeliveryStream"):
        for processor in properties["ExtendedS3DestinationConfiguration"].get("ProcessingConfiguration", {}).get("Processors", []):
            parameters = {p["ParameterName"]: p["ParameterValue"] for p in processor.get("Parameters", [])}
            if parameters.get("BufferSizeInMBs") != deployment.values.get(PARAMETER):
                yield f"{name}: BufferSizeInMBs is {parameters.get('BufferSizeInMBs')}; it must be a Ref of {PARAMETER}"
    yield from _faults_of_the_guide(code)


def _faults_of_the_guide(code):
    guide = Path(code.workspace, GUIDE).read_text(encoding="utf-8")
    section = guide.partition("\n### Buffer\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| ([\d.]+) \| ([\d,]+) \|$", section, re.MULTILINE)
    if not rows:
        yield f"{GUIDE} has no table of buffers under the heading Buffer"
    for buffer, said in rows:
        needed = _smallest_safe(code, float(buffer))
        if not needed <= int(said.replace(",", "")) < needed + 10:
            yield f"{GUIDE} says that {PARAMETER}={buffer} is safe from {said} bytes on; it is from {needed}"
