"""A hub for a load run on this machine: what differs from a real one.

`local_hub.py` makes the seats, starts it, and sets the variables that are read here.
"""

import json
import os
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

c = get_config()  # noqa: F821  (JupyterHub brings it)
load_subconfig(str(FOLDER / "jupyterhub_config.py"))  # noqa: F821

settings = json.loads(os.environ["TLCOURSE_HUB"])

c.JupyterHub.bind_url = f"http://127.0.0.1:{settings['ports'][0]}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings['ports'][1]}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings['ports'][2]}"
c.ConfigurableHTTPProxy.command = [settings["proxy"]]
c.ConfigurableHTTPProxy.debug = False

# Real accounts, and the limits of a control group for each.
c.JupyterHub.spawner_class = "limited_spawner.LimitedSpawner"
