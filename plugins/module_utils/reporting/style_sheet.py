# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style sheet of a report: light and dark, wide and narrow, and readable in print and without colour.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

LIGHT = """
color-scheme: light; --page: #fbfbfa; --card: #ffffff; --ink: #1b1f24; --soft: #57606a; --rule: #d0d7de;
--new: #0550ae; --base: #6e4b00; --odd: #b3005e; --good: #116329; --bad: #a40e26; --unsure: #7a4d00;
--window: #0550ae1a; --phase: #57606a14; --other: #57606a2b; --back: #a40e2626; --k3: #5a32a3;
"""
DARK = """
color-scheme: dark; --page: #0f1318; --card: #171c23; --ink: #e9edf1; --soft: #a5b0bb; --rule: #39424d;
--new: #79b8ff; --base: #e3b341; --odd: #ff8ac4; --good: #6fdd8b; --bad: #ff9a93; --unsure: #f0c674;
--window: #79b8ff24; --phase: #a5b0bb14; --other: #a5b0bb2b; --back: #ff9a9333; --k3: #cbb0ff;
"""
RULES = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .3rem 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 .6rem; border-bottom: 2px solid var(--rule); padding-bottom: .25rem; }
h3 { font-size: 1.08rem; margin: 1.4rem 0 .5rem; }
p, li, td, th, dd { overflow-wrap: anywhere; }
a { color: var(--new); }
.soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .9rem;
  margin: 0 0 1rem; }
.lead { border-left: .5rem solid var(--soft); }
.lead.good { border-left-color: var(--good); }
.lead.bad { border-left: .5rem double var(--bad); }
.reason { font-size: 1.05rem; margin: .5rem 0; }
.badge { display: inline-block; border: 2px solid currentColor; border-radius: .35rem; padding: 0 .5rem;
  font-weight: 700; font-size: .9rem; line-height: 1.4;
  white-space: nowrap; vertical-align: middle; }
.badge.good { color: var(--good); }
.badge.bad { color: var(--bad); border-style: double; border-width: 4px; }
.badge.unsure { color: var(--unsure); border-style: dashed; }
.badge.none { color: var(--soft); border-style: dotted; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; }
.scroll { overflow-x: auto; border: 1px solid var(--rule); border-radius: .5rem; background: var(--card);
  margin: 0 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--rule); vertical-align: top;
  overflow-wrap: normal; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.word { white-space: nowrap; } td.long { min-width: 13rem; }
svg.chart { display: block; width: 100%; height: auto; }
.card h3 { margin-top: 0; }
a.verdict { text-decoration: none; } a.verdict:focus-visible { outline: 3px solid var(--new); }
.figures { display: block; margin-top: .2rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.tick, .bandname, .boundname { font: 11px system-ui, "Liberation Sans", Arial, sans-serif; fill: var(--soft); }
.bandname, .boundname { fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--card);
  stroke-width: 4px; stroke-linejoin: round; }
.grid { stroke: var(--rule); stroke-width: 1; fill: none; }
.axis, .edge { stroke: var(--soft); stroke-width: 1; fill: none; }
.edge { stroke-dasharray: 2 3; }
.band.window { fill: var(--window); } .band.phase { fill: var(--phase); } .band.other { fill: var(--other); }
.band.back { fill: var(--back); }
.bound { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 10 4 2 4; fill: none; }
.line { fill: none; stroke-width: 2; stroke: var(--soft); }
.mark { fill: var(--soft); }
.line.new, .line.k1 { stroke: var(--new); } .mark.new, .mark.k1 { fill: var(--new); }
.line.base { stroke-width: 1.6; }
.line.base, .line.k0 { stroke: var(--base); stroke-dasharray: 6 3; } .mark.base, .mark.k0 { fill: var(--base); }
.line.odd, .line.sum { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 1 3; } .mark.sum { fill: var(--ink); }
.extremes, .quartiles { stroke-width: 1; } .extremes { fill-opacity: .12; stroke-opacity: .5; }
.quartiles { fill-opacity: .22; stroke-opacity: .8; }
.extremes.new, .quartiles.new { fill: var(--new); stroke: var(--new); }
.extremes.base, .quartiles.base { fill: var(--base); stroke: var(--base); stroke-dasharray: 4 3; }
.line.k2 { stroke: var(--odd); } .mark.odd, .mark.k2 { fill: var(--odd); }
.line.k2 { stroke-dasharray: 2 2; } .line.odd { stroke-width: 3; }
.line.k3 { stroke: var(--k3); stroke-dasharray: 10 3 2 3; } .mark.k3 { fill: var(--k3); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; margin: .4rem 0 0;
  font-size: .88rem; }
.legend svg { width: 44px; height: 12px; vertical-align: middle; }
details { margin: 0 0 1rem; } summary { cursor: pointer; font-weight: 600; padding: .3rem 0; }
@media (max-width: 40rem) {
  main { padding: .6rem; } h1 { font-size: 1.3rem; } dl.facts { gap: .15rem .7rem; }
  dl.facts dt { max-width: 9rem; }
  th, td { padding: .3rem .5rem; }
  .figures { white-space: normal; }
  /* Charts shrink with the page; their words must not. */
  .tick { font-size: 18px; } .bandname, .boundname { font-size: 19px; } .line { stroke-width: 3; }
}
@media print { .card, .scroll { break-inside: avoid; } body { background: #fff; } }
"""
SHEET = f":root {{{LIGHT}}}\n@media (prefers-color-scheme: dark) {{ :root {{{DARK}}} }}\n{RULES}"
