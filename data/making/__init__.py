"""What made the shipped assets. Nothing in tlcourse imports it.

Each module is a command: `python -m data.making.glyphs`, then
`python -m data.making.base`. See data/README.md.
"""
