"""Exercises of lesson 12: three patients."""

from tlcourse.checks.exercise import choice

SCALE = "Print the range of `train.images`: it is that of raw pixels, and the model "
RATE = "The wrapper was trained well on what it was given. Look at the data, or flags."


choice(
    "12.1",
    "b",
    hint="`plots.tiles(patients['A'].train.images[:8], ...)` with the labels' names.",
    praise="Pictures and labels do not belong together.",
    a=SCALE + "scales them itself, once.",
    c="A leak would make it look better, not worse.",
    d=RATE,
    e="`freezing.trains(model)` says that its flags are as compiled.",
)


choice(
    "12.2",
    "e",
    hint="What does `freezing.trains(patients['B'].model)` say?",
    praise="Compile again, and the base will move.",
    a=SCALE + "scales them. A wrong scale would not hold weights still.",
    b="Wrong labels would move the weights, if in the wrong direction.",
    c="A leak would not hold weights still.",
    d="With too large a rate the weights would jump. They rest.",
)


choice(
    "12.3",
    "c",
    hint="Use `images_in_both` on its `train` and its `held_out`.",
    praise="It had seen the questions before.",
    a=SCALE + "scales them. A wrong scale would make it worse.",
    b="Look at some pictures: their labels fit. And it would be worse.",
    d="Too large a rate makes it worse, not better.",
    e="`freezing.trains(model)` says that its flags are as compiled.",
)
