"""The smallest story that still breaks the same promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.stories.story import Story

Breaks = Callable[[Story], bool]


def shrink(story: Story, breaks: Breaks) -> Story:
    """Without crashes, slow fetches and lost answers and with one partition, if it breaks so too;
    then without each move that it does not need (delta debugging: Zeller and Hildebrandt, 2002)."""
    for simpler in ({"crash": 0.0}, {"slow": 0.0}, {"lost": 0.0}, {"partitions": 1}):
        if breaks(replace(story, **simpler)):
            story = replace(story, **simpler)
    size = max(1, len(story.moves) // 2)
    while True:
        at, is_smaller = 0, False
        while at < len(story.moves):
            moves = list(story.moves)
            del moves[at : at + size]
            fewer = story.keep(moves)
            if breaks(fewer):
                story, is_smaller = fewer, True
            else:
                at += size
        if size == 1 and not is_smaller:
            return story
        size = max(1, size // 2)
