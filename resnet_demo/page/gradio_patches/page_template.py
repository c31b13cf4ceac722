"""Changes to the HTML that Gradio 6.31 sends as its page, made once, before it fills in the configuration."""

from __future__ import annotations

from collections.abc import Callable

from gradio import routes
from jinja2 import BaseLoader, Environment

from resnet_demo.page.gradio_patches.reach import inside

PAGE = "frontend/index.html"


class Loader(BaseLoader):
    """Gradio's templates, with changes to the page by name."""

    def __init__(self, loader: BaseLoader):
        self.loader = loader
        self.changes: dict[str, Callable[[str], str]] = {}

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, path, unchanged = self.loader.get_source(environment, template)
        if template == PAGE:
            for change in self.changes.values():
                source = change(source)
        return source, path, unchanged


def change(name: str, function: Callable[[str], str]) -> None:
    """Let the pages that are launched from now on be changed so; a change of the same name is replaced."""
    environment = inside(inside(routes, "templates", __name__), "env", __name__)
    if not isinstance(environment.loader, Loader):
        environment.loader = Loader(environment.loader)
    environment.loader.changes[name] = function
    environment.cache.clear()  # Jinja keeps a template that it has read.
