"""A tree of many files, made from a seed, so alike everywhere."""

import random

FILES, FOLDERS = 10_000, 100
_WORDS = [f"{start}{vowel}{end}" for start in "bdfglmnprst" for vowel in "aeiou" for end in "klmns"]


def many_files(files: int = FILES) -> dict[str, str]:
    """Name → text of files of 0.2 to 6 KB, as sources are."""
    chance = random.Random(5)
    return {f"src/{number % FOLDERS}/{number}.txt": _text(chance) for number in range(files)}


def _text(chance: random.Random) -> str:
    lines = chance.randint(5, 120)
    return "".join(" ".join(chance.choices(_WORDS, k=12)) + "\n" for _ in range(lines))
