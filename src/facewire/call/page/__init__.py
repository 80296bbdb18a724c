"""The agent's link with the browser page that shows the call; `site` holds the page's own files.

Goes in: camera and microphone of the page. Comes out: pictures, sound and states to show. Used by the agent.
"""
