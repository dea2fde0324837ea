"""What a hub for this course needs, on one machine of whatever kind.

The Littlest JupyterHub reads it from its folder `jupyterhub_config.d`, and
`local_config.py` reads it for a hub started by hand. README.md says how.
"""

import pathlib
import sys

COURSE = pathlib.Path(__file__).resolve().parent.parent
# What `python -m tlcourse fetch flowers --to FOLDER` fills; it may be missing.
FLOWERS = COURSE.parent / "flowers"
HOUR = 3600  # seconds
CORES = 2

c = get_config()  # noqa: F821  (JupyterHub brings it)

# Who has a seat comes in, and nobody can make one but with seats.py. After five wrong
# passwords a name waits for ten minutes.
c.JupyterHub.authenticator_class = "nativeauthenticator.NativeAuthenticator"
c.NativeAuthenticator.enable_signup = False
c.NativeAuthenticator.allowed_failed_logins = 5
c.NativeAuthenticator.seconds_before_next_try = 600
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"teacher"}

# A lesson keeps to 1.5 GB. Only the learner who takes more than the limit is stopped.
c.Spawner.mem_guarantee = "1.5G"
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_guarantee = 0.1
c.Spawner.cpu_limit = float(CORES)
# Everybody arrives at the same minute.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 120

# Lessons are copied by the learner's own account, then the server starts.
c.Spawner.cmd = ["python3", str(COURSE / "deploy" / "start_server.py")]
c.Spawner.default_url = "/lab/tree/lessons/00_start_here.ipynb"
c.Spawner.environment = {
    "TLCOURSE_DATA": str(COURSE / "data"),
    # Else TensorFlow starts a thread for each core of the machine.
    "TF_NUM_INTRAOP_THREADS": str(CORES),
    "TF_NUM_INTEROP_THREADS": str(CORES),
    "OMP_NUM_THREADS": str(CORES),
}
if FLOWERS.is_dir():
    c.Spawner.environment |= {
        "KERAS_HOME": str(FLOWERS / "keras"),
        "TFDS_DATA_DIR": str(FLOWERS / "tfds"),
    }

# A notebook that nobody has touched for half an hour gives its memory back, also
# where its tab is still open; a server after an hour.
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={HOUR // 2}",
    "--MappingKernelManager.cull_interval=120",
    "--MappingKernelManager.cull_connected=True",
    # Sockets in the learner's own folder: nobody on the same machine can listen.
    "--KernelManager.transport=ipc",
]
CULLER = {
    "name": "cull-idle",
    "command": [
        *(sys.executable, "-m", "jupyterhub_idle_culler"),
        *(f"--timeout={HOUR}", "--cull-every=300"),
    ],
}
ROLE = {
    "name": "cull-idle",
    "scopes": "list:users read:users:activity read:servers delete:servers".split(),
    "services": ["cull-idle"],
}
# In the place of The Littlest JupyterHub's own, which ends a server after ten minutes.
c.JupyterHub.services = [CULLER]
c.JupyterHub.load_roles = [ROLE]

# For The Littlest JupyterHub; other spawners do not read it.
c.SystemdSpawner.isolate_tmp = True
