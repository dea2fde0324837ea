"""What made the shipped assets. Nothing in tlcourse imports it.

Each module is a command: `python -m tlcourse.making.glyphs`, then
`python -m tlcourse.making.base`. See data/README.md.
"""
