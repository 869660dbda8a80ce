"""Functions: their code, their time, their environment."""

from ..functions_of import functions, functions_with_code
from ..model import as_list
from . import rule

FOR_DEVELOPMENT = {"stdout", "memory"}
# Variables whose files come with the layer.
FILES_OF_A_LAYER = ("FRAUD_POLICY", "TRANSACTION_SCHEMA")
# The resource that a port's value must lead to.
TARGETS = {"dynamodb": "AWS::DynamoDB::Table", "sns": "AWS::SNS::Topic", "sqs": "AWS::SQS::Queue", "kinesis": "AWS::Kinesis::Stream"}


@rule("function-code")
def every_function_has_its_code(deployment, code):
    for function in functions(deployment):
        if function.binary not in code.functions:
            yield f"{function.name} is built from `{function.binary}`, but there is no functions/{function.binary}"
        if deployment.resources[function.name].get("Metadata", {}).get("BuildMethod") != "rust-cargolambda":
            yield f"{function.name} is not built by cargo-lambda (Metadata, BuildMethod: rust-cargolambda)"
    built = {function.binary for function in functions(deployment)}
    for name in sorted(set(code.functions) - built):
        yield f"functions/{name} is not deployed"


@rule("function-runtime")
def functions_run_on_what_cargo_lambda_builds_for(deployment, code):
    for function in functions(deployment):
        if function.properties.get("Runtime") != "provided.al2023" or function.properties.get("Handler") != "bootstrap":
            yield f"{function.name} must have the runtime provided.al2023 and the handler bootstrap"


@rule("function-variables")
def variables_are_those_that_the_code_reads(deployment, code):
    for function in functions_with_code(deployment, code):
        known = code.variables(function.binary)
        for name in sorted(set(function.variables) - set(known)):
            yield f"{function.name} sets {name}, which functions/{function.binary} does not read"
        for name, variable in sorted(known.items()):
            if variable.is_required and name not in function.variables:
                yield f"{function.name} does not set {name}, which functions/{function.binary} requires"


@rule("function-variable-values")
def values_are_what_the_code_accepts(deployment, code):
    for function in functions_with_code(deployment, code):
        known = code.variables(function.binary)
        for name, value in sorted(function.variables.items()):
            schemes = known[name].schemes if name in known else set()
            if not schemes:
                continue
            scheme, colon, rest = str(value).partition(":")
            if not colon or scheme not in schemes:
                yield f"{function.name}: {name} is `{value}`; the code accepts {', '.join(f'`{s}:`' for s in sorted(schemes))}"
            elif scheme in FOR_DEVELOPMENT or (scheme == "file" and name not in FILES_OF_A_LAYER):
                yield f"{function.name}: {name} is `{value}`, which is for development"
            elif scheme in TARGETS:
                if name == "HISTORY" and rest and rest == deployment.values.get("HistoryTableName"):
                    continue
                target = deployment.type_of(deployment.referred(rest) or "")
                if target != TARGETS[scheme] or "." in rest:
                    yield f"{function.name}: {name} must be `{scheme}:` and a Ref of an {TARGETS[scheme]}, and is `{value}`"


@rule("unalerted-letters")
def high_scores_that_nobody_was_alerted_of_are_kept_apart(deployment, code):
    for function in functions_with_code(deployment, code):
        if "UNALERTED_LETTERS" not in code.variables(function.binary):
            continue
        own = function.variables.get("UNALERTED_LETTERS", "dead_letters:")
        if own in ("dead_letters:", function.variables.get("DEAD_LETTERS")):
            yield f"{function.name}: UNALERTED_LETTERS must name a queue of its own; in that of DEAD_LETTERS a flood of others buries them"


@rule("published-policy")
def a_published_policy_is_the_one_that_scores(deployment, code):
    wanted = deployment.values.get("PublishedPolicy")
    for function in functions_with_code(deployment, code):
        named = function.variables.get("FRAUD_POLICY")
        if wanted and "FRAUD_POLICY" in code.variables(function.binary) and named != f"store:{wanted}":
            yield f"{function.name}: FRAUD_POLICY is `{named}`; PublishedPolicy names {wanted}"


@rule("shadow-policy")
def both_scoring_functions_score_the_same_policy_in_the_shadow(deployment, code):
    wanted = deployment.values.get("ShadowPolicy")
    for function in functions_with_code(deployment, code):
        named = function.variables.get("SHADOW_POLICY")
        if "SHADOW_POLICY" in code.variables(function.binary) and named != wanted:
            yield f"{function.name}: SHADOW_POLICY is `{named}`; ShadowPolicy names {wanted}"


