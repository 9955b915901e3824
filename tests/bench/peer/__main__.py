"""`python -m peer DATABASE RUNS` in an environment that has django-viewflow and psycopg: completing a task, in turn with
the floor (three inserts and one update in one transaction), all through Django. Prints one line of JSON:
{"complete": median milliseconds, "floor": median milliseconds, "version": text}.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from statistics import median
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.conf import settings

WARM = 20


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "",
        "PORT": query.get("port") or parts.port or "",
        "CONN_MAX_AGE": None,
    }


def _set_up(url: str) -> None:
    apps = ("django.contrib.auth", "django.contrib.contenttypes", "viewflow", "viewflow.workflow")
    settings.configure(
        SECRET_KEY="bench",
        INSTALLED_APPS=[*apps, "peer"],
        DATABASES={"default": _database(url)},
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


def _measured(runs: int) -> dict[str, object]:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.test import RequestFactory
    from peer.flows import Errand
    from viewflow.workflow.lock import lock_scope
    from viewflow.workflow.models import Task

    call_command("migrate", verbosity=0)
    request = RequestFactory().post("/")
    request.user = User.objects.create(username="bench")
    for _ in range(runs):
        Errand.start.run()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE peer_a (a int, b text)")
        cursor.execute("CREATE TABLE peer_b (a int PRIMARY KEY, b text)")
        cursor.execute("INSERT INTO peer_b VALUES (1, '')")

    def floor() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for n in range(3):
                cursor.execute("INSERT INTO peer_a VALUES (%s, %s)", (n, "x" * 200))
            cursor.execute("UPDATE peer_b SET b = %s WHERE a = 1", ("y" * 200,))

    def complete(key: int) -> None:
        """Take the task and finish it, as one request does."""
        with transaction.atomic():
            task = Task.objects.select_related("process").get(pk=key)
            with lock_scope(Errand.lock_impl, Errand, task.process_id):
                activation = task.flow_task.activation_class(task)
                activation.assign(request.user)
                activation.start(request)
                activation.execute()

    waiting = Task.objects.filter(flow_task=Errand.check).values_list("pk", flat=True)
    ours, base = [], []
    for key in list(waiting):
        base.append(_milliseconds(floor))
        ours.append(_milliseconds(lambda k=key: complete(k)))
    moved = Task.objects.filter(flow_task=Errand.do).count()
    assert moved == runs, f"{moved} of {runs} went on"
    return {
        "complete": median(ours[WARM:]),
        "floor": median(base[WARM:]),
        "version": version("django-viewflow"),
    }


def _milliseconds(work) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    _set_up(sys.argv[1])
    print(json.dumps(_measured(int(sys.argv[2]))))
