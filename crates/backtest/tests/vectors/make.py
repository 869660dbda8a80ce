"""Makes transactions at random and their measures by scikit-learn, pandas and plain sorting, for `measures/vectors.rs`.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python make.py

Writes one file of transactions for each case, and `expected.csv`. The same seed gives the same files.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score

HERE = Path(__file__).parent
DAY = 86_400
THRESHOLD = 60.0  # of the policy in vectors.rs
FACTORS = 3
CARDS = 100


def made(case, seed, count, start, days, customers, fraud_rate, scores, budget):
    """Transactions in order of time. Frauds have higher scores by tendency."""
    random = np.random.default_rng(seed)
    is_fraud = random.random(count) < fraud_rate
    tendency = np.clip(random.normal(np.where(is_fraud, 58, 30), 18), 0, 100)
    truth = np.where(is_fraud, "F", np.where(random.random(count) < 0.2, "L", "U"))
    time = np.sort(start + (random.random(count) * days * DAY).astype(int))
    # The last day is too young to be judged, as it may be.
    truth[(time >= start + (days - 1) * DAY) & (random.random(count) < 0.5)] = "I"
    transactions = pd.DataFrame({
        "time": time,
        "score": scores(tendency),
        "truth": truth,
        "amount": (random.lognormal(3.5, 1.2, count) * 10_000).astype(int) * np.where(random.random(count) < 0.03, -1, 1),
        "customer": [f"C{number:03}" for number in random.integers(0, customers, count)],
        "segment": random.choice(["", "basic", "premium"], count, p=[0.1, 0.6, 0.3]),
        "factors": random.integers(0, 2**FACTORS, count) | np.where(is_fraud, 1, 0),
    })
    transactions.to_csv(HERE / f"{case}.csv", index=False, lineterminator="\n")
    return {"case": case, "from": start, "until": start + math.ceil(days * DAY), "budget": budget}, transactions


def card_precision(judged, start):
    """Card precision top-k as the Fraud Detection Handbook defines it, with cards that were found taken out on later days
    (Chapter 4, "Precision top-k metrics"). Equal scores by the customer's id."""
    judged = judged.assign(day=(judged.time - start) // DAY)
    cards = judged.groupby(["day", "customer"], as_index=False).agg(score=("score", "max"), fraud=("fraud", "max"))
    found, precisions = [], []
    for day in sorted(cards.day.unique()):
        left = cards[(cards.day == day) & ~cards.customer.isin(found)]
        checked = left.sort_values(["score", "customer"], ascending=[False, True]).head(CARDS)
        compromised = checked[checked.fraud].customer.tolist()
        precisions.append(len(compromised) / CARDS)
        found += compromised
    return float(np.mean(precisions)) if precisions else None


def recall_at_1_percent(judged):
    """Of all sets of the scores from some score on that are at most 1 % of all, the largest."""
    best = 0.0
    for score in np.unique(judged.score):
        chosen = judged.score >= score
        if 100 * chosen.sum() <= len(judged):
            best = max(best, judged.fraud[chosen].sum() / judged.fraud.sum())
    return best


def threshold_by_budget(transactions, per_day, days):
    candidates = sorted({0.0, *transactions.score})
    return next(t for t in candidates if (transactions.score > t).sum() <= per_day * days)


def figures(transactions, start, days, threshold, with_cards):
    judged = transactions[transactions.truth != "I"]
    judged = judged.assign(fraud=judged.truth == "F", value=judged.amount.clip(lower=0) / 10_000)
    alert = judged.score > threshold
    fraud = judged.fraud
    some, both = fraud.any(), fraud.any() and not fraud.all()
    alerts = int((transactions.score > threshold).sum())
    return {
        "transactions": len(transactions),
        "labelled": int(transactions.truth.isin(["F", "L"]).sum()),
        "frauds": int(fraud.sum()),
        "unlabelled": int((transactions.truth == "U").sum()),
        "immature": int((transactions.truth == "I").sum()),
        "days": days,
        "alerts": alerts,
        "alerts_per_day": alerts / days,
        "frauds_caught": int((fraud & alert).sum()),
        "false_alerts": int((~fraud & alert).sum()),
        "fraud_value": judged.value[fraud].sum(),
        "value_caught": judged.value[fraud & alert].sum(),
        "auc": roc_auc_score(fraud, judged.score) if both else None,
        "average_precision": average_precision_score(fraud, judged.score) if some else None,
        "card_precision_at_100": card_precision(judged, start) if with_cards else None,
        "recall_at_1_percent": recall_at_1_percent(judged) if some else None,
        "precision": precision_score(fraud, alert) if alert.any() else None,
        "recall": recall_score(fraud, alert) if some else None,
        "value_recall": judged.value[fraud & alert].sum() / judged.value[fraud].sum() if some else None,
    }


SPREAD = ["alerts_per_day", "auc", "average_precision", "card_precision_at_100", "recall_at_1_percent", "precision",
          "recall", "value_recall"]


def expected(settings, transactions):
    """Each number that is expected of a case, by group and name."""
    start, until, budget = settings["from"], settings["until"], settings["budget"]
    days = (until - start) / DAY
    threshold = THRESHOLD if budget is None else threshold_by_budget(transactions, budget, days)
    yield "settings", "from", start
    yield "settings", "until", until
    yield "settings", "budget", budget
    yield "overall", "threshold", threshold
    for name, value in figures(transactions, start, days, threshold, True).items():
        yield "overall", name, value

    weeks = []
    for number in range(math.ceil(days / 7)):
        begin, end = start + number * 7 * DAY, min(start + (number + 1) * 7 * DAY, until)
        week = transactions[(transactions.time >= begin) & (transactions.time < end)]
        of_week = figures(week, begin, (end - begin) / DAY, threshold, True)
        if end - begin == 7 * DAY:
            weeks.append(of_week)
        for name, value in of_week.items():
            yield f"week {number}", name, value
    for name in SPREAD:
        values = [week[name] for week in weeks if week[name] is not None]
        yield "mean", name, np.mean(values) if values else None
        yield "deviation", name, np.std(values, ddof=1) if len(values) > 1 else None
        yield "least", name, min(values, default=None)
        yield "greatest", name, max(values, default=None)

    for segment in ["basic", "premium", ""]:
        of_segment = transactions[transactions.segment == segment]
        for name, value in figures(of_segment, start, days, threshold, False).items():
            yield f"segment {segment}", name, value

    judged = transactions[transactions.truth != "I"]
    fraud = judged.truth == "F"
    for factor in range(FACTORS):
        fired = (judged.factors & (1 << factor)) != 0
        precision = precision_score(fraud, fired)
        yield f"factor {factor}", "frauds", int((fired & fraud).sum())
        yield f"factor {factor}", "others", int((fired & ~fraud).sum())
        yield f"factor {factor}", "share_of_frauds", recall_score(fraud, fired) if fraud.any() else None
        yield f"factor {factor}", "share_of_others", recall_score(~fraud, fired)
        yield f"factor {factor}", "precision", precision
        yield f"factor {factor}", "lift", precision / fraud.mean() if fraud.any() else None


def main():
    cases = [
        # Whole numbers, as points add up to: many equal scores. Two weeks and a part, more than a hundred cards a day.
        made("points", 1, 4200, 1_767_225_600, 17, 400, 0.03, np.round, None),
        # Hardly two scores are equal. Days and weeks begin at 09:30, the last day is a part.
        made("continuous", 2, 1500, 1_767_000_600, 8.25, 250, 0.05, lambda score: np.round(score, 9), 7.5),
        # Four scores: no threshold comes near the budget.
        made("lumps", 3, 900, 1_767_225_600, 14, 60, 0.1, lambda score: np.round(score / 30) * 30, 3.0),
        # No fraud at all.
        made("clean", 4, 200, 1_767_225_600, 7, 60, 0.0, np.round, None),
    ]
    rows = [
        {"case": settings["case"], "group": group, "name": name, "value": "" if value is None else repr(float(value))}
        for settings, transactions in cases
        for group, name, value in expected(settings, transactions)
    ]
    pd.DataFrame(rows).to_csv(HERE / "expected.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