@rule("policy-writers")
def no_function_writes_policies(deployment, code):
    """Who scores must not be able to change what it scores by, whatever a port comes to call."""
    allowed = {"dynamodb:GetItem"}
    for name, properties in deployment.of_type("AWS::IAM::Role"):
        for policy in properties.get("Policies", []):
            for statement in policy.get("PolicyDocument", {}).get("Statement", []):
                if "${PoliciesTable" in str(statement.get("Resource")):
                    for action in sorted(set(as_list(statement.get("Action"))) - allowed):
                        yield f"{name} permits {action} on the published policies; a function reads one, and only people write them"


@rule("history")
def both_scoring_functions_look_at_one_history(deployment, code):
    wanted = "dynamodb" if deployment.values.get("History") == "on" else "none"
    found = {function.name: str(function.variables.get("HISTORY", "none:")) for function in functions_with_code(deployment, code) if "HISTORY" in code.variables(function.binary)}
    if len(set(found.values())) > 1:
        yield f"functions look at different histories (HISTORY): {found}"
    for name, value in found.items():
        if value.partition(":")[0] != wanted:
            yield f"{name}: HISTORY is `{value}`; with History={deployment.values.get('History')} it must be `{wanted}:`"
    table = deployment.values.get("HistoryTableName")
    made = deployment.type_of("HistoryTable") is not None
    if made != (wanted == "dynamodb" and not table):
        yield f"HistoryTable is {'made' if made else 'not made'} with History={deployment.values.get('History')} and HistoryTableName={table!r}"


@rule("policy-layer")
def a_policy_or_schema_file_comes_with_its_layer(deployment, code):
    for function in functions(deployment):
        for name in FILES_OF_A_LAYER:
            reads_file = str(function.variables.get(name, "")).startswith("file:/opt/")
            if reads_file and not as_list(function.properties.get("Layers")):
                yield f"{function.name}: {name} names a file of a layer, and there is no layer"


@rule("transaction-schema")
def all_functions_read_transactions_by_one_schema(deployment, code):
    schemas = {function.name: function.variables.get("TRANSACTION_SCHEMA") for function in functions(deployment)}
    if len(set(schemas.values())) > 1:
        told = ", ".join(f"{name}: {schema}" for name, schema in sorted(schemas.items()))
        yield f"functions read transactions by different schemas (TRANSACTION_SCHEMA): {told}"


@rule("function-concurrency")
def concurrency_is_reserved_for_alerts_alone(deployment, code):
    wanted = int(deployment.values.get("AlertReservedConcurrency", 0))
    for function in functions(deployment):
        reserved = function.properties.get("ReservedConcurrentExecutions")
        expected = wanted if function.binary == "kinesis-alerts" and wanted else None
        if reserved != expected:
            yield f"{function.name}: ReservedConcurrentExecutions is {reserved}; it must be {expected} (0 switches a function off)"


@rule("function-timeout")
def there_is_time_to_answer(deployment, code):
    # Firehose waits for five minutes; the functions wait up to ten seconds for profiles and keep some to settle.
    # (Amazon Data Firehose developer guide, "Transform source data"; README, "Deploy".)
    bounds = {"firehose-transform": (60, 300)}
    for function in functions(deployment):
        least, most = bounds.get(function.binary, (30, 900))
        timeout = function.properties.get("Timeout", 3)
        if not least <= timeout <= most:
            yield f"{function.name}: Timeout is {timeout} s; it must be between {least} and {most}"


@rule("function-logs")
def functions_log_as_json_into_their_own_group(deployment, code):
    groups = {}
    for function in functions(deployment):
        logging = function.properties.get("LoggingConfig", {})
        group = deployment.referred(logging.get("LogGroup"))
        if deployment.type_of(group or "") != "AWS::Logs::LogGroup":
            yield f"{function.name} does not log into a log group of this template (LoggingConfig, LogGroup)"
        elif group in groups:
            yield f"{function.name} and {groups[group]} share the log group {group}"
        groups[group] = function.name
        if logging.get("LogFormat") != "JSON":
            yield f"{function.name}: LogFormat must be JSON, or the level of its lines cannot be set"
        if logging.get("ApplicationLogLevel") not in ("TRACE", "DEBUG", "INFO"):
            yield f"{function.name}: at ApplicationLogLevel {logging.get('ApplicationLogLevel')} Lambda drops the lines of metrics"
    for value in deployment.parameters.get("LogLevel", {}).get("AllowedValues", ["any"]):
        if value not in ("TRACE", "DEBUG", "INFO"):
            yield f"LogLevel allows {value}: above INFO Lambda drops the lines of metrics"
