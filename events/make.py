#!/usr/bin/env python3
"""Writes the events and profiles of this folder, always the same: python3 events/make.py

Firehose events have the shape that Firehose sends to a transform, arrival times in milliseconds; Kinesis events that
of an event source mapping, arrival times in seconds. The payloads are made up.
"""

import base64
import hashlib
import json
import pathlib
import random

FOLDER = pathlib.Path(__file__).parent
ARRIVAL = 1705291200000  # 2024-01-15T04:00:00Z
STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/transactions"


def payload(value) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def firehose_record(index: int, data: bytes | str | None, arrival: float | int | str = None, metadata=None) -> dict:
    record = {
        "recordId": f"{49572672223665514422805246926656954630972486059535892482 + index}000000",
        "approximateArrivalTimestamp": ARRIVAL + index if arrival is None else arrival,
    }
    if data is not None:
        record["data"] = data if isinstance(data, str) else base64.b64encode(data).decode()
    if metadata:
        record["kinesisRecordMetadata"] = metadata
    return record


def firehose_event(records: list, source: bool = False) -> dict:
    event = {
        "invocationId": "e3b7a5d2-1f6c-4e0a-9b55-6a1c2f9d8e41",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/transactions-to-lake",
        "region": "us-east-1",
    }
    if source:
        event["sourceKinesisStreamArn"] = STREAM_ARN
    event["records"] = records
    return event


def metadata(index: int, arrival=None, shard: int = 0, sub: int | str = 0) -> dict:
    return {
        "sequenceNumber": str(49546986683135544286507457936321625675700192471156785154 + index),
        "subsequenceNumber": sub,
        "partitionKey": f"C{1000 + index}",
        "shardId": f"shardId-{shard:012d}",
        "approximateArrivalTimestamp": ARRIVAL + index if arrival is None else arrival,
    }


PROFILES = {
    "C1001": {"segment": "gold", "lifetime_value": 25340.75, "risk_score": 0.9},
    "C1002": {"segment": "silver", "lifetime_value": 1820.10, "risk_score": 0.35},
    "C1003": {"segment": "bronze", "lifetime_value": 75.00, "risk_score": 1},
    "C1004": {"segment": "new"},
    "C1005": {"segment": "gold", "lifetime_value": 12345678901234567890, "risk_score": 1.7},
    "42": {"segment": "legacy", "lifetime_value": 0, "risk_score": 0.1},
}


def direct_put() -> dict:
    night, day = "2024-01-15T03:12:45Z", "2024-01-15T14:20:00+11:00"
    return firehose_event(
        [
            firehose_record(i, payload(value))
            for i, value in enumerate(
                [
                    {"transaction_id": "T-0001", "customer_id": "C1001", "amount": 12500.00, "currency": "USD", "event_time": night},
                    {"transaction_id": "T-0002", "customer_id": "C1002", "amount": 42.10, "currency": "EUR", "event_time": day},
                    {"transaction_id": "T-0003", "customer_id": "C1003", "amount": 10000.01, "event_time": "2024-01-15 02:59:59.123456"},
                    {"transaction_id": "T-0004", "customer_id": "C1004", "amount": 7500},
                    {"transaction_id": "T-0005", "customer_id": "C1005", "amount": 7500, "event_time": day},
                    {"transaction_id": "T-0006", "customer_id": "C9999", "amount": 5000, "event_time": night},
                    {"transaction_id": "T-0007", "amount": 99.99, "merchant": {"name": "Café Zürich", "mcc": 5812}, "event_time": night},
                    {"customer_id": 42, "amount": 19.90, "event_time": "yesterday"},
                ]
            )
        ]
    )


def kinesis_source() -> dict:
    def at(index, value, **more):
        return firehose_record(index, payload(value), metadata=metadata(index, **more))

    return firehose_event(
        [
            at(0, {"transaction_id": "T-0101", "customer_id": "C1001", "amount": 10500, "event_time": "2024-01-15T01:30:00Z"}),
            at(1, {"customer_id": "C1002", "amount": 310.25, "event_time": "2024-01-15T03:59:58Z"}),
            at(2, {"customer_id": "C1002", "amount": 12.00}, shard=1),
            at(3, {"customer_id": "C1003", "amount": 6000, "event_time": "2024-01-14T23:30:00-08:00"}, sub=7),
            at(4, {"transaction_id": "T/01%04", "customer_id": "@C1001", "amount": 1}, arrival="2024-01-15T04:00:00.511Z", sub=""),
            at(5, {"transaction_id": 105, "customer_id": "C1004", "amount": 5000.01}, arrival=1705291200.75),
            at(6, {"transaction_id": "T-0106", "customer_id": "C1001", "amount": 20, "event_time": "2031-05-01T00:00:00Z"}),
            at(7, {"transaction_id": "T-0107", "customer_id": "C1001", "amount": 20, "event_time": "2023-12-01T00:00:00Z"}),
        ],
        source=True,
    )


