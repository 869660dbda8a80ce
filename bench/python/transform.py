"""The tutorial's rules as a Firehose transform in Python, as a team would write it: what the functions are compared with."""

import base64
import datetime
import json
import os

with open(os.environ["PROFILES"], encoding="utf-8") as file:
    PROFILES = json.load(file)


def score(record):
    amount = record.get("amount", 0)
    reasons, points = [], 0.0
    if amount > 10000:
        points += 0.3
        reasons.append("amount")
    elif amount > 5000:
        points += 0.2
        reasons.append("amount")
    risk = record.get("customer_risk_score", 0.5) * 0.4
    if risk > 0:
        points += risk
        reasons.append("customer_risk")
    time = datetime.datetime.fromisoformat(record["event_time"])
    if 0 <= time.hour < 6:
        points += 0.2
        reasons.append("time_of_day")
    return min(points, 1.0), reasons, time


def transform(entry):
    record = json.loads(base64.b64decode(entry["data"]))
    profile = PROFILES.get(record.get("customer_id"))
    if profile:
        record["customer_segment"] = profile["segment"]
        record["customer_lifetime_value"] = profile["lifetime_value"]
        record["customer_risk_score"] = profile["risk_score"]
    record["fraud_score"], record["fraud_reasons"], time = score(record)
    record["decision_id"] = f"{record['customer_id']}/{record['transaction_id']}"
    record["enrichment"] = "profile" if profile else "no_profile"
    arrival = entry["kinesisRecordMetadata"]["approximateArrivalTimestamp"]
    record["ingested_at"] = datetime.datetime.fromtimestamp(arrival / 1000, datetime.timezone.utc).isoformat()
    return {
        "recordId": entry["recordId"],
        "result": "Ok",
        "data": base64.b64encode((json.dumps(record) + "\n").encode()).decode(),
        "metadata": {
            "partitionKeys": {"year": f"{time:%Y}", "month": f"{time:%m}", "day": f"{time:%d}", "hour": f"{time:%H}"}
        },
    }


def handler(event, context):
    return {"records": [transform(entry) for entry in event["records"]]}
