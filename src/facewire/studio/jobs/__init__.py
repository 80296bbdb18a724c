"""What is chosen as command lines, and the queue that runs them.

Goes in: a project, or a tool and its options. Comes out: words to be pasted, jobs, files in out/.
"""
