"""The errand of the toys as far as it is measured: check, then do."""

from viewflow import this
from viewflow.workflow import flow, lock
from viewflow.workflow.models import Process


class Errand(flow.Flow):
    process_class = Process
    lock_impl = lock.SelectForUpdateLock()
    start = flow.StartHandle(this.begin).Next(this.check)
    check = flow.View(lambda request: None).Next(this.do)
    do = flow.View(lambda request: None).Next(this.end)
    end = flow.End()

    def begin(self, activation):
        return activation.process
