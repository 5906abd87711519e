function n(r,t={},...e){let i=document.createElement(r);return tt(i,t),i.append(...e.filter(s=>s!=null&&s!=="")),i}function tt(r,t){for(let[e,i]of Object.entries(t))i==null||i===!1||(e.startsWith("on")?r.addEventListener(e.slice(2),i):e==="style"?Object.assign(r.style,i):r.setAttribute(e,i===!0?"":String(i)))}var H=0;function F(r){return H+=1,`${r}-${H}-${Math.random().toString(36).slice(2,8)}`}function B(r,t){if(r.length<=t)return r;let e=Math.ceil((t-1)/2);return`${r.slice(0,e)}…${r.slice(r.length-(t-1-e))}`}var L=`/* How a result looks, static or alive. Colours come from the front end's theme; where there is none, from the text's
   own colour, so that light and dark need no telling apart. */
.dm {
  --dm-strong: var(--jp-content-font-color0, currentColor);
  --dm-quiet: var(--jp-content-font-color2, color-mix(in srgb, currentColor 66%, transparent));
  --dm-line: var(--jp-border-color2, color-mix(in srgb, currentColor 20%, transparent));
  --dm-hair: var(--jp-border-color3, color-mix(in srgb, currentColor 11%, transparent));
  --dm-warn: var(--jp-warn-color1, #d55e00);
  --dm-error: var(--jp-error-color1, #d32f2f);
  color: var(--jp-content-font-color1, currentColor);
  font-family: var(--jp-content-font-family, system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif);
  font-size: var(--jp-content-font-size1, 14px);
  line-height: 1.45;
  margin: 4px 0 10px;
  text-align: left;
}
.dm .dm-headline { color: var(--dm-strong); font-size: 1.2em; font-weight: 600; line-height: 1.35; margin: 2px 0 4px; overflow-wrap: anywhere; }
.dm .dm-facts { color: var(--dm-quiet); margin: 0 0 10px; overflow-wrap: anywhere; }
.dm .dm-facts b { color: var(--jp-content-font-color1, currentColor); font-weight: 500; }
.dm .dm-facts i { font-style: normal; padding: 0 5px; opacity: .6; }
.dm .dm-banner { border-left: 3px solid var(--dm-warn); padding: 3px 10px; margin: 6px 0 10px; }
.dm .dm-title { color: var(--dm-strong); font-weight: 600; margin: 12px 0 2px; overflow-wrap: anywhere; }
.dm .dm-scroll { overflow-x: auto; margin: 0 0 6px; }
.dm .dm-table { border-collapse: collapse; border: 0; margin: 0; width: auto; table-layout: auto; color: inherit;
  font-size: inherit; font-variant-numeric: tabular-nums lining-nums; background: none; }
.dm .dm-table th, .dm .dm-table td { border: 0; padding: 5px 0 5px 15px; text-align: right; vertical-align: middle;
  white-space: nowrap; font-size: inherit; line-height: 1.45; max-width: none; background: none; }
.dm .dm-table th:first-child, .dm .dm-table td:first-child { padding-left: 8px; }
.dm .dm-table th:last-child, .dm .dm-table td:last-child { padding-right: 8px; }
.dm .dm-table thead tr { border: 0; border-bottom: 1px solid var(--dm-line); background: none; }
.dm .dm-table thead th { font-weight: 600; vertical-align: top; color: var(--dm-strong); }
.dm .dm-table tbody tr { border: 0; border-bottom: 1px solid var(--dm-hair); background: none; }
.dm .dm-table tbody tr:last-child { border-bottom: 0; }
.dm .dm-table tfoot tr { border: 0; border-top: 1px solid var(--dm-line); background: none; font-weight: 600; }
.dm .dm-table .dm-text, .dm .dm-table .dm-name, .dm .dm-table .dm-failed { text-align: left; }
.dm .dm-table .dm-name { white-space: normal; overflow-wrap: anywhere; max-width: 34em; min-width: 5em; }
.dm .dm-table td.dm-text { white-space: normal; overflow-wrap: anywhere; max-width: 30em; }
.dm .dm-table .dm-best { color: var(--dm-strong); font-weight: 700; }
.dm .dm-table .dm-sub { padding-left: 8px; }
.dm .dm-nowrap { white-space: nowrap; }
.dm .dm-unit { color: var(--dm-quiet); font-weight: 400; font-size: .92em; }
.dm .dm-quiet, .dm .dm-table td.dm-quiet { color: var(--dm-quiet); }
.dm .dm-mark { color: var(--dm-quiet); font-weight: 400; font-size: .85em; border: 1px solid var(--dm-line);
  border-radius: 3px; padding: 0 5px; margin-left: 6px; white-space: nowrap; }
.dm .dm-failed { white-space: normal !important; overflow-wrap: anywhere; min-width: 20em; }
.dm .dm-failed b { color: var(--dm-error); font-weight: 600; }
.dm .dm-wrong td { color: var(--dm-quiet); }
.dm .dm-wrong td small, .dm .dm-wrong .dm-below { color: var(--dm-error); }
.dm details { margin: 4px 0 8px; }
.dm summary { color: var(--dm-quiet); cursor: pointer; }
.dm .dm-note { color: var(--dm-quiet); margin: 2px 0; max-width: 90ch; overflow-wrap: anywhere; }
.dm .dm-warning { color: inherit; border-left: 3px solid var(--dm-warn); padding: 0 0 0 8px; }
.dm .dm-warning b { font-weight: 600; }
.dm .dm-legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 10px 0 2px; }
.dm .dm-hist-image { display: block; margin: 0; }
`;var T=`/* What only the widgets have: controls, the grid, the histogram. */
.dm-widget {
  --dm-back: var(--jp-layout-color0, var(--vscode-editor-background, Canvas));
  --dm-raise: var(--jp-layout-color2, color-mix(in srgb, currentColor 9%, transparent));
  --dm-brand: var(--jp-brand-color1, #1976d2);
  padding: 2px 2px 4px;
}
.dm-widget *:focus-visible { outline: 2px solid var(--dm-brand); outline-offset: -2px; border-radius: 2px; }
.dm-widget .dm-toolbar { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; margin: 0 0 4px; min-height: 28px; }
.dm-widget .dm-toolbar .dm-title { margin: 0 8px 0 0; }
.dm-widget .dm-body { display: inline-block; max-width: 100%; vertical-align: top; }
.dm-widget .dm-spring { flex: 1; }
.dm-widget .dm-said { color: var(--dm-quiet); font-size: .92em; }
.dm-widget .dm-button { font: inherit; font-size: .88em; color: var(--dm-quiet); background: none; cursor: pointer;
  border: 1px solid var(--dm-line); border-radius: 3px; padding: 2px 9px; margin: 0; line-height: 1.5; }
.dm-widget .dm-button:hover, .dm-widget .dm-button[aria-expanded="true"] { color: var(--dm-strong); background: var(--dm-raise); }
.dm-widget .dm-filter { font: inherit; font-size: .92em; color: inherit; background: transparent; border: 1px solid var(--dm-line);
  border-radius: 3px; padding: 3px 8px; width: 15em; box-sizing: border-box; }
.dm-widget .dm-filter::placeholder { color: var(--dm-quiet); opacity: 1; }
.dm-widget .dm-panel { border: 1px solid var(--dm-line); border-radius: 4px; padding: 8px 10px; margin: 0 0 8px; box-sizing: border-box; }
.dm-widget .dm-panel-list { display: grid; grid-template-columns: repeat(auto-fill, minmax(13em, 1fr)); gap: 1px 14px; max-height: 16em; overflow: auto; padding: 3px 0 0; }
.dm-widget .dm-panel label { display: flex; align-items: center; gap: 6px; cursor: pointer; margin: 0; overflow-wrap: anywhere; }
.dm-widget [hidden] { display: none !important; }
.dm-widget .dm-copy-box { width: 100%; max-width: 960px; box-sizing: border-box; font-family: var(--jp-code-font-family, monospace); }

.dm-widget .dm-scroll { width: fit-content; max-width: 100%; }
.dm-widget .dm-window { max-height: min(70vh, 560px); overflow: auto; border-bottom: 1px solid var(--dm-line); }
.dm-widget .dm-grid { border-collapse: separate; border-spacing: 0; }
.dm-widget .dm-grid thead th { border-bottom: 1px solid var(--dm-line); vertical-align: top; cursor: pointer; user-select: none; background: var(--dm-back); }
.dm-widget .dm-window thead th { position: sticky; top: 0; z-index: 2; }
.dm-widget .dm-grid tbody td:first-child, .dm-widget .dm-grid tfoot td:first-child { position: sticky; left: 0; background: var(--dm-back); z-index: 1; }
.dm-widget .dm-grid thead th:first-child { position: sticky; left: 0; z-index: 3; }
.dm-widget .dm-window tfoot td { position: sticky; bottom: 0; background: var(--dm-back); }
.dm-widget .dm-grid tbody td { border-bottom: 1px solid var(--dm-hair); }
.dm-widget .dm-grid tbody tr:last-child td { border-bottom: 0; }
.dm-widget .dm-grid tfoot td { border-top: 1px solid var(--dm-line); }
.dm-widget .dm-grid tbody tr[data-row] { cursor: default; }
.dm-widget .dm-grid tbody tr[data-row]:hover td { background: color-mix(in srgb, var(--dm-raise) 45%, var(--dm-back)); }
.dm-widget .dm-grid tbody tr.dm-selected td { background: color-mix(in srgb, var(--dm-brand) 15%, var(--dm-back)); }
.dm-widget .dm-grid tbody tr.dm-selected td:first-child { box-shadow: inset 3px 0 0 var(--dm-brand); }
.dm-widget .dm-sort { all: unset; box-sizing: border-box; cursor: pointer; font-weight: 600; position: relative; white-space: nowrap; }
.dm-widget .dm-sort:focus-visible { outline: 2px solid var(--dm-brand); outline-offset: 2px; }
.dm-widget .dm-arrow { position: absolute; left: 100%; top: .35em; font-size: .62em; padding-left: 4px; color: var(--dm-quiet); }
.dm-widget .dm-num .dm-arrow { left: auto; right: 100%; padding: 0 4px 0 0; }
.dm-widget th .dm-unit { display: block; }
.dm-widget th:hover .dm-sort-title { text-decoration: underline; text-decoration-color: var(--dm-quiet); text-underline-offset: 3px; }
.dm-widget .dm-swatch { display: inline-block; width: 9px; height: 9px; margin-right: 8px; }
.dm-widget .dm-name-line { display: flex; align-items: center; justify-content: space-between; gap: 10px; }
.dm-widget .dm-name-line .dm-mark { flex: none; margin: 0; white-space: nowrap; line-height: 1.4; }
.dm-widget .dm-name-line > span:first-child { min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.dm-widget .dm-pin { font: inherit; font-size: .8em; background: none; cursor: pointer; }
.dm-widget .dm-pin:hover { color: var(--dm-strong); border-color: var(--dm-brand); }
.dm-widget .dm-below { font-size: .88em; }

.dm-widget .dm-virtual tbody tr[data-row] { height: 32px; }
.dm-widget .dm-virtual tbody td { white-space: nowrap; padding-top: 0; padding-bottom: 0; height: 31px; max-width: 34em; }
.dm-widget .dm-virtual tbody td .dm-cell { width: 0; min-width: 100%; overflow: hidden; text-overflow: ellipsis; }
.dm-widget .dm-virtual tbody .dm-below { display: inline; padding-left: 10px; }
.dm-widget .dm-virtual .dm-name { min-width: 0; }
.dm-widget .dm-virtual .dm-failed { white-space: nowrap !important; min-width: 0; }
.dm-widget .dm-grid tbody tr.dm-sizer { height: 0; visibility: hidden; }
.dm-widget .dm-grid tbody tr.dm-sizer td { height: 0; line-height: 0; border: 0; }
.dm-widget .dm-grid tbody tr.dm-sizer div { height: 0; overflow: hidden; white-space: nowrap; }
.dm-widget .dm-grid tbody tr.dm-space td { padding: 0; border: 0; }

.dm-widget .dm-ratio-parts { display: flex; align-items: center; gap: 9px; }
.dm-widget .dm-ratio-parts > span { flex: none; white-space: nowrap; }
.dm-widget .dm-ratio-value { text-align: right; }
.dm-widget .dm-ratio-interval { text-align: right; color: var(--dm-quiet); font-weight: 400; font-size: .88em; }
.dm-widget .dm-ratio-verdict { text-align: left; font-weight: 400; color: var(--jp-content-font-color1, currentColor); }
.dm-widget .dm-bar { position: relative; flex: none; display: inline-block; height: 16px; }
.dm-widget .dm-bar i { position: absolute; display: block; }
.dm-widget .dm-bar-one { top: 0; height: 16px; background: color-mix(in srgb, currentColor 38%, transparent); }
.dm-widget .dm-bar-fill { top: 4px; height: 8px; background: #868686; }
.dm-widget .dm-bar-whisker { top: 5px; height: 6px; box-sizing: border-box; border: solid var(--dm-strong); border-width: 0 1px; opacity: .72;
  background: linear-gradient(var(--dm-strong), var(--dm-strong)) 0 50% / 100% 1px no-repeat; }

.dm-js-error { border-left: 3px solid var(--dm-error); padding: 4px 10px; margin: 6px 0; overflow-wrap: anywhere; }
.dm-js-error pre { font-size: .85em; white-space: pre-wrap; color: var(--dm-quiet); background: none; margin: 4px 0; }

.dm-widget .dm-figure { position: relative; width: fit-content; max-width: 100%; }
.dm-widget .dm-plot, .dm-widget .dm-strip { display: block; max-width: 100%; overflow: visible; fill: none; }
.dm-widget svg text { fill: var(--dm-quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
.dm-widget svg .dm-mark-text { fill: var(--dm-strong); }
.dm-widget .dm-shape { fill-opacity: .2; stroke-width: 1.3; }
.dm-widget .dm-percentile { stroke-width: 1.6; }
.dm-widget .dm-axis { stroke: var(--dm-quiet); }
.dm-widget .dm-grid-line { stroke: var(--dm-hair); }
.dm-widget .dm-cursor { fill: currentColor; fill-opacity: .12; }
.dm-widget .dm-strip-cursor { stroke: var(--dm-quiet); }
.dm-widget .dm-span { stroke-width: 1.4; stroke-opacity: .3; }
.dm-widget .dm-dots { stroke-width: 2.6; stroke-linecap: round; stroke-opacity: .85; }
.dm-widget .dm-faint { opacity: .14; }
.dm-widget .dm-caption { margin: 8px 0 0; font-size: .92em; }
.dm-widget .dm-wide { max-width: 922px; flex-wrap: nowrap; gap: 4px 14px; align-items: flex-start; margin-top: 10px; }
.dm-widget .dm-wide .dm-title, .dm-widget .dm-wide .dm-switch { flex: none; line-height: 1.5; padding: 1px 0; }
.dm-widget .dm-toolbar .dm-legend { margin: 0; gap: 2px 6px; flex: 1; }
.dm-widget .dm-entry { all: unset; cursor: pointer; padding: 1px 6px; border-radius: 3px; line-height: 1.5; }
.dm-widget .dm-entry:hover { background: var(--dm-raise); }
.dm-widget .dm-entry:focus-visible { outline: 2px solid var(--dm-brand); }
.dm-widget .dm-entry[aria-pressed="false"] { color: var(--dm-quiet); text-decoration: line-through; }
.dm-widget .dm-entry[aria-pressed="false"] .dm-swatch { opacity: .3; }
.dm-widget .dm-switch { display: flex; }
.dm-widget .dm-switch .dm-button { border-radius: 0; }
.dm-widget .dm-switch .dm-button:first-child { border-radius: 3px 0 0 3px; border-right: 0; }
.dm-widget .dm-switch .dm-button:last-child { border-radius: 0 3px 3px 0; }
.dm-widget .dm-switch .dm-button[aria-pressed="true"] { color: var(--dm-strong); background: var(--dm-raise); }
.dm-widget .dm-switch .dm-button:disabled { opacity: .5; cursor: default; }
.dm-widget .dm-tip { position: absolute; z-index: 5; pointer-events: none; background: var(--dm-back); color: inherit; white-space: nowrap;
  border: 1px solid var(--dm-line); border-radius: 4px; padding: 6px 10px; box-shadow: 0 2px 8px rgba(0, 0, 0, .16); font-variant-numeric: tabular-nums; }
.dm-widget .dm-tip-head { font-weight: 600; color: var(--dm-strong); margin-bottom: 2px; }
.dm-widget .dm-tip table { border-collapse: collapse; }
.dm-widget .dm-tip td { padding: 1px 0 1px 16px; }
.dm-widget .dm-tip td:first-child { padding-left: 0; }
.dm-widget .dm-tip .dm-num { text-align: right; }

.dm-widget .dm-progress { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; max-width: 922px; font-variant-numeric: tabular-nums; }
.dm-widget .dm-progress-title { font-weight: 600; color: var(--dm-strong); overflow-wrap: anywhere; }
.dm-widget .dm-progress-bar { flex: 1; min-width: 8em; max-width: 24em; height: 8px; background: var(--dm-raise); border-radius: 4px; overflow: hidden; }
.dm-widget .dm-progress-bar div { height: 100%; background: var(--dm-brand); }
.dm-widget .dm-progress-share { min-width: 3.2em; text-align: right; }
.dm-widget .dm-progress-detail { color: var(--dm-quiet); overflow-wrap: anywhere; }
.dm-widget .dm-progress-refused { flex-basis: 100%; overflow-wrap: anywhere; }
.dm-widget .dm-progress-refused:empty { display: none; }
.dm-widget .dm-stop { color: var(--dm-strong); }
.dm-widget .dm-stop:disabled { color: var(--dm-quiet); cursor: default; background: none; }

.dm-widget .dm-tuning { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 14px 30px; margin-top: 10px; max-width: 1240px; }
.dm-widget .dm-tasks { flex: 3 1 520px; min-width: 0; max-width: 760px; font-size: .92em; }
.dm-widget .dm-chart { flex: 2 1 260px; min-width: 0; max-width: 560px; }
.dm-widget .dm-tasks-window { position: relative; overflow: auto; max-height: 430px; border-bottom: 1px solid var(--dm-line); }
.dm-widget .dm-tasks-table { width: 100%; table-layout: fixed; }
.dm-widget .dm-tasks-table th, .dm-widget .dm-tasks-table td { padding: 3px 0 3px 10px; overflow: hidden; text-overflow: ellipsis; }
.dm-widget .dm-tasks-table th { position: sticky; top: 0; z-index: 1; cursor: default; }
.dm-widget .dm-tasks-table th:nth-child(2) { width: 5.9em; }
.dm-widget .dm-tasks-table th:nth-child(3), .dm-widget .dm-tasks-table th:nth-child(4) { width: 4.6em; }
.dm-widget .dm-tasks-table th:nth-child(5) { width: 4.4em; }
.dm-widget .dm-tasks-table th:nth-child(6) { width: 3.5em; }
.dm-widget .dm-tasks-table th:nth-child(7) { width: 3.9em; }
.dm-widget .dm-tasks-table .dm-name { min-width: 0; }
.dm-widget .dm-tasks-table .dm-name div { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; line-height: 1.3; }
.dm-widget .dm-share { display: inline-block; width: 2em; height: 8px; margin-right: 6px; background: var(--dm-raise); }
.dm-widget .dm-share i { display: block; height: 100%; background: #868686; }
.dm-widget .dm-task-waiting td { color: var(--dm-quiet); }
.dm-widget .dm-tasks-table tbody .dm-task-active td { color: var(--dm-strong); background: color-mix(in srgb, var(--dm-brand) 9%, var(--dm-back)); }
.dm-widget .dm-tasks-table tbody .dm-task-active td:first-child { box-shadow: inset 3px 0 0 var(--dm-brand); }
.dm-widget .dm-task-active td:last-child { font-weight: 600; }
.dm-widget .dm-tasks-foot { display: flex; align-items: baseline; gap: 4px 16px; color: var(--dm-quiet); margin-top: 5px; padding-left: 8px; min-height: 1.5em; }
.dm-widget .dm-tasks-foot span { flex: none; }
.dm-widget .dm-tasks-said { all: unset; cursor: pointer; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.dm-widget .dm-tasks-said:hover { color: var(--dm-strong); text-decoration: underline; }
.dm-widget .dm-tasks-said:focus-visible { outline: 2px solid var(--dm-brand); }
.dm-widget .dm-steps { display: block; max-width: 100%; overflow: visible; fill: none; }
.dm-widget .dm-steps-said { color: var(--dm-strong); font-weight: 600; font-variant-numeric: tabular-nums; margin-bottom: 4px; }
.dm-widget .dm-steps-start { stroke: var(--dm-quiet); stroke-dasharray: 2 4; }
.dm-widget .dm-steps-line { stroke-width: 2; stroke-linejoin: round; }
.dm-widget .dm-steps-still { color: var(--dm-quiet); font-weight: 400; }
.dm-widget svg .dm-steps-now { fill: var(--dm-strong); font-weight: 600; font-size: 13px; paint-order: stroke; stroke: var(--dm-back); stroke-width: 5px; }
.dm-widget .dm-tasks { container-type: inline-size; }
@container (max-width: 530px) {
  .dm-widget .dm-tasks-table th:nth-child(2) { width: 3.4em; }
  .dm-widget .dm-share { margin: 0; }
  .dm-widget .dm-share + span { display: none; }
  .dm-widget .dm-tasks-table .dm-name div { -webkit-line-clamp: 3; }
}

.dm-widget .dm-depth { cursor: pointer; max-width: 100%; height: auto; }
.dm-widget .dm-depth:focus:not(:focus-visible) { outline: none; }
.dm-widget .dm-depth-layer { margin-top: 4px; max-width: 760px; }
.dm-widget .dm-depth-layer .dm-plot { max-width: 100%; height: auto; cursor: default; }
.dm-widget .dm-depth-name { overflow-wrap: anywhere; }
.dm-widget .dm-depth-reference { fill: #868686; fill-opacity: .45; }
.dm-widget .dm-depth-other { fill: none; stroke: var(--dm-strong); stroke-width: 1.5; }
.dm-widget .dm-depth-fill { background: #868686; opacity: .6; }
.dm-widget .dm-depth-outline { border: 1.5px solid var(--dm-strong); box-sizing: border-box; }
`;function I(r,t){let e=n("div",{class:"dm dm-widget","data-testid":"dm-widget","data-lm-suppress-shortcuts":"true","data-p-suppress-shortcuts":"true"});return e.append(n("style",{},L+T+rt(t))),r.append(e),e}function rt(r){if(!/^[A-Za-z0-9]+$/.test(r??""))return"";let t=`.jp-OutputArea-child:has(> .jp-OutputArea-output > .dm-static-${r})`;return`.dm-static-${r}{display:none}
${t}{display:none}`}function x(r,t){return(...e)=>{try{let i=t(...e);return i instanceof Promise?i.catch(s=>k(r,s)):i}catch(i){k(r,i);return}}}function k(r,t){let e=`${t?.name??"Error"}: ${t?.message??t}`,i=r.querySelector(":scope > .dm-js-error");i||(i=n("div",{class:"dm-js-error",role:"alert","data-testid":"dm-js-error"}),r.append(i)),i.replaceChildren(n("b",{},"This view failed. "),e,n("details",{},n("summary",{},"where"),n("pre",{},String(t?.stack??""))))}function D(r){if(!r)return"";let t=[];if(r.headline&&t.push(n("div",{class:"dm-headline","data-testid":"dm-headline"},r.headline)),r.interrupted&&t.push(n("div",{class:"dm-banner","data-testid":"dm-interrupted"},n("b",{},"Interrupted.")," What was measured until then is kept.")),r.facts?.length){let e=n("div",{class:"dm-facts"});r.facts.forEach(([i,s],o)=>{o&&e.append(n("i",{}," · ")),e.append(`${i} `,n("b",{},s))}),t.push(e)}return n("div",{class:"dm-head"},...t)}function O(r){return r?.length?n("div",{class:"dm-notes","data-testid":"dm-notes"},...r.map(([t,e])=>t==="warning"?n("div",{class:"dm-note dm-warning"},n("b",{},"Note:"),` ${e}`):n("div",{class:"dm-note"},e))):""}var v=76;function P(r,t,e){let i=n("span",{class:"dm-bar",style:{width:`${v}px`}});if(r.why!==void 0||!(r.value>0)||!Number.isFinite(r.value))return i;let s=h=>Number.isNaN(h)?s(r.value):h<=0?0:((Number.isFinite(h)?Math.max(-1,Math.min(1,Math.log(h)/Math.log(t))):1)+1)/2*v,o=v/2,d=s(r.value),a=s(r.low??r.value),l=s(r.high??r.value),m=(h,c,y)=>n("i",{class:h,style:{left:`${c}px`,width:`${y}px`}});if(i.append(m("dm-bar-one",o,1)),Math.abs(d-o)>=.5){let h=m("dm-bar-fill",Math.min(d,o),Math.abs(d-o));e&&(h.style.backgroundColor=e),i.append(h)}return l>a&&i.append(m("dm-bar-whisker",a,Math.max(1,l-a))),i}function b(r,t){if(r===0||!Number.isFinite(r)||Math.abs(r)>=.5*10**-t)return t;let e=1-Math.floor(Math.log10(Math.abs(r)));return e<=t+2?e:t}function g(r,t){if(Number.isNaN(r))return"NaN";if(!Number.isFinite(r))return r>0?"∞":"−∞";let e=r<0?"−":"";if(Math.abs(r)>=1e21)return e+Math.abs(r).toExponential(1).replace("e+","e");let i=Math.abs(r).toFixed(t);if(r!==0&&Number(i)===0){let o=(10**-t).toFixed(t);return r<0?`>−${o}`:`<${o}`}let s=t?i.length-t-1:i.length;for(let o=s-3;o>0;o-=3)i=`${i.slice(0,o)},${i.slice(o)}`;return e+i}function _(r,t){return r>=t?"":(r===0?" ":"")+" ".repeat(t-r)}function f(r){return g(r,0)}var st={nan:NaN,inf:1/0,"-inf":-1/0};function w(r){return typeof r=="number"?r:typeof r=="string"?st[r]:void 0}var M=class{constructor(t,e,i){Object.assign(this,{...t,v:void 0,index:i}),this.numeric=t.kind!=="text"&&t.kind!=="verdict",this.values=new Float64Array(e).fill(NaN),this.known=new Uint8Array(e),this.texts=[],t.v.forEach((s,o)=>{s!==null&&(Array.isArray(s)?(this.known[o]=2,[this.texts[o]]=s):(this.known[o]=1,this.values[o]=w(s)))}),this.whys=new Map;for(let[s,o]of t.missing??[])for(let d of o)this.whys.set(d,s);this.low=t.lo?.map(w),this.high=t.hi?.map(w)}cell(t){if(this.known[t]===0)return{why:this.whys.get(t)??"no value"};if(this.known[t]===2)return{text:this.texts[t]};let e=this.values[t];if(this.kind!=="ratio")return{value:e};let i=this.w?.[t];return{value:e,low:this.low?.[t]??e,high:this.high?.[t]??e,verdict:i==null?"":this.words[i]}}label(){return this.unit?`${this.title} (${this.unit})`:this.title}};function $(r){return r==null?{why:"no value"}:Array.isArray(r)?{text:r[0]}:typeof r=="object"?"why"in r?{why:r.why}:{value:w(r.v),low:w(r.lo),high:w(r.hi),verdict:r.w??""}:{value:w(r)}}function u(r,t){if(t.why!==void 0)return{text:"–",pad:"",interval:"",verdict:""};if(t.text!==void 0)return{text:t.text,pad:"",interval:"",verdict:""};let e=b(t.value,r.base),i=g(t.value,e);if(r.kind!=="ratio"){let l=Number.isFinite(t.value)?_(e,r.longest):"";return{text:i,pad:l,interval:"",verdict:""}}let s=l=>g(l,b(l,r.base)),o=t.low??t.value,d=t.high??t.value,a=o===t.value&&d===t.value;return{text:`${i}×`,pad:"",interval:a?"":`${s(o)}–${s(d)}`,verdict:t.verdict??""}}var ot={".":.56,",":.56,"–":.9,"×":1.32,"−":1.32,"∞":1.4};function q(r){let t=0;for(let e of r)t+=ot[e]??1;return Math.ceil(t*10)/10}function K(r,t,e){let i=r.sort?.column===t?r.sort.direction:"none",s=i==="ascending"?"▲":i==="descending"?"▼":"",o=n("button",{type:"button",class:"dm-sort",tabindex:-1,"data-testid":`dm-sort-${t.key}`,"data-col":e},n("span",{class:"dm-sort-title"},t.title||" "),n("span",{class:"dm-arrow","aria-hidden":"true"},s)),d=e===0||!t.numeric||t.kind==="ratio"?"dm-text":"dm-num";return n("th",{role:"columnheader",scope:"col",class:d,"aria-sort":i,"aria-colindex":e+1,title:dt(t)},o,t.unit?n("span",{class:"dm-unit"},t.unit):"")}function dt(r){let t=r.better?`${r.better} is better`:"";return[r.help,t].filter(Boolean).join(" · ")||null}function W(r,t){let e=r.widest(t);return{value:1.08*q(e.text),interval:1.04*q(e.interval),verdict:.92*q(e.verdict)}}function R(r,t,e){let{state:i}=r,s=i.status(t),o=t===i.baseline,d=r.selected.has(t),a=["dm-row",o&&"dm-baseline",s!=="ok"&&`dm-${s}`,d&&"dm-selected"],l=n("tr",{role:"row",class:a.filter(Boolean).join(" "),"data-row":t,"data-testid":`dm-row-${t}`,"aria-rowindex":e+2,"aria-selected":d?"true":"false"}),m=r.columns;if(l.append(nt(r,t,s,o)),s==="failed"&&m.length>1){let h=n("div",{class:"dm-cell"},n("b",{},"failed"),` ${i.note(t)}`);return l.append(C(1,{class:"dm-failed",colspan:m.length-1,title:i.note(t)||null},h)),l}for(let h=1;h<m.length;h+=1)l.append(at(r,m[h],t,h));return l}function C(r,t,...e){return n("td",{role:"gridcell",tabindex:-1,"data-col":r,"aria-colindex":r+1,...t},...e)}function nt(r,t,e,i){let{state:s}=r,o=s.plain.hues[t],d=s.name(t),a=o?n("span",{class:"dm-swatch",style:{backgroundColor:o},"aria-hidden":"true"}):"",l=[n("span",{class:d.length<=32?"dm-nowrap":null},a,n("bdi",{},B(d,120)))];i?l.push(n("span",{class:"dm-mark","data-testid":"dm-baseline"},"baseline")):r.pinnable&&e!=="failed"&&l.push(n("button",{type:"button",class:"dm-mark dm-pin",tabindex:-1,title:"Make this row the baseline (b)","aria-label":`pin ${d} as the baseline`,"data-testid":`dm-pin-${t}`,"data-pin":t},"pin"));let m=e==="failed"?"":s.note(t),h=e==="partial"?m?`cut short: ${m}`:"cut short":m,c=h?n("div",{class:"dm-below dm-quiet"},h):"";return C(0,{class:"dm-name",title:d.length>40||h?[d,h].filter(Boolean).join(`
`):null},n("div",{class:"dm-cell"},n("div",{class:"dm-name-line"},...l),c))}function at(r,t,e,i){let s=r.state.cell(t,e),o=u(t,s),d=r.state.best(t).has(e);if(t.kind==="ratio"){let c={class:"dm-ratio",title:s.why??null};return C(i,c,lt(r,t,s,o,r.state.plain.hues[e],d))}let l={class:[t.numeric?"dm-num":"dm-text",d&&"dm-best",s.why!==void 0&&"dm-quiet"].filter(Boolean).join(" "),title:s.why??null},m=o.text+o.pad;!t.numeric&&m.length>40&&(l.title=m),t.numeric&&/^[<>]/.test(m)&&(l.title=s.value.toPrecision(4));let h=t.kind==="verdict"?"dm-cell dm-nowrap":"dm-cell";return C(i,l,n("div",{class:h},m))}function lt(r,t,e,i,s,o){let d=r.widths.get(t),a=(m,h,c)=>c?n("span",{class:m,style:{width:`${c.toFixed(2)}ch`}},h):"",l=o?n("b",{class:"dm-best"},i.text):i.text;return n("div",{class:"dm-cell dm-ratio-parts"},P(e,r.state.span(t),s),a(e.why?"dm-ratio-value dm-quiet":"dm-ratio-value",l,d.value),a("dm-ratio-interval",i.interval,d.interval),a("dm-ratio-verdict",i.verdict,d.verdict))}function U(r){let{state:t}=r;if(!t.footer)return"";let e=r.columns.map((i,s)=>{let o=t.footer[i.index],d=o.why===void 0||o.why!=="no value"?u(i,o):{text:"",pad:""},a=s===0?d.text||"total":d.text+d.pad;return n("td",{role:"gridcell",class:s===0?"dm-name":i.numeric?"dm-num":"dm-text"},a)});return n("tfoot",{},n("tr",{role:"row",class:"dm-total","data-testid":"dm-total"},...e))}function X(r){let t=r.columns.map((e,i)=>{let s=r.state.widest(e);if(e.kind==="ratio"){let{value:d,interval:a,verdict:l}=r.widths.get(e);return n("td",{},n("div",{style:{width:`calc(${v+27}px + ${(d+a+l).toFixed(2)}ch)`}}))}let o=i===0?` ■ ${r.pinnable||r.state.baseline>=0?" baseline ":""}`:"";return n("td",{},n("div",{},s.text.slice(0,64)+s.pad+o))});return n("tr",{class:"dm-sizer","aria-hidden":"true"},...t)}var V=25,Y=12,S=class{constructor(t,e,i){this.root=t,this.state=e,this.hooks=i,this.selected=new Set,this.anchor=null,this.active={position:-1,column:0},this.drawn=new Map,this.rowHeight=32,this.pinnable=e.pinnable(),this.virtual=e.rows>V,this.scroll=n("div",{class:this.virtual?"dm-scroll dm-window":"dm-scroll",tabindex:-1}),this.table=n("table",{class:this.virtual?"dm-table dm-grid dm-virtual":"dm-table dm-grid",role:"grid","aria-multiselectable":"true","aria-label":e.plain.title||"results","data-testid":"dm-table"}),this.scroll.append(this.table);let s=(o,d)=>this.scroll.addEventListener(o,x(t,d.bind(this)));s("click",this.onClick),s("mousedown",o=>o.shiftKey&&o.target.closest("tr[data-row]")&&o.preventDefault()),s("keydown",this.onKey),s("focusin",this.onFocus),this.virtual&&(s("scroll",()=>this.fill()),this.watch=new ResizeObserver(x(t,()=>this.fill(!0))),this.watch.observe(this.scroll)),this.draw()}dispose(){this.watch?.disconnect()}draw(){let{state:t}=this,e=this.root.contains(document.activeElement)&&this.scroll.contains(document.activeElement);this.columns=t.shownColumns(),this.widths=new Map(this.columns.filter(s=>s.kind==="ratio").map(s=>[s,W(t,s)])),this.active.column=Math.min(this.active.column,this.columns.length-1),this.active.position=Math.min(this.active.position,t.order.length-1),this.table.setAttribute("aria-rowcount",t.order.length+1),this.table.setAttribute("aria-colcount",this.columns.length);let i=this.columns.map((s,o)=>K(t,s,o));if(this.body=n("tbody",{}),this.table.replaceChildren(n("thead",{},n("tr",{role:"row","aria-rowindex":1},...i)),this.body,U(this)),this.drawn.clear(),this.virtual?(this.above=n("tr",{class:"dm-space","aria-hidden":"true"},n("td",{colspan:this.columns.length})),this.below=this.above.cloneNode(!0),this.body.append(X(this),this.above,this.below),this.range=null,this.fill()):this.body.append(...t.order.map((s,o)=>this.make(s,o))),!t.order.length){let s=t.rows?"No row matches.":"No rows.";this.body.append(n("tr",{},n("td",{class:"dm-quiet",colspan:this.columns.length},s)))}this.rove(e)}make(t,e){let i=R(this,t,e);return this.drawn.set(e,i),i}fill(t=!1){let e=this.drawn.values().next().value;t&&e?.offsetHeight&&(this.rowHeight=e.offsetHeight);let i=this.state.order.length,s=this.scroll.clientHeight||V*this.rowHeight,o=Math.max(0,Math.min(Math.floor(this.scroll.scrollTop/this.rowHeight),i-1)-Y),d=Math.min(i,o+Math.ceil(s/this.rowHeight)+2*Y);if(!t&&this.range&&o===this.range[0]&&d===this.range[1])return;this.range=[o,d];for(let[l,m]of this.drawn)l>=o&&l<d||(m.contains(document.activeElement)&&this.scroll.focus({preventScroll:!0}),m.remove(),this.drawn.delete(l));let a=this.above;for(let l=o;l<d;l+=1){let m=this.drawn.get(l);m||(m=this.make(this.state.order[l],l),a.after(m)),a=m}this.above.firstChild.style.height=`${o*this.rowHeight}px`,this.below.firstChild.style.height=`${(i-d)*this.rowHeight}px`,this.above.hidden=o===0,this.below.hidden=d===i}target({position:t,column:e}){if(t<0)return this.table.tHead.querySelectorAll(".dm-sort")[e];let i=this.drawn.get(t);return i?.children[Math.min(e,i.children.length-1)]}rove(t=!1){this.table.querySelector('[tabindex="0"]')?.setAttribute("tabindex","-1");let e=this.target(this.active)??this.target({position:-1,column:0});e?.setAttribute("tabindex","0"),t&&e?.focus({preventScroll:!0})}moveTo(t,e){let i=this.state.order.length-1;if(this.active={position:Math.max(-1,Math.min(i,t)),column:Math.max(0,Math.min(this.columns.length-1,e))},this.virtual&&this.active.position>=0){let s=this.active.position*this.rowHeight,o=this.table.tHead.offsetHeight,d=this.scroll.clientHeight-o-(this.table.tFoot?.offsetHeight??0);s<this.scroll.scrollTop?this.scroll.scrollTop=s:s+this.rowHeight>this.scroll.scrollTop+d&&(this.scroll.scrollTop=s+this.rowHeight-d),this.fill()}this.rove(!0),this.virtual||this.target(this.active)?.scrollIntoView({block:"nearest",inline:"nearest"})}onKey(t){if(t.altKey||t.isComposing)return;let{position:e,column:i}=this.active,s=Math.max(1,Math.floor((this.scroll.clientHeight||600)/this.rowHeight)-2),o=t.ctrlKey||t.metaKey,d={ArrowDown:[e+1,i],ArrowUp:[e-1,i],ArrowRight:[e,i+1],ArrowLeft:[e,i-1],PageDown:[e+s,i],PageUp:[Math.max(0,e-s),i],Home:[o?0:e,0],End:[o?this.state.order.length-1:e,this.columns.length-1]};if(d[t.key])this.moveTo(...d[t.key]);else{if(o)return;if(t.key==="Enter"||t.key===" ")e<0?this.sortBy(this.columns[i]):this.select(this.state.order[e],{add:!0});else if(t.key==="b"&&e>=0)this.pin(this.state.order[e]);else if(t.key==="Escape"&&this.selected.size)this.setSelected([],!0);else return}t.preventDefault(),t.stopPropagation()}onFocus(t){let e=t.target.closest("td[data-col], .dm-sort");if(!e)return;let i=e.closest("tr[data-row]"),s=i?Number(i.getAttribute("aria-rowindex"))-2:-1;this.active={position:s,column:Number(e.dataset.col)},this.rove()}onClick(t){let e=t.target.closest("th[role=columnheader]");if(e)return this.sortBy(this.columns[Number(e.getAttribute("aria-colindex"))-1]);let i=t.target.closest("[data-pin]");if(i)return this.pin(Number(i.dataset.pin));let s=t.target.closest("tr[data-row]");if(!(!s||!(window.getSelection()?.isCollapsed??!0)))return this.select(Number(s.dataset.row),{add:t.ctrlKey||t.metaKey,range:t.shiftKey})}sortBy(t){this.state.cycleSort(t),this.scroll.scrollTop=0,this.draw(),this.hooks.onSort?.(this.state.sort)}pin(t){!this.pinnable||this.state.status(t)==="failed"||t===this.state.baseline||(this.state.pin(t),this.draw(),this.hooks.onPin?.(t))}select(t,{add:e=!1,range:i=!1}={}){let s=new Set(this.selected);if(i&&this.anchor!==null){let o=[this.anchor,t].map(d=>this.state.order.indexOf(d)).sort((d,a)=>d-a);s=new Set(this.state.order.slice(Math.max(0,o[0]),o[1]+1))}else e?s.delete(t)||s.add(t):s=s.size===1&&s.has(t)?new Set:new Set([t]);i||(this.anchor=t),this.setSelected([...s],!0)}setSelected(t,e=!1){this.selected=new Set(t);for(let i of this.drawn.values()){let s=this.selected.has(Number(i.dataset.row));i.classList.toggle("dm-selected",s),i.setAttribute("aria-selected",String(s))}e&&this.hooks.onSelect?.([...this.selected].sort((i,s)=>i-s))}};var mt=8,ht=3,ct=new Intl.Collator(void 0,{numeric:!0,sensitivity:"base"});function j({value:r,low:t,high:e}){return!(t===r&&e===r)&&t<=1&&e>=1}var N=class{constructor(t){this.plain=t,this.rows=t.rows,this.columns=t.columns.map((s,o)=>new M(s,t.rows,o)),this.byKey=new Map(this.columns.map(s=>[s.key,s])),this.original=t.baseline,this.baseline=t.baseline,this.sort=null,this.query="";let e=this.columns.slice(1).filter(s=>s.shown),i=mt-1+e.filter(s=>s.kind==="verdict").length;this.visible=new Set([this.columns[0],...e.slice(0,i)]),this.footer=t.footer?.map($),this.order=[],this.arrange()}shownColumns(){return this.columns.filter(t=>this.visible.has(t))}status(t){return this.plain.status[t]?.[0]??"ok"}note(t){return this.plain.status[t]?.[1]??""}name(t){let e=this.columns[0].cell(t);return u(this.columns[0],e).text}pinnable(){return this.rows>1&&this.columns.some(t=>this.plain.pairs[t.key]||this.source(t))}source(t){return t.kind==="ratio"&&t.of?this.byKey.get(t.of):void 0}cell(t,e){if(this.baseline===this.original||!this.follows(t))return t.cell(e);let i=this.plain.pairs[t.key];if(i)return $(i[this.baseline]?.[e]);let s=this.source(t);if(!s)return{why:`known only against ${this.original<0?"the step's own":this.name(this.original)}`};let o=s.values[e]/s.values[this.baseline];return Number.isNaN(o)?{why:`no ${s.title} to divide`}:{value:o,low:o,high:o,verdict:""}}follows(t){return this.pinnable()&&(t.kind==="ratio"||this.plain.pairs[t.key]!==void 0)}key(t,e){let i=this.cell(t,e);if(i.why===void 0)return i.text!==void 0?i.text:Number.isNaN(i.value)?void 0:i.value}setQuery(t){this.query=t,this.arrange()}cycleSort(t){let e=t.better==="lower"||!t.better&&!t.numeric?"ascending":"descending",i=e==="ascending"?"descending":"ascending";this.sort?.column!==t?this.sort={column:t,direction:e}:this.sort.direction===e?this.sort={column:t,direction:i}:this.sort=null,this.arrange()}pin(t){this.baseline=t,this.arrange()}arrange(){let t=this.matching();if(this.sort){let{column:e,direction:i}=this.sort,s=i==="ascending"?1:-1,o=new Array(this.rows);for(let d of t)o[d]=this.key(e,d);t.sort((d,a)=>{let l=o[d],m=o[a];return l===void 0||m===void 0?(l===void 0)-(m===void 0):typeof l=="number"&&typeof m=="number"?s*(l-m||0):s*ct.compare(String(l),String(m))})}this.order=t,this.found=new Map,this.spans=new Map}matching(){let t=this.query.toLowerCase().split(/\s+/).filter(Boolean),e=[];for(let i=0;i<this.rows;i+=1)(!t.length||t.every(s=>this.haystack(i).includes(s)))&&e.push(i);return e}haystack(t){return this.hay??=[],this.hay[t]??=[...this.columns.filter(e=>!e.numeric).map(e=>e.texts[t]??""),this.note(t)].join(`
`).toLowerCase(),this.hay[t]}best(t){let e=this.found.get(t);return e||(e=this.findBest(t),this.found.set(t,e)),e}findBest(t){if(!t.better)return new Set;let e=[];for(let a of this.order){if(["failed","wrong"].includes(this.status(a)))continue;let l=this.key(t,a);typeof l=="number"&&Number.isFinite(l)&&e.push([a,l])}if(e.length<2)return new Set;let i=e[0][1];for(let[,a]of e)(t.better==="lower"?a<i:a>i)&&(i=a);if(t.kind==="ratio"&&!this.clear(t,e,i))return new Set;let s=g(i,b(i,t.base)),o=e.filter(([,a])=>g(a,b(a,t.base))===s);if(o.length===e.length||o.length>ht)return new Set;let d=new Set(o.map(([a])=>a));return t.kind==="number"&&!this.differs(d)?new Set:d}differs(t){for(let e of this.columns){if(e.kind!=="ratio"||!e.low)continue;let i=this.plain.pairs[e.key];for(let s of t)if((i||s===this.original?this.order.filter(d=>!t.has(d)):[s]).some(d=>j(i?$(i[s]?.[d]):e.cell(d))))return!1}return!0}clear(t,e,i){let s=this.cell(t,e.find(([,o])=>o===i)[0]);return s.low!==s.value||s.high!==s.value?!j(s):i!==1||e.every(([o])=>!j(this.cell(t,o)))}span(t){let e=this.spans.get(t);if(e===void 0){e=1.25;for(let i of this.order){let{value:s,low:o,high:d}=this.cell(t,i);for(let a of[s,Math.min(d,s*2),Math.max(o,s/2)])Number.isFinite(a)&&a>0&&(e=Math.max(e,a,1/a))}e=Math.min(e,1e3),this.spans.set(t,e)}return e}widest(t){let e={text:"",pad:"",interval:"",verdict:""},i=s=>{let o=u(t,s);for(let d of["text","interval","verdict"])o[d].length>e[d].length&&(e={...e,[d]:o[d]});o.pad.length>e.pad.length&&(e.pad=o.pad)};if(t.kind==="ratio"||!t.numeric)for(let s=0;s<this.rows;s+=1)i(this.cell(t,s));else{let s=1/0,o=-1/0;for(let d=0;d<this.rows;d+=1){let a=t.values[d];a<s&&(s=a),a>o&&(o=a),t.known[d]===2&&i({text:t.texts[d]})}for(let d of[s,o])Number.isFinite(d)&&i({value:d});t.longest>t.base&&(e.pad=" ".repeat(t.longest-t.base))}return this.footer&&i(this.footer[t.index]),e}};var pt=/^[=+@\t\r]|^-(?![\d.])/;function Q(r){let t=r.shownColumns();return[t.map(i=>E(i.label())),t.map(i=>i.numeric?"---:":":---"),...r.order.map(i=>t.map((s,o)=>ut(r,s,i,o)))].map(i=>`| ${i.join(" | ")} |`).join(`
`)+`
`}function ut(r,t,e,i){if(r.status(e)==="failed"&&i>0)return i===1?E(`failed: ${r.note(e)}`):"";let s=u(t,r.cell(t,e)),o=[s.text,s.interval&&`(${s.interval})`,s.verdict].filter(Boolean),d=E(o.join(" "));return i===0&&e===r.baseline?`${d} (baseline)`:r.best(t).has(e)?`**${d}**`:d}function E(r){return r.replace(/[\\`*_<>|[\]~]/g,"\\$&").replace(/\s+/g," ")}function G(r){let t=r.shownColumns(),e=d=>d.kind==="ratio"&&(d.lo||r.plain.pairs[d.key]),i=[];for(let d of t)i.push(d.label()),e(d)&&i.push(`${d.title} low`,`${d.title} high`,`${d.title} verdict`);let s=r.order.some(d=>r.status(d)!=="ok");s&&i.push("status","note");let o=[i.map(A)];for(let d of r.order){let a=[];for(let l of t){let m=r.cell(l,d);a.push(m.why!==void 0?"":m.text!==void 0?A(m.text):String(m.value)),e(l)&&a.push(...[m.low,m.high].map(h=>String(h??"")),A(m.verdict??""))}s&&a.push(r.status(d),A(r.note(d))),o.push(a)}return o.map(d=>d.join(",")).join(`\r
`)+`\r
`}function A(r){let t=pt.test(r)?`'${r}`:r;return/[",\r\n]/.test(t)?`"${t.replaceAll('"','""')}"`:t}async function J(r,t){try{return await navigator.clipboard.writeText(r),!0}catch{}let e=n("textarea",{class:"dm-copy-box","data-testid":"dm-copy-box",rows:6,"aria-label":"Text to copy"});return e.value=r,t.append(e),e.select(),document.execCommand("copy")?(e.remove(),!0):(e.addEventListener("blur",()=>e.remove()),!1)}var gt=8,ft=4,wt=24,z=class{constructor(t,e){this.state=t,this.hooks=e,this.said=n("span",{class:"dm-said",role:"status","aria-live":"polite","data-testid":"dm-said"}),this.bar=n("div",{class:"dm-toolbar","data-testid":"dm-toolbar"}),this.panel="",t.rows>gt&&this.bar.append(this.filter()),this.bar.append(this.said,n("span",{class:"dm-spring"})),(t.visible.size<t.columns.length||t.columns.length>ft)&&this.bar.append(this.chooser()),this.bar.append(n("div",{class:"dm-switch",role:"group"},this.copier("Copy Markdown","Markdown",Q),this.copier("CSV","CSV",G))),this.update()}filter(){let t=n("input",{type:"search",class:"dm-filter",placeholder:"Filter rows","aria-label":"Filter rows","data-testid":"dm-filter",oninput:this.hooks.guard(()=>{this.state.setQuery(t.value),this.hooks.onChange(),this.update()})});return t}chooser(){let t=F("dm-columns");return this.columnsButton=n("button",{type:"button",class:"dm-button","aria-expanded":"false","aria-controls":t,"data-testid":"dm-columns",onclick:this.hooks.guard(()=>this.toggle())}),this.panel=n("div",{class:"dm-panel",id:t,hidden:!0,role:"group","aria-label":"Columns","data-testid":"dm-columns-panel"}),this.columnsButton}toggle(){this.panel.firstChild||this.fillPanel(),this.panel.hidden=!this.panel.hidden,this.columnsButton.setAttribute("aria-expanded",String(!this.panel.hidden))}fillPanel(){let t=this.state.columns.slice(1).map(i=>{let s=n("input",{type:"checkbox","data-testid":`dm-column-${i.key}`,onchange:this.hooks.guard(()=>{s.checked?this.state.visible.add(i):this.state.visible.delete(i),this.hooks.onChange(),this.update()})});return s.checked=this.state.visible.has(i),n("label",{title:i.help||null},s,i.title,i.unit?n("span",{class:"dm-unit"},i.unit):"")}),e=n("div",{class:"dm-panel-list"},...t);if(t.length>wt){let i=n("input",{type:"search",class:"dm-filter",placeholder:"Find a column","aria-label":"Find a column"});i.addEventListener("input",()=>{let s=i.value.toLowerCase();for(let o of t)o.hidden=!o.textContent.toLowerCase().includes(s)}),this.panel.append(i)}this.panel.append(e)}copier(t,e,i){return n("button",{type:"button",class:"dm-button",title:`Copy the table as ${e}`,"data-testid":`dm-copy-${e.toLowerCase()}`,onclick:this.hooks.guard(async()=>{let s=await J(i(this.state),this.bar.parentNode);this.say(s?`Copied ${f(this.state.order.length)} rows as ${e}`:"Press Ctrl+C to copy the marked text")})},t)}say(t){this.said.textContent=t,clearTimeout(this.timer),this.timer=setTimeout(()=>this.update(),4e3)}update(){let{state:t}=this;this.said.textContent=t.query?`${f(t.order.length)} of ${f(t.rows)} rows`:"",this.columnsButton&&(this.columnsButton.textContent=`Columns ${t.visible.size} of ${t.columns.length}`)}};function bt({model:r,el:t}){let e=I(t,r.get("uid"));try{return xt(r,e)}catch(i){k(e,i);return}}function xt(r,t){let e=performance.now(),i=JSON.parse(r.get("data")),s=new N(i.table),o=r.get("baseline");o!==s.baseline&&o>=0&&o<s.rows&&s.pin(o);let d=(p,Z)=>{r.set(p,Z),r.save_changes()},a=p=>x(t,p),l=new S(t,s,{onSelect:p=>d("selected",p),onPin:p=>d("baseline",p)}),m=new z(s,{guard:a,onChange:()=>l.draw()});l.setSelected(r.get("selected")),i.table.title&&m.bar.prepend(n("div",{class:"dm-title"},i.table.title));let h=n("div",{class:"dm-body"},m.bar,m.panel,l.scroll);t.append(...[D(i.head),h,vt(i.table)].filter(Boolean),...i.table.notes.map(p=>n("div",{class:"dm-note"},p)),O(i.notes));let c=a(()=>l.setSelected(r.get("selected"))),y=a(()=>{r.get("baseline")!==s.baseline&&(s.pin(r.get("baseline")),l.draw())});return r.on("change:selected",c),r.on("change:baseline",y),t.dataset.drawMs=(performance.now()-e).toFixed(1),()=>{r.off("change:selected",c),r.off("change:baseline",y),l.dispose()}}function vt({rowsLeft:r,columnsLeft:t}){let i=[r&&`${f(r)} more rows`,t&&`${f(t)} more columns`].filter(Boolean).join(" and ");return i?n("div",{class:"dm-note"},`and ${i}; to_dataframe() has all`):""}var re={render:bt};export{re as default};
