"""The dashboard: Streamlit draws answers from `sparkify.analytics` as a web page.

Streamlit runs `app` for each view; `settings` has its options. Each page is a module of `screens` with a
function `show`. Text from the data is never parsed as Markdown: `tables` and `charts` show it unchanged.
"""
