"""The verbs beside a task's decision, each on record and with its inverse: see ADR 36."""
