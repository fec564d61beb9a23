"""Template tags used on every page."""

from __future__ import annotations

import math

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def hx(context: template.Context) -> SafeString:
    """The nonce that lets hx-csp accept an element's htmx attributes; injected markup has none."""
    return format_html('hx-nonce="{}"', context.get("csp_nonce", ""))


@register.filter
def percent(risk: float | None) -> str:
    """0.1468 as "14.7 %"; one decimal, because that is where guidelines draw their lines."""
    return "" if risk is None else f"{risk * 100:.1f} %"


@register.filter
def of_100(risk: float | None) -> str:
    """0.1468 as "15 of 100"; below one half in a hundred the denominator is 1000, never "1 in X"."""
    if risk is None:
        return ""
    if risk < 0.005:
        return f"{math.floor(risk * 1000 + 0.5)} of 1000"
    return f"{math.floor(risk * 100 + 0.5)} of 100"
