"""The web page: what users listen to, drawn by Streamlit from the questions of `sparkify.analytics`.

`app` is what Streamlit runs for each view; `settings` is how it is started. Every page is a module of `screens` with a
function `show`. Text that comes from the data is never given to Streamlit's Markdown: `tables` and `charts` show it as it is.
"""
