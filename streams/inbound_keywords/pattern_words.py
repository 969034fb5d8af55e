"""Which words a text must have, for a pattern to match it: read off its regular expression.

Most texts have a word of many patterns and match none.  A word is quicker to look for than a
pattern, so a pattern is tried only if the text has one of each of its sets of words.

What is not understood asks for nothing, so that no match is ever missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from streams.inbound_keywords.pattern_tree import Choice, Letters, Node, Start, Unknown

SHORTEST_PART: Final = 3
"""Letters of a part of a word that is looked for inside words."""
MAX_SETS: Final = 4
"""Of one pattern: the rarest."""
MAX_FIRST_WORDS: Final = 1_000
"""Of one pattern."""
AT_START: Final = "^"
_COSTS: Final = (0, 40, 40, 8, 3)
"""How common words of that many letters are, roughly.  Longer ones count 1."""

_MARKS: Final = frozenset(".,")

WordSet = frozenset[str]
"""One of these is in the text.  A blank is where the word begins or ends: ` stop `, ` text`."""


def sets_of_words(choice: Choice, *, whole_words: bool) -> tuple[WordSet, ...]:
    """`whole_words`: the expression begins and ends where words do."""
    found = dict.fromkeys(_sets(choice, whole_words, whole_words))
    usable = [words for words in found if all(map(_can_be_looked_for, words))]
    return tuple(sorted(usable, key=_cost)[:MAX_SETS])


def _can_be_looked_for(word: str) -> bool:
    return is_whole(word) or len(word.strip()) >= SHORTEST_PART


def is_whole(word: str) -> bool:
    return word[0] == word[-1] == " "


def _cost(words: WordSet) -> int:
    lengths = (len(word.strip()) for word in words)
    return sum(_COSTS[length] if length < len(_COSTS) else 1 for length in lengths)


def _sets(choice: Choice, before: bool, after: bool) -> list[WordSet]:
    """`before` and `after`: whether a blank or nothing must stand there."""
    if not choice.least:
        return []
    if choice.most > 1:
        after = after and _is_blank(choice, 0)
    branches = [_sets_of_sequence(branch, before, after) for branch in choice.branches]
    if not all(branches):
        return []
    ranked = [sorted(sets, key=_cost) for sets in branches]
    return [
        frozenset().union(*(sets[min(rank, len(sets) - 1)] for sets in ranked))
        for rank in range(max(map(len, ranked)))
    ]


def _sets_of_sequence(nodes: Sequence[Node], before: bool, after: bool) -> list[WordSet]:
    found: list[WordSet] = []
    at = 0
    while at < len(nodes):
        node = nodes[at]
        start = at
        is_parted = _is_parted(reversed(nodes[:at]), -1, before)
        at += 1
        if isinstance(node, Letters):
            text = node.text
            while at < len(nodes) and isinstance(following := nodes[at], Letters):
                text += following.text
                at += 1
            found += _words_of(text, is_parted, _is_parted(nodes[at:], 0, after))
        elif isinstance(node, Choice):
            found += _sets(node, is_parted, _is_parted(nodes[start + 1 :], 0, after))
    return found


def _words_of(text: str, before: bool, after: bool) -> Iterable[WordSet]:
    pieces = f"{' ' if before else ''}{text}{' ' if after else ''}".split(" ")
    last = len(pieces) - 1
    for at, piece in enumerate(pieces):
        if piece and _MARKS.isdisjoint(piece):
            yield frozenset({f"{' ' if at else ''}{piece}{' ' if at < last else ''}"})


def _is_parted(nodes: Iterable[Node], end: int, beyond: bool) -> bool:
    """Whether what stands there is a blank in any case; `end`: 0 for their beginning, else -1."""
    for node in nodes:
        if not _is_blank(node, end):
            return False
        if not _may_be_empty(node):
            return True
    return beyond


def _is_blank(node: Node, end: int) -> bool:
    """Whether it begins (0) or ends (-1) with a blank, unless it is empty."""
    if isinstance(node, Choice):
        return all(
            _is_parted(branch if end == 0 else reversed(branch), end, True)
            for branch in node.branches
        )
    return isinstance(node, Start) or (isinstance(node, Letters) and node.text[end] == " ")


def _may_be_empty(node: Node) -> bool:
    if isinstance(node, Choice):
        return not node.least or any(all(map(_may_be_empty, one)) for one in node.branches)
    return isinstance(node, Start) or (isinstance(node, Unknown) and not node.least)


_State = tuple[str, bool]
"""How a match begins, as far as it was followed, and whether that is far enough."""


def first_words(choice: Choice) -> frozenset[str] | None:
    """What every match begins with, where words are parted; None if that is unknown.  A full stop
    or comma goes with the word behind it, if that is known: `. stop`.  What has to be the beginning
    of the text is behind AT_START."""
    found = _follow({("", False)}, choice)
    if found is None:
        return None
    words = frozenset(text.strip() for text, _ in found)
    if len(words) > MAX_FIRST_WORDS:
        words = frozenset(word.partition(" ")[0] for word in words)
    return None if "" in words or AT_START in words else words


def _follow(states: set[_State], node: Node) -> set[_State] | None:
    """None if nothing is known of how some match begins."""
    if isinstance(node, Choice):
        return _follow_choice(states, node)
    open_ones = {text for text, is_done in states if not is_done}
    found = {one for one in states if one[1]}
    for text in open_ones:
        if isinstance(node, Letters):
            found.add(_cut(text + node.text))
        elif isinstance(node, Start):
            found.add((AT_START + text, False))
        elif text.strip(" ^") and _begins_with_mark(text):
            found.add((text.partition(" ")[0], True))
        else:
            return None
    return found


def _follow_choice(states: set[_State], choice: Choice) -> set[_State] | None:
    found = set() if choice.least else set(states)
    last = states
    for _ in range(choice.most):
        following: set[_State] = set()
        for branch in choice.branches:
            reached: set[_State] | None = last
            for node in branch:
                if reached is None or all(is_done for _, is_done in reached):
                    break
                reached = _follow(reached, node)
            if reached is None:
                return None
            following |= reached
            if len(following) > MAX_FIRST_WORDS:
                return None
        if following <= found:
            break
        found |= following
        last = {one for one in following if not one[1]}
    return found


def _cut(text: str) -> _State:
    wanted = 2 if _begins_with_mark(text) else 1
    words = text.split(" ")
    return " ".join(words[:wanted]), len(words) > wanted


def _begins_with_mark(text: str) -> bool:
    return text.lstrip(AT_START)[:1] in _MARKS


class WordSets:
    """Sets of words, each a bit of a number."""

    def __init__(self) -> None:
        self._bits: dict[WordSet, int] = {}
        self._whole: dict[str, int] = {}
        self._parts: dict[str, dict[str, int]] = {}
        """By their first letters."""

    def add(self, sets: Iterable[WordSet]) -> int:
        """The bits of these sets."""
        bits = 0
        for words in sets:
            bits |= self._bits.get(words) or self._add(words)
        return bits

    def _add(self, words: WordSet) -> int:
        bit = self._bits[words] = 1 << len(self._bits)
        for word in words:
            if is_whole(word):
                known = self._whole
            else:
                known = self._parts.setdefault(word.strip()[:SHORTEST_PART], {})
            known[word] = known.get(word, 0) | bit
        return bit

    def bits_of(self, word: str) -> int:
        """The sets of which a text with this word has one."""
        parted = f" {word} "
        bits = self._whole.get(parted, 0)
        begins = {word[at : at + SHORTEST_PART] for at in range(len(word) - SHORTEST_PART + 1)}
        for begin in begins & self._parts.keys():
            for part, more in self._parts[begin].items():
                if part in parted:
                    bits |= more
        return bits
