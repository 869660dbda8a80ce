"""Transactions into the stack, and what is to become of them."""

import datetime
import json

# Customers, each with one transaction, and how many of them score high.
COUNT = 60
RISKY = 6


def profiles():
    for number in range(COUNT):
        risk = "0.95" if number < RISKY else "0.1"
        yield {"customer_id": {"S": f"C{number}"}, "segment": {"S": "gold"}, "lifetime_value": {"N": "100.50"}, "risk_score": {"N": risk}}


def transactions(now):
    """High scores for the risky customers, none for the others; each of them once, and the first three twice."""
    night = now.replace(hour=2, minute=0, second=0, microsecond=0)
    if night > now:
        night -= datetime.timedelta(days=1)
    day = night + datetime.timedelta(hours=-10)
    made = []
    for number in range(COUNT):
        risky = number < RISKY
        made.append(
            {
                "transaction_id": f"T{number}",
                "customer_id": f"C{number}",
                "amount": 12_500.5 if risky else 42.25,
                "event_time": (night if risky else day).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            | merchant(number)
        )
    return made + made[:3]


def merchant(number):
    """Every second transaction names a merchant."""
    return {"merchant_id": f"M{number}"} if number % 2 == 0 else {}


def send(emulator, stream, delivery, records):
    data = [json.dumps(record).encode() for record in records]
    emulator.client("kinesis").put_records(
        StreamName=stream, Records=[{"Data": item, "PartitionKey": record["customer_id"]} for item, record in zip(data, records)]
    )
    emulator.client("firehose").put_record_batch(DeliveryStreamName=delivery, Records=[{"Data": item} for item in data])
