"""Exercises of lesson 14."""

import math

from tlcourse.checks.exercise import exercise, hint, praise

BILLION, NIGHT = 10**9, 12 * 3600  # images, seconds


@exercise("14.1", "number")
@hint("Seconds for one machine, divided by the seconds of twelve hours.")
@praise("On paper, before anybody rents anything.")
def machines_for_a_night(answer, rate):
    exact = BILLION / rate / NIGHT
    if answer == math.ceil(exact):
        return None
    if math.isclose(answer, exact, rel_tol=1e-6) or answer == math.floor(exact):
        return f"{answer:g} would be late. Round up: `math.ceil`."
    if math.isclose(answer, BILLION / rate, rel_tol=0.01):
        return "Those are the seconds that one machine takes. You have twelve hours."
    if math.isclose(answer, exact * 3600, rel_tol=0.01):
        return "`rate` is images a second: twelve hours have 12 * 3600 of them."
    if math.isclose(answer, exact / 1000, rel_tol=0.01):
        return "That would do for a million. A billion is a thousand million."
    return "Divide the billion by `rate`, then by the seconds in twelve hours."


@exercise("14.2", "number")
@hint("Images, times numbers for each image, times bytes for each number.")
@praise("Keys and labels add a little. A worker that dies loses one such file.")
def size_of_a_shard(answer, width):
    numbers = 10_000 * width
    if math.isclose(answer, 4 * numbers, rel_tol=0.05):
        return None
    if math.isclose(answer, numbers, rel_tol=0.05):
        return "That many numbers. How many bytes has a float32?"
    if math.isclose(answer, 8 * numbers, rel_tol=0.05):
        return "That is float64. A float32 has 32 bits, and a byte has 8."
    if math.isclose(answer, 32 * numbers, rel_tol=0.05):
        return "Those are bits. Eight of them make a byte."
    return f"10,000 images, {width:,} numbers each, and bytes for each number."


@exercise("14.3", "number")
@hint("`run(broken)` gives a report; it has `computed`.")
@praise("What was there stayed there. Any process could have gone on.")
def go_on(answer, before, job):
    left = job.missing()
    if left:
        return f"{len(left)} shards are still missing. `run(broken)` computes them."
    if answer == job.n_shards:
        return "That is all of them. Those that were there are not computed again."
    if answer == 0:
        return "That was a second run: the first one had finished it. What did it say?"
    if answer != len(before):
        return f"Before, {len(before)} were missing. All are there now."
