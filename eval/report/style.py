"""Style of a report's page, as CSS."""

STYLE = """
:root { color-scheme: light; --ink: #202124; --faint: #5f6368; --line: #dadce0; }
body { margin: 0 auto; max-width: 66rem; padding: 2rem 1.5rem 4rem; color: var(--ink);
       background: #fff; font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 2.5rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line);
     font-size: 1.2rem; }
h3 { margin: 1.25rem 0 .5rem; font-size: 1rem; }
p { max-width: 52rem; }
.facts { margin: .25rem 0; color: var(--faint); font-size: .85rem; }
.result { margin: 1rem 0 0; font-size: 1.05rem; }
.verdict { margin: 0 0 .75rem; padding: .75rem 1rem; border-left: 4px solid #c2402b;
           background: #fbf3f1; font-size: 1.05rem; font-weight: 600; }
.verdict.covers { border-color: #2e7d4f; background: #f0f7f2; }
.verdict.undecided { border-color: #c98a00; background: #fcf7ec; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
         white-space: nowrap; }
th:first-child { text-align: left; font-weight: 600; }
.how { color: var(--faint); font-size: .72rem; font-weight: 400; }
thead th { vertical-align: bottom; }
section { overflow-x: auto; }
img { max-width: 100%; height: auto; }
img.crisp { width: 72px; image-rendering: pixelated; }
.half { max-width: 34rem; }
.strip, .film, .beside { display: flex; flex-wrap: wrap; gap: .5rem; align-items: flex-start; }
.rows { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: .75rem; }
.film figure { flex: 1 1 16rem; max-width: 300px; }
figure { margin: 0; text-align: center; }
figure.sample { padding-right: .75rem; border-right: 1px solid var(--line); min-width: 6.5rem; }
figure.sides { display: flex; gap: 1rem; align-items: center; margin: .25rem 0; }
figure.sides img { flex: 0 1 29rem; min-width: 0; }
figure.sides figcaption { flex: 0 0 5rem; text-align: right; overflow-wrap: anywhere; }
figcaption { color: var(--faint); font-size: .75rem; }
pre { padding: 1rem; background: #f6f7f8; font-size: .8rem; overflow-x: auto; }
summary { cursor: pointer; }
"""
