//! How pages look.

/// Black and white of the drawings follow the reader's preference for light or dark too.
pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --ink: #222; --ground: #fff; --faint: #666; --line: #d5d5d5; --good: #17663f; --bad: #a4200f; --mark: #fff3cf }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: var(--ink); background: var(--ground) }
h1 { margin: 0 0 .5rem; font-size: 1.5rem }
h2 { margin: 2rem 0 .25rem; font-size: 1.15rem }
pre { overflow-x: auto; font-size: 13px; line-height: 1.35 }
table { border-collapse: collapse; margin: .5rem 0; display: block; width: fit-content; max-width: 100%; overflow-x: auto }
th, td { padding: .2rem 1.2rem .2rem .3rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
th { font-weight: 600; color: var(--faint) }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
tr.mark { background: var(--mark); font-weight: 600 }
.number { font-size: 2.2rem; font-weight: 700; margin: 0 }
.state { font-size: 1rem; font-weight: 600; padding: .15rem .6rem; border-radius: 1rem; border: 1px solid; vertical-align: middle; margin-left: .6rem }
.good { color: var(--good) }
.bad { color: var(--bad) }
.box { border: 1px solid var(--bad); border-left-width: 6px; padding: .5rem 1rem; margin: 1rem 0 }
.box::first-letter, .box p::first-letter { text-transform: uppercase }
.faint { color: var(--faint); font-size: 13px }
figure { margin: .75rem 0 1.5rem }
figcaption { font-weight: 600 }
figure > svg { width: 100%; height: auto }
.legend span { margin-right: 1.4rem; white-space: nowrap; font-size: 13px }
.legend svg { margin-right: .4rem; vertical-align: middle }
@media (max-width: 40rem) { th, td { padding-right: .6rem; font-size: 14px } }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --ground: #16181b; --faint: #9a9a9a; --line: #3a3d42; --good: #6fd09b; --bad: #ff8d76; --mark: #3b3417 }
  figure > svg [fill=\"#000000\"] { fill: #ccc }
  figure > svg [stroke=\"#000000\"] { stroke: #999 }
}
";
