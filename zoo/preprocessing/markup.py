"""HTML markup inside texts."""

# One tag, as a regular expression of RE2 and of Python. The bound on its length keeps a stray "<"
# from swallowing a text.
TAG = r"<[A-Za-z/!][^<>]{0,200}>"
