"""The web page of what users listen to: Streamlit draws answers from `sparkify.analytics`.

Streamlit runs `app` for each view; `settings` says how Streamlit is started. Each page is a module of
`screens` with a function `show`. Text from the data is never parsed as Markdown: `tables` and `charts` show
it as it is.
"""
