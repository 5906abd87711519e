function n(s,t={},...e){let i=document.createElement(s);return q(i,t),i.append(...e.filter(r=>r!=null&&r!=="")),i}var H="http://www.w3.org/2000/svg";function h(s,t={},...e){let i=document.createElementNS(H,s);return q(i,t),i.append(...e),i}function q(s,t){for(let[e,i]of Object.entries(t))i==null||i===!1||(e.startsWith("on")?s.addEventListener(e.slice(2),i):e==="style"?Object.assign(s.style,i):s.setAttribute(e,i===!0?"":String(i)))}function S(s,t){if(s.length<=t)return s;let e=Math.ceil((t-1)/2);return`${s.slice(0,e)}…${s.slice(s.length-(t-1-e))}`}var E=`/* How a result looks, static or alive. Colours come from the front end's theme; where there is none, from the text's
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
`;var C=`/* What only the widgets have: controls, the grid, the histogram. */
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
`;function L(s,t){let e=n("div",{class:"dm dm-widget","data-testid":"dm-widget","data-lm-suppress-shortcuts":"true","data-p-suppress-shortcuts":"true"});return e.append(n("style",{},E+C+B(t))),s.append(e),e}function B(s){if(!/^[A-Za-z0-9]+$/.test(s??""))return"";let t=`.jp-OutputArea-child:has(> .jp-OutputArea-output > .dm-static-${s})`;return`.dm-static-${s}{display:none}
${t}{display:none}`}function A(s,t){return(...e)=>{try{let i=t(...e);return i instanceof Promise?i.catch(r=>y(s,r)):i}catch(i){y(s,i);return}}}function y(s,t){let e=`${t?.name??"Error"}: ${t?.message??t}`,i=s.querySelector(":scope > .dm-js-error");i||(i=n("div",{class:"dm-js-error",role:"alert","data-testid":"dm-js-error"}),s.append(i)),i.replaceChildren(n("b",{},"This view failed. "),e,n("details",{},n("summary",{},"where"),n("pre",{},String(t?.stack??""))))}function F(s){if(!s)return"";let t=[];if(s.headline&&t.push(n("div",{class:"dm-headline","data-testid":"dm-headline"},s.headline)),s.interrupted&&t.push(n("div",{class:"dm-banner","data-testid":"dm-interrupted"},n("b",{},"Interrupted.")," What was measured until then is kept.")),s.facts?.length){let e=n("div",{class:"dm-facts"});s.facts.forEach(([i,r],d)=>{d&&e.append(n("i",{}," · ")),e.append(`${i} `,n("b",{},r))}),t.push(e)}return n("div",{class:"dm-head"},...t)}function T(s){return s?.length?n("div",{class:"dm-notes","data-testid":"dm-notes"},...s.map(([t,e])=>t==="warning"?n("div",{class:"dm-note dm-warning"},n("b",{},"Note:"),` ${e}`):n("div",{class:"dm-note"},e))):""}function u(s,t){if(Number.isNaN(s))return"NaN";if(!Number.isFinite(s))return s>0?"∞":"−∞";let e=s<0?"−":"";if(Math.abs(s)>=1e21)return e+Math.abs(s).toExponential(1).replace("e+","e");let i=Math.abs(s).toFixed(t);if(s!==0&&Number(i)===0){let d=(10**-t).toFixed(t);return s<0?`>−${d}`:`<${d}`}let r=t?i.length-t-1:i.length;for(let d=r-3;d>0;d-=3)i=`${i.slice(0,d)},${i.slice(d)}`;return e+i}function f(s){return u(s,0)}function b(s,t,e=7){let i=t-s;if(!(i>0))return[];let r=i/e,d=10**Math.floor(Math.log10(r)),o=[1,2,5,10].map(m=>m*d).find(m=>m>=r*(1-1e-12)),a=Math.max(0,-Math.floor(Math.log10(o)+1e-9)),l=[];for(let m=Math.ceil(s/o-1e-9);m<=Math.floor(t/o+1e-9);m+=1)l.push({value:m*o,text:u(m*o,a)});return l}function N(s,t,e=9){let i=Math.log10(t/s);if(i<.7)return b(s,t);let r=i<1.3?[1,1.5,2,3,5,7]:i*3<=e+2?[1,2,5]:[1],d=Math.max(1,Math.ceil(i/e)),o=[];for(let a=Math.floor(Math.log10(s));a<=Math.ceil(Math.log10(t));a+=1)if(a%d===0)for(let l of r){let m=l*10**a;m>=s&&m<=t&&o.push({value:m,text:u(m,Math.max(0,-a+(l===1.5?1:0)))})}return o}function P(s,t=6,e=4){let i=s.map(()=>null),r=Array(e).fill(1/0),d=s.map((o,a)=>a).sort((o,a)=>s[a][0]-s[o][0]);for(let o of d){let[a,l]=s[o];for(let m=0;m<e;m+=1)if(a+l+t<=Math.min(...r.slice(m))){i[o]=m,r[m]=a;break}}return i}function R(s,t,e=["p95","p99"]){let i=new Set(s.map((r,d)=>d));for(let r=0;;r+=1){let d=[...i],o=P(d.map(a=>t(s[a])));if(!o.includes(null)||r>=e.length){let a=s.map(()=>null);return d.forEach((l,m)=>a[l]=o[m]),a}i=new Set(d.filter(a=>s[a].label!==e[r]))}}var g={left:10,right:58},I=16,z=170,V={p50:null,p95:"5 3",p99:"1.5 3"},W=6.7,k=class{constructor(t){this.data=t,this.svg=h("svg",{class:"dm-plot",role:"img",tabindex:0,"data-testid":"dm-histogram"}),this.log=t.preferLog}binned(){return this.log?this.data.log:this.data.linear}x(t){let{low:e,high:i}=this.binned(),r=this.log?Math.log(t/e)/Math.log(i/e):(t-e)/(i-e);return g.left+this.inner*Math.max(0,Math.min(1,r))}edge(t){let{low:e,high:i,counts:r}=this.binned(),d=t/r[0].length;return this.log?e*(i/e)**d:e+(i-e)*d}bins(){return this.binned().counts[0].length}binAt(t){let e=(t-g.left)/this.inner;return e<0||e>1?null:Math.min(this.bins()-1,Math.floor(e*this.bins()))}draw(t,e){this.width=t,this.inner=t-g.left-g.right;let i=this.marks(e),r=R(i,d=>[this.x(d.value),W*d.text.length]);this.lanes=Math.max(this.lanes??1,1+Math.max(-1,...r.filter(d=>d!==null))),this.top=I*this.lanes+6,this.base=this.top+z,this.height=this.base+38,this.svg.setAttribute("viewBox",`0 0 ${t} ${this.height}`),this.svg.setAttribute("width",t),this.svg.setAttribute("height",this.height),this.svg.setAttribute("aria-label",this.describe(e)),this.cursor=h("rect",{class:"dm-cursor",y:this.top,height:z,width:0}),this.svg.replaceChildren(this.cursor,...e.map(d=>this.shape(d,this.tallest(e))),...i.flatMap((d,o)=>this.line(d,r[o])),...this.axis(e))}share(t){return this.binned().counts[t].map(e=>e/this.data.totals[t])}tallest(t){return Math.max(1e-12,...t.flatMap(e=>this.share(e)))}shape(t,e){let i=this.share(t).map((o,a)=>`V${(this.base-z*(o/e)).toFixed(1)}H${this.x(this.edge(a+1)).toFixed(1)}`),r=`M${this.x(this.edge(0)).toFixed(1)} ${this.base}${i.join("")}V${this.base}`,d=this.data.hues[t];return h("path",{class:"dm-shape",d:r,fill:d,stroke:d,"data-candidate":t})}marks(t){let{low:e,high:i}=this.binned(),r=[];for(let d of t){let o=this.data.percentiles[d],a=t.length<=2?o:t.length<=4?[o[0],o.at(-1)]:o.slice(0,1);for(let[l,m]of new Set(a.filter(Boolean))){if(m<e||m>i)continue;let c=l==="p50"&&this.data.names.length>1?`${S(this.data.names[d],18)} `:"";r.push({index:d,label:l,value:m,text:`${c}${l} ${u(m,this.data.places)}`})}}return r}line(t,e){let i=this.x(t.value).toFixed(1),r=e===null?this.top:this.top-I*(e+1),d=this.data.hues[t.index],o={class:"dm-percentile","stroke-dasharray":V[t.label],"data-candidate":t.index},a=h("path",{d:`M${i} ${r}V${this.base}`,stroke:d,...o});if(e===null)return[a];let l=h("text",{x:Number(i)+4,y:r+11,class:"dm-mark-text","data-candidate":t.index},t.text);return[a,l]}axis(t){let{low:e,high:i,below:r,above:d}=this.binned(),o=g.left+this.inner,a=[h("path",{class:"dm-axis",d:`M${g.left} ${this.base}H${o}`})],l=Math.max(3,Math.round(this.inner/110));for(let w of this.log?N(e,i,l):b(e,i,l)){let p=this.x(w.value);a.push(h("path",{class:"dm-axis",d:`M${p.toFixed(1)} ${this.base}v4`})),a.push(h("text",{x:p,y:this.base+17,"text-anchor":"middle"},w.text))}a.push(h("text",{x:o+8,y:this.base+17},this.data.unit));let m=t.reduce((w,p)=>w+d[p],0),c=t.reduce((w,p)=>w+r[p],0);if(m){let w=Math.max(...t.map(v=>this.data.greatest[v])),p=`${f(m)} beyond, up to ${u(w,this.data.places)} →`;a.push(h("text",{x:o,y:this.base+33,"text-anchor":"end","data-testid":"dm-beyond"},p))}return c&&a.push(h("text",{x:g.left,y:this.base+33},`← ${f(c)} below`)),a}point(t){if(t===null){this.cursor.setAttribute("width",0);return}let e=this.x(this.edge(t));this.cursor.setAttribute("x",e),this.cursor.setAttribute("width",Math.max(1,this.x(this.edge(t+1))-e))}describe(t){return`Histogram. ${t.map(i=>{let r=this.data.percentiles[i].map(([d,o])=>`${d} ${u(o,this.data.places)}`);return`${this.data.names[i]}: ${f(this.data.totals[i])} samples, ${r.join(", ")} ${this.data.unit}`}).join("; ")}. Left and right arrow keys read the bins.`}};var x=10,$=110,M=class{constructor(t){this.data=t,this.strip=t.strip,this.svg=h("svg",{class:"dm-strip",role:"img","data-testid":"dm-strip"}),this.tracks=t.strip.tracks.map(([e,i,r,d])=>{let o=0;return{times:e.map(a=>o+=a),low:i,middle:r,high:d}})}x(t){return g.left+this.inner*t/this.strip.steps}y(t){return x+$*(1-Math.min(t,this.strip.steps)/this.strip.steps)}value(t){return this.strip.low+(this.strip.high-this.strip.low)*t/this.strip.steps}draw(t,e){this.width=t,this.inner=t-g.left-g.right;let i=x+$+24;this.svg.setAttribute("viewBox",`0 0 ${t} ${i}`),this.svg.setAttribute("width",t),this.svg.setAttribute("height",i),this.svg.setAttribute("aria-label",`The same samples in the order taken, over ${this.seconds().toPrecision(2)} s`),this.cursor=h("path",{class:"dm-strip-cursor",d:""}),this.svg.replaceChildren(...this.frame(),...e.flatMap(r=>this.track(r)),this.cursor)}seconds(){return this.strip.end-this.strip.start}frame(){let{low:t,high:e,steps:i}=this.strip,r=g.left+this.inner,d=[];for(let a of b(t,e,4)){let l=this.y((a.value-t)/(e-t)*i).toFixed(1);d.push(h("path",{class:"dm-grid-line",d:`M${g.left} ${l}H${r}`})),d.push(h("text",{x:r+8,y:Number(l)+4},a.text))}let o=x+$;d.push(h("path",{class:"dm-axis",d:`M${g.left} ${o}H${r}`}));for(let a of b(0,this.seconds(),Math.max(3,Math.round(this.inner/110)))){let l=this.x(a.value/this.seconds()*i);d.push(h("path",{class:"dm-axis",d:`M${l.toFixed(1)} ${o}v4`})),d.push(h("text",{x:l,y:o+17,"text-anchor":"middle"},a.text))}return d.push(h("text",{x:r+8,y:o+17},"s")),d}track(t){let{times:e,low:i,middle:r,high:d}=this.tracks[t],o=this.data.hues[t],a=[],l=[],m=[];e.forEach((w,p)=>{let v=this.x(w).toFixed(1);d[p]>i[p]&&a.push(`M${v} ${this.y(i[p]).toFixed(1)}V${this.y(d[p]).toFixed(1)}`),r[p]<=this.strip.steps&&l.push(`M${v} ${this.y(r[p]).toFixed(1)}h0`),d[p]>this.strip.steps&&m.push(`M${v} ${x-8}l3 6h-6z`)});let c={"data-candidate":t};return[h("path",{class:"dm-span",d:a.join(""),stroke:o,...c}),h("path",{class:"dm-dots",d:l.join(""),stroke:o,...c}),h("path",{class:"dm-over",d:m.join(""),fill:o,...c})]}at(t,e){let i=(t-g.left)/this.inner*this.strip.steps;if(i<0||i>this.strip.steps)return null;let r=[];for(let d of e){let{times:o,low:a,middle:l,high:m}=this.tracks[d],c=-1;o.forEach((w,p)=>{(c<0||Math.abs(w-i)<Math.abs(o[c]-i))&&(c=p)}),c>=0&&Math.abs(o[c]-i)<=20&&r.push([d,a[c],l[c],m[c]])}return{time:i/this.strip.steps*this.seconds(),rows:r}}say(t){let{places:e}=this.data;return t>this.strip.steps?`over ${u(this.strip.high,e)}`:u(this.value(t),e)}point(t){this.cursor.setAttribute("d",t===null?"":`M${t.toFixed(1)} ${x}V${x+$}`)}};var D=980,X=360;function G({model:s,el:t}){let e=L(t,s.get("uid"));try{return K(s,e)}catch(i){y(e,i);return}}function K(s,t){let{distribution:e,head:i,notes:r}=JSON.parse(s.get("data")),d=new j(t,e),o=n("div",{class:"dm-title"},e.unit?`Distribution (${e.unit})`:"Distribution");t.append(...[F(i),n("div",{class:"dm-toolbar dm-wide"},o,d.legend,d.scale())].filter(Boolean),n("div",{class:"dm-figure"},d.plot.svg,d.tip),n("div",{class:"dm-caption dm-quiet"},"In the order measured: median, least and greatest of each moment"),n("div",{class:"dm-figure"},d.strip.svg,d.stripTip),...J(e),...[T(r)].filter(Boolean)),d.draw(D);let a=new ResizeObserver(A(t,([l])=>{let m=Math.round(Math.max(X,Math.min(D,l.contentRect.width)));l.contentRect.width&&m!==d.width&&d.draw(m)}));return a.observe(t),()=>a.disconnect()}function J(s){let t=s.notFinite.reduce((e,i)=>e+i,0);return t?[n("div",{class:"dm-note"},`${f(t)} samples are not finite numbers and are not drawn.`)]:[]}var j=class{constructor(t,e){this.root=t,this.data=e,this.plot=new k(e),this.strip=new M(e),this.off=new Set,this.bin=null,this.guard=i=>A(t,i),this.tip=n("div",{class:"dm-tip",hidden:!0,role:"status","data-testid":"dm-tooltip"}),this.stripTip=n("div",{class:"dm-tip",hidden:!0,"data-testid":"dm-strip-tooltip"}),this.legend=n("div",{class:"dm-legend",role:"group","aria-label":"Candidates"},...e.names.map((i,r)=>this.entry(r))),this.plot.svg.addEventListener("pointermove",this.guard(i=>this.hover(i))),this.plot.svg.addEventListener("pointerleave",this.guard(()=>this.read(null))),this.plot.svg.addEventListener("blur",this.guard(()=>this.read(null))),this.plot.svg.addEventListener("keydown",this.guard(i=>this.onKey(i))),this.strip.svg.addEventListener("pointermove",this.guard(i=>this.hoverStrip(i))),this.strip.svg.addEventListener("pointerleave",this.guard(()=>this.readStrip(null)))}shown(){return this.data.names.map((t,e)=>e).filter(t=>!this.off.has(t))}draw(t=this.width){this.width=t,this.plot.draw(t,this.shown()),this.strip.draw(t,this.shown()),this.read(null)}entry(t){let{names:e,totals:i,hues:r}=this.data,d=n("button",{type:"button",class:"dm-entry","aria-pressed":"true",title:"Show or hide","data-testid":`dm-legend-${t}`,onclick:this.guard(()=>{this.off.has(t)?this.off.delete(t):this.shown().length>1&&this.off.add(t),d.setAttribute("aria-pressed",String(!this.off.has(t))),this.draw()}),onpointerenter:()=>this.emphasise(t),onpointerleave:()=>this.emphasise(null)},n("span",{class:"dm-swatch",style:{backgroundColor:r[t]}}),n("bdi",{},e[t]),n("span",{class:"dm-unit"},` ${f(i[t])} samples`));return d}emphasise(t){for(let e of this.root.querySelectorAll("[data-candidate]"))e.classList.toggle("dm-faint",t!==null&&!this.off.has(t)&&e.dataset.candidate!==String(t))}scale(){let t=(i,r)=>{let d=n("button",{type:"button",class:"dm-button","data-testid":`dm-scale-${i.toLowerCase()}`},i);return d.setAttribute("aria-pressed",String(this.plot.log===r)),d.disabled=r&&!this.data.log,d.disabled&&(d.title="A logarithmic axis needs values above zero that differ"),d.addEventListener("click",this.guard(()=>{this.plot.log=r;for(let[o,a]of e)o.setAttribute("aria-pressed",String(a===r));this.draw()})),[d,r]},e=[t("Linear",!1),t("Log",!0)];return n("div",{class:"dm-switch",role:"group","aria-label":"Axis"},...e.map(([i])=>i))}place(t,e){let i=t.getBoundingClientRect();return(e.clientX-i.left)/i.width*this.width}hover(t){this.read(this.plot.binAt(this.place(this.plot.svg,t)))}onKey(t){let e={ArrowLeft:-1,ArrowRight:1}[t.key];if(t.key==="Escape")this.read(null);else if(e)this.read(Math.max(0,Math.min(this.plot.bins()-1,(this.bin??(e>0?-1:this.plot.bins()))+e)));else return;t.preventDefault(),t.stopPropagation()}read(t){if(this.bin=t,this.plot.point(t),this.tip.hidden=t===null,t===null)return;let{data:e,plot:i}=this,[r,d]=[i.edge(t),i.edge(t+1)],o=e.places+1,a=this.shown().map(l=>{let m=i.binned().counts[l][t];return this.tipRow(l,f(m),`${(100*m/e.totals[l]).toFixed(1)} %`)});this.tip.replaceChildren(n("div",{class:"dm-tip-head"},`${u(r,o)} – ${u(d,o)} ${e.unit}`),n("table",{},...a)),this.put(this.tip,(i.x(r)+i.x(d))/2,i.top)}hoverStrip(t){this.readStrip(this.place(this.strip.svg,t))}readStrip(t){let e=t===null?null:this.strip.at(t,this.shown());if(this.strip.point(e&&e.rows.length?t:null),this.stripTip.hidden=!e?.rows.length,this.stripTip.hidden)return;let i=e.rows.map(([r,d,o,a])=>{let l=a>d?`${this.strip.say(d)} – ${this.strip.say(a)}`:"";return this.tipRow(r,this.strip.say(o),l)});this.stripTip.replaceChildren(n("div",{class:"dm-tip-head"},`at ${e.time.toFixed(2)} s (${this.data.unit})`),n("table",{},...i)),this.put(this.stripTip,t,4)}tipRow(t,e,i){let{hues:r,names:d}=this.data;return n("tr",{},n("td",{},n("span",{class:"dm-swatch",style:{backgroundColor:r[t]}}),n("bdi",{},d[t])),n("td",{class:"dm-num"},e),n("td",{class:"dm-num dm-quiet"},i))}put(t,e,i){let r=e>this.width/2;Object.assign(t.style,{top:`${i}px`,left:r?"auto":`${e+14}px`,right:r?`calc(100% - ${e-14}px)`:"auto"})}},vt={render:G};export{vt as default};
