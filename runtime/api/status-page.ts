/** The status page: one document without outside assets, light and dark. */
import { createHash } from 'node:crypto';
import { STATUS_SCRIPT } from './status-script.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2433; --soft: #667085; --paper: #f6f7f9; --card: #ffffff; --line: #e3e6ec;
  --good: #17803d; --busy: #b45309; --bad: #c81e1e; --calm: #667085; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #98a2b3; --paper: #12151c; --card: #1a1f29;
  --line: #2a313e; --good: #4ade80; --busy: #fbbf24; --bad: #f87171; --calm: #98a2b3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
#phase { color: var(--soft); }
#lost { display: none; color: var(--bad); margin-left: auto; }
.lost #lost { display: inline; }
.lost main > :not(header) { opacity: .45; }
.progress { display: flex; align-items: center; gap: .75rem; margin: .75rem 0 1.25rem; color: var(--soft); font-size: .85rem; }
progress { flex: 1; height: .4rem; accent-color: var(--good); }
#conditions { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .75rem; }
.condition { background: var(--card); border: 1px solid var(--line); border-left: .25rem solid var(--tone); border-radius: .5rem; padding: .6rem .9rem; }
.condition .word { color: var(--soft); margin-left: .5rem; }
.condition p { margin: .2rem 0 0; font-size: .85rem; color: var(--soft); overflow-wrap: anywhere; }
.good { --tone: var(--good); } .busy { --tone: var(--busy); } .bad { --tone: var(--bad); } .calm { --tone: var(--calm); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .45rem .9rem; vertical-align: top; }
th { font-size: .75rem; font-weight: 600; color: var(--soft); }
tbody tr { border-top: 1px solid transparent; }
tbody tr.first, #others tr { border-top-color: var(--line); }
.group, .goal, .since { color: var(--soft); white-space: nowrap; }
.since { font-variant-numeric: tabular-nums; }
.name { font-weight: 600; }
.reason { color: var(--soft); overflow-wrap: anywhere; }
.state { color: var(--tone); white-space: nowrap; font-size: .85rem; font-weight: 600; }
.state::before { content: ''; display: inline-block; width: .55rem; height: .55rem; border-radius: 50%; background: var(--tone); margin-right: .45rem; }
.busy.state::before { animation: pulse 1.2s ease-in-out infinite; }
@keyframes pulse { 50% { opacity: .25; } }
@media (prefers-reduced-motion: reduce) { .busy.state::before { animation: none; } }
summary { cursor: pointer; margin: 2rem 0 .5rem; font-weight: 600; }
#empty { padding: 1rem; color: var(--soft); margin: 0; }
`;

const BODY = `<main>
<header><h1 id="revision">pantavisor</h1><span id="phase">connecting</span><span id="lost" role="status">connection lost, retrying</span></header>
<div class="progress"><progress id="bar" max="1" value="0"></progress><span id="count"></span></div>
<section id="conditions"></section>
<h2>Containers</h2>
<div class="scroll"><table><thead><tr><th>Group</th><th>Container</th><th>Status</th><th>Goal</th><th>Since</th><th>Reason</th></tr></thead>
<tbody id="containers"></tbody></table><p id="empty">No containers.</p></div>
<section id="history" hidden><h2>Revisions given up</h2><ul id="failed"></ul></section>
<details><summary>Everything else</summary>
<div class="scroll"><table><thead><tr><th>Resource</th><th>State</th><th>Since</th><th>Last action</th><th>Reason</th></tr></thead>
<tbody id="others"></tbody></table></div></details>
</main>`;

export const STATUS_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>pantavisor</title><style>${STYLE}</style></head>
<body>${BODY}<script>${STATUS_SCRIPT}</script></body></html>
`;

const hashed = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The page shows words of a state document: nothing but what is written here may run, style or load. */
export const STATUS_PAGE_POLICY =
  `default-src 'none'; script-src ${hashed(STATUS_SCRIPT)}; style-src ${hashed(STYLE)}; connect-src 'self'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