def mixed() -> dict:
    good = {"transaction_id": "T-0201", "customer_id": "C1001", "amount": 15000, "event_time": "2024-01-15T03:00:00Z"}
    deep = '{"transaction_id":"T-0213","extra":' + "[" * 64 + "]" * 64 + "}"
    boasting = (
        '{"Fraud_Score": 0, "transaction_id": "T-0215", "customer_id": "C1001", "customer_risk_score": 0.0,\r\n'
        '  "amount": 1.50, "ENRICHMENT": {"by": "me"}}\n'
    )
    return firehose_event(
        [
            firehose_record(i, data)
            for i, data in enumerate(
                [
                    payload(good),
                    "this is not base64!",
                    b'{"transaction_id":"T-0202","note":"\xff\xfe"}',
                    b'{"transaction_id":"T-0203","amount":12',
                    payload(["T-0204"]),
                    payload({**good, "transaction_id": "T-0205", "amount": "15000"}),
                    b'{"transaction_id":"T-0206","amount":1e999}',
                    payload({**good, "transaction_id": "T-0207", "customer_id": ["C1001"]}),
                    payload({**good, "transaction_id": True}),
                    b'{"transaction_id":"T-0209","amount":NaN}',
                    b"",
                    None,
                    payload({**good, "transaction_id": "x" * 257}),
                    deep.encode(),
                    b'{"transaction_id":"T-0214","customer_id":"C1001","amount":1,"amount":9000.00,"n":1.000000000000000000000001}',
                    boasting.encode(),
                    payload({**good, "transaction_id": "T-0216"}),
                ]
            )
        ]
    )


def five_hundred() -> dict:
    rng = random.Random(500)
    records = []
    for i in range(500):
        value = {
            "transaction_id": f"T-{500000 + i}",
            "customer_id": f"C{1001 + rng.randrange(40)}",
            "amount": round(rng.lognormvariate(4, 2), 2),
            "currency": rng.choice(["USD", "EUR", "GBP"]),
            "merchant": f"M-{rng.randrange(300):04d}",
            "channel": rng.choice(["pos", "web", "app"]),
            "event_time": f"2024-01-15T{rng.randrange(4):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}.{rng.randrange(1000):03d}Z",
        }
        records.append(firehose_record(i, payload(value), metadata=metadata(i, shard=i % 4)))
    return firehose_event(records, source=True)


SEQUENCE_NUMBER = 49590338271490256608559692538361571095921575989136588898


def kinesis_record(index: int, data: bytes | str, key: str = "C1001", arrival: float | str = None, consumer: str = "") -> dict:
    sequence_number = str(SEQUENCE_NUMBER + index * 14)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": sequence_number,
            "data": data if isinstance(data, str) else base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": round(ARRIVAL / 1000 + index * 0.25, 3) if arrival is None else arrival,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000006:{sequence_number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/fraud-stream-alerts",
        "awsRegion": "us-east-1",
        "eventSourceARN": STREAM_ARN + consumer,
    }


def kinesis_event(payloads: list, consumer: str = "") -> dict:
    return {"Records": [kinesis_record(i, data, consumer=consumer) for i, data in enumerate(payloads)]}


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protobuf message: a varint, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def kpl_aggregate(payloads: list[bytes]) -> bytes:
    """Many user records in one, as the Kinesis Producer Library packs them."""
    message = field(1, b"C1001") + b"".join(field(3, field(1, 0) + field(3, data)) for data in payloads)
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def transaction(number: int, customer: str, amount: float, time: str = "2024-01-15T14:00:00Z") -> bytes:
    return payload({"transaction_id": f"T-{number:04d}", "customer_id": customer, "amount": amount, "event_time": time})


NIGHT = "2024-01-15T03:30:00Z"


def kinesis_plain() -> dict:
    records = [transaction(1000 + i, f"C{1001 + i % 4}", 10.5 + i) for i in range(8)]
    records.append(payload({"amount": 3, "note": "no customer, no id"}))
    return kinesis_event(records, consumer="/consumer/kinesis-alerts:1764000000")


def kinesis_high_scores() -> dict:
    odd = {"customer_id": "C1003", "amount": 10000.010, "event_time": NIGHT, "note": "no id: its position names it"}
    records = [
        transaction(1100, "C1001", 15000, NIGHT),
        transaction(1101, "C1002", 15000, NIGHT),
        transaction(1102, "C1003", 20000.50, NIGHT),
        transaction(1103, "C1001", 12000.01, NIGHT),
        payload(odd),
        transaction(1104, "C9999", 50000, NIGHT),
    ]
    return kinesis_event(records)


def kinesis_duplicates() -> dict:
    first = transaction(1200, "C1001", 15000, NIGHT)
    return kinesis_event([first, transaction(1201, "C1002", 5), first, transaction(1200, "C1001", 99000, NIGHT), first])


def kinesis_poison() -> dict:
    return kinesis_event(
        [
            transaction(1300, "C1001", 15000, NIGHT),
            "this is not base64!",
            b"\xff\xfe",
            b'{"transaction_id":"T-1303","amount":12',
            payload({"transaction_id": "T-1304", "customer_id": "C1001", "amount": "15000"}),
            transaction(1305, "C1003", 15000, NIGHT),
        ]
    )


def kinesis_aggregated() -> dict:
    inner = [
        transaction(1400, "C1001", 15000, NIGHT),
        transaction(1401, "C1002", 12),
        b"not a transaction",
        payload({"customer_id": "C1003", "amount": 11000, "event_time": NIGHT}),
    ]
    broken = bytearray(kpl_aggregate([transaction(1403, "C1001", 15000, NIGHT)]))
    broken[-1] ^= 1
    return kinesis_event([transaction(1399, "C1002", 7), kpl_aggregate(inner), bytes(broken), transaction(1404, "C1002", 8)])


FILES = {
    "profiles.json": PROFILES,
    "firehose-direct-put.json": direct_put(),
    "firehose-kinesis-source.json": kinesis_source(),
    "firehose-mixed.json": mixed(),
    "firehose-500.json": five_hundred(),
    "kinesis-plain.json": kinesis_plain(),
    "kinesis-high-scores.json": kinesis_high_scores(),
    "kinesis-duplicates.json": kinesis_duplicates(),
    "kinesis-poison.json": kinesis_poison(),
    "kinesis-aggregated.json": kinesis_aggregated(),
}

for name, value in FILES.items():
    (FOLDER / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
