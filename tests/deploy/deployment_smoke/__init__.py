"""Deploys the template to ministack, an AWS on this machine, and sends transactions through what came up.

It shows that the template expands and deploys, that the real bootstraps start from it with the environment that it gives them,
and that transactions become alerts, aggregates and scored objects. It cannot show what ministack does not have: IAM beyond
missing table permissions, retries, partial failures, encryption, latency, the raw backup.
"""
