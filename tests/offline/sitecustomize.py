"""Python runs this at its start where this folder is on PYTHONPATH."""

import block_network

block_network.install()
