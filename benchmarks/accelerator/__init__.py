"""All that is to be measured on an accelerator, by one command: `python -m benchmarks.accelerator`.

Data flows one way: parts -> supervisor -> worker (a process for each part) -> measures -> lines of
JSON -> table -> page.
"""
