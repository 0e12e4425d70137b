"""How far what was heard is from what was said."""

import re


def words(text: str) -> list[str]:
    """The words of a text, in lower case and without marks."""
    return re.findall(r"[\w']+", text.lower())


def word_error_rate(said: str, heard: str) -> float:
    """Words to insert, drop or replace, per word said (Levenshtein's distance over words)."""
    reference, hypothesis = words(said), words(heard)
    previous = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        current = [i]
        for j, other in enumerate(hypothesis, 1):
            replaced = previous[j - 1] + (word != other)
            current.append(min(replaced, previous[j] + 1, current[j - 1] + 1))
        previous = current
    return previous[-1] / len(reference)
