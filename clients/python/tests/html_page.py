"""Reads a page that the command line wrote, strictly."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """The tags of a page; raises where one is not closed, or is not of the page itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        ElementTree.fromstring(text)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        assert tag not in ("script", "img", "link", "iframe", "a")
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
