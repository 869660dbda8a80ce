"""python -m deployment_smoke [--build FOLDER] [--ministack PROGRAM] [--fraudctl PROGRAM] TEMPLATE"""

import argparse
import datetime
import json
import sys
import tempfile
import time

from template_contract.expand import expand, read

from . import emulator, stack, traffic
from .policy import Policy

# ministack has no enhanced fan-out.
PARAMETERS = {"AlertConsumer": "standard", "LakeBufferSeconds": "60"}


def main():
    parser = argparse.ArgumentParser(prog="deployment_smoke")
    parser.add_argument("template")
    parser.add_argument("--build", default=".aws-sam/build", help="where `sam build` left the functions")
    parser.add_argument("--ministack", default="ministack", help="the program")
    parser.add_argument("--fraudctl", default="target/debug/fraudctl", help="the tool")
    parser.add_argument("--log", default="target/ministack.log", help="where ministack's output goes")
    arguments = parser.parse_args()
    template = stack.deployable(expand(read(arguments.template)))
    with tempfile.TemporaryDirectory() as folder, emulator.running(arguments.ministack, arguments.log) as aws:
        policy = Policy(arguments.fraudctl, folder)
        stack.upload(aws.client("s3"), arguments.build, template)
        started = time.monotonic()
        outputs, names = stack.deploy(aws, template, PARAMETERS | {"History": "on", "PublishedPolicy": policy.id()})
        print(f"the stack is up: {len(names)} resources in {time.monotonic() - started:.1f} s")
        policy.publish(aws, outputs["PoliciesTableName"])
        failures = list(check(aws, outputs, names))
    for failure in failures:
        print(f"FAILED: {failure}; ministack's output is in {arguments.log}")
    print("the deployment does what it should" if not failures else f"{len(failures)} failures")
    return 1 if failures else 0


def check(aws, outputs, names):
    sqs, dynamodb = aws.client("sqs"), aws.client("dynamodb")
    received = sqs.create_queue(QueueName="received-alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=received, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=received, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    aws.client("sns").subscribe(TopicArn=outputs["AlertsTopicArn"], Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for profile in traffic.profiles():
        dynamodb.put_item(TableName=outputs["ProfilesTableName"], Item=profile)

    sent = traffic.transactions(datetime.datetime.now(datetime.timezone.utc))
    traffic.send(aws, outputs["TransactionsStreamName"], names["LakeDelivery"], sent)
    distinct = {f"{record['customer_id']}/{record['transaction_id']}" for record in sent}
    risky = {f"C{number}/T{number}" for number in range(traffic.RISKY)}

    alerts = until(lambda: receive(sqs, received), lambda got: len(got) >= len(risky))
    yield from compare("alerts", sorted(alert["alert_id"] for alert in alerts), sorted(risky))
    yield from compare("what alerts say of the customer's history", {alert.get("history") for alert in alerts}, {"used"})
    histories = until(lambda: scan(dynamodb, outputs["HistoryTableName"]), lambda got: len(got) >= traffic.COUNT)
    yield from compare("customers' histories", {row["customer_id"]["S"] for row in histories}, {record["customer_id"] for record in sent})
    rows = until(lambda: scan(dynamodb, outputs["AlertLedgerTableName"]), lambda got: len(got) >= len(risky))
    yield from compare("rows in the ledger", {row["alert_id"]["S"]: row["status"]["S"] for row in rows}, {name: "sent" for name in risky})
    windows = until(lambda: scan(dynamodb, outputs["AggregatesTableName"]), lambda got: total(got) >= len(distinct))
    yield from compare("transactions in the aggregates", total(windows), len(distinct))
    lake = until(lambda: objects(aws, outputs["LakeBucketName"], "transactions/"), lambda got: sum(map(len, got.values())) >= len(sent), patience=150)
    yield from compare("records in the lake", sum(map(len, lake.values())), len(sent))
    for key, lines in lake.items():
        for line in lines:
            yield from partition_faults(key, line)
    scores = {line["decision_id"]: line["fraud_score"] > 0.8 for lines in lake.values() for line in lines}
    yield from compare("high scores in the lake", {name for name, high in scores.items() if high}, risky)
    merchants = {line["transaction_id"]: line["merchant_id"] for lines in lake.values() for line in lines}
    expected = {f"T{number}": traffic.merchant(number).get("merchant_id") for number in range(traffic.COUNT)}
    yield from compare("merchants in the lake, null if there was none", merchants, expected)
    letters = sqs.get_queue_attributes(QueueUrl=outputs["DeadLettersQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"])
    yield from compare("dead letters", letters["Attributes"]["ApproximateNumberOfMessages"], "0")


def compare(what, found, expected):
    if found == expected:
        print(f"ok: {what}: {len(found) if isinstance(found, (list, dict, set)) else found}")
    else:
        yield f"{what}: {found}, and not {expected}"


def until(look, is_enough, patience=60):
    """What a look shows once it is enough, or when patience ends; it is then looked at once more, for anything too much."""
    deadline = time.monotonic() + patience
    seen = look()
    while not is_enough(seen) and time.monotonic() < deadline:
        time.sleep(1)
        seen = look()
    time.sleep(1)
    return look()


_ALERTS = []


def receive(sqs, queue):
    """All alerts that came so far."""
    for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        _ALERTS.append(json.loads(message["Body"]))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return _ALERTS


def scan(dynamodb, table):
    return dynamodb.scan(TableName=table)["Items"]


def total(windows):
    # The table holds the window rule, too, which counts nothing.
    return sum(int(window["event_count"]["N"]) for window in windows if "event_count" in window)


def objects(aws, bucket, prefix):
    """The lake's records, by object."""
    import duckdb

    s3, found = aws.client("s3"), {}
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        with open("target/lake-object.parquet", "wb") as file:
            file.write(body)
        result = duckdb.sql("SELECT * FROM read_parquet('target/lake-object.parquet', hive_partitioning = false)")
        found[item["Key"]] = [dict(zip(result.columns, row)) for row in result.fetchall()]
    return found


def partition_faults(key, line):
    time = line["event_time"]
    expected = f"transactions/year={time[:4]}/month={time[5:7]}/day={time[8:10]}/hour={time[11:13]}/"
    if not key.startswith(expected):
        yield f"{line['decision_id']} of {time} is in {key}"


if __name__ == "__main__":
    sys.exit(main())
