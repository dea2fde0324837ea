"""Starts each learner's server as their own account, within the limits."""

from control_groups import LearnerGroup
from jupyterhub.spawner import LocalProcessSpawner


class LimitedSpawner(LocalProcessSpawner):
    """JupyterHub's spawner for local accounts; it has limits, and enforces none.

    Here `mem_limit` and `cpu_limit` are those of a control group, as systemd and
    Kubernetes do it.
    """

    def make_preexec_fn(self, name):
        """What the new process does before it is the learner's.

        Args:
            name: String, the account.

        Returns:
            Function without arguments.
        """
        group = LearnerGroup(name)
        group.limit(self.mem_limit, self.cpu_limit)
        become = super().make_preexec_fn(name)

        def prepare():
            group.enter()
            become()

        return prepare
