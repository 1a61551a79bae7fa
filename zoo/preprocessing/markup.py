"""HTML inside texts, as regular expressions of RE2 and of Python."""

_ELEMENTS = """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big
    blink blockquote body br button canvas caption center cite code col colgroup data datalist dd
    del details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame
    frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link
    main map mark marquee menu meta meter nav nobr noframes noscript object ol optgroup option
    output p param picture pre progress q rp rt ruby s samp script section select small source span
    strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time
    title tr track tt u ul var video wbr
"""
# Attributes without a value.
_FLAGS = """
    async autofocus autoplay checked compact controls default defer disabled hidden ismap loop
    multiple muted nohref noresize noshade novalidate nowrap open readonly required reversed
    selected
"""
_VALUE = r"""(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)"""
_ATTRIBUTE = rf"\s+(?:[A-Za-z][\w:.-]*\s*=\s*{_VALUE}|(?:{'|'.join(_FLAGS.split())})\b)"

# One tag of an element of HTML, so that "x <y and z> w" is none, or a comment.
TAG = (
    rf"(?i:</?(?:{'|'.join(_ELEMENTS.split())})(?:{_ATTRIBUTE})*\s*/?>)"
    r"|<!--[^<>]*-->|<![Dd][Oo][Cc][Tt][^<>]*>"
)

# One character as an entity. One without a semicolon is none: "AT&T" has no entity.
ENTITY = r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});"
