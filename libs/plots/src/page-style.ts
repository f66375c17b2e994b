/** Style of every page: system fonts, colours for light and dark screens, and for paper. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --pale: #59636e; --line: #d1d9e0; --back: #ffffff; --shade: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --pale: #9198a1; --line: #3d444d; --back: #0d1117; --shade: #151b23; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 0.25rem; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
p, ul { margin: 0.5rem 0; max-width: 60rem; }
.subtitle, .note, figcaption, caption { color: var(--pale); }
.note { font-size: 0.9rem; }
.scroll { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; }
caption { text-align: left; padding: 0.25rem 0; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
td ul { margin: 0; padding-left: 1.1rem; }
th { background: var(--shade); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: 0.85em ui-monospace, monospace; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figure svg { display: block; max-width: 100%; height: auto; }
.badge { display: inline-block; padding: 0 0.45em; border: 1px solid; border-radius: 0.6em; font-size: 0.85em; color: var(--pale); }
.badge.added, .badge.later { color: #c9711f; }
.badge.lost, .badge.bad { color: #d1435b; }
.badge.earlier, .badge.good { color: #3a9c6a; }
.badge.changed { color: #2f81c7; }
summary { cursor: pointer; }
@media print { main { max-width: none; padding: 0; } .scroll { overflow: visible; } }
`;
