function i(r,t={},...e){let d=document.createElement(r);return b(d,t),d.append(...e.filter(n=>n!=null&&n!=="")),d}var A="http://www.w3.org/2000/svg";function l(r,t={},...e){let d=document.createElementNS(A,r);return b(d,t),d.append(...e),d}function b(r,t){for(let[e,d]of Object.entries(t))d==null||d===!1||(e.startsWith("on")?r.addEventListener(e.slice(2),d):e==="style"?Object.assign(r.style,d):r.setAttribute(e,d===!0?"":String(d)))}function v(r,t){if(Number.isNaN(r))return"NaN";if(!Number.isFinite(r))return r>0?"∞":"−∞";let e=r<0?"−":"";if(Math.abs(r)>=1e21)return e+Math.abs(r).toExponential(1).replace("e+","e");let d=Math.abs(r).toFixed(t);if(r!==0&&Number(d)===0){let o=(10**-t).toFixed(t);return r<0?`>−${o}`:`<${o}`}let n=t?d.length-t-1:d.length;for(let o=n-3;o>0;o-=3)d=`${d.slice(0,o)},${d.slice(o)}`;return e+d}function y(r,t,e=7){let d=t-r;if(!(d>0))return[];let n=d/e,o=10**Math.floor(Math.log10(n)),s=[1,2,5,10].map(a=>a*o).find(a=>a>=n*(1-1e-12)),p=Math.max(0,-Math.floor(Math.log10(s)+1e-9)),m=[];for(let a=Math.ceil(r/s-1e-9);a<=Math.floor(t/s+1e-9);a+=1)m.push({value:a*s,text:v(a*s,p)});return m}var k=`/* How a result looks, static or alive. Colours come from the front end's theme; where there is none, from the text's
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
`;var M=`/* What only the widgets have: controls, the grid, the histogram. */
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
`;function $(r,t){let e=i("div",{class:"dm dm-widget","data-testid":"dm-widget","data-lm-suppress-shortcuts":"true","data-p-suppress-shortcuts":"true"});return e.append(i("style",{},k+M+N(t))),r.append(e),e}function N(r){if(!/^[A-Za-z0-9]+$/.test(r??""))return"";let t=`.jp-OutputArea-child:has(> .jp-OutputArea-output > .dm-static-${r})`;return`.dm-static-${r}{display:none}
${t}{display:none}`}function z(r,t){return(...e)=>{try{let d=t(...e);return d instanceof Promise?d.catch(n=>u(r,n)):d}catch(d){u(r,d);return}}}function u(r,t){let e=`${t?.name??"Error"}: ${t?.message??t}`,d=r.querySelector(":scope > .dm-js-error");d||(d=i("div",{class:"dm-js-error",role:"alert","data-testid":"dm-js-error"}),r.append(d)),d.replaceChildren(i("b",{},"This view failed. "),e,i("details",{},i("summary",{},"where"),i("pre",{},String(t?.stack??""))))}function q(r){if(!r)return"";let t=[];if(r.headline&&t.push(i("div",{class:"dm-headline","data-testid":"dm-headline"},r.headline)),r.interrupted&&t.push(i("div",{class:"dm-banner","data-testid":"dm-interrupted"},i("b",{},"Interrupted.")," What was measured until then is kept.")),r.facts?.length){let e=i("div",{class:"dm-facts"});r.facts.forEach(([d,n],o)=>{o&&e.append(i("i",{}," · ")),e.append(`${d} `,i("b",{},n))}),t.push(e)}return i("div",{class:"dm-head"},...t)}function j(r){return r?.length?i("div",{class:"dm-notes","data-testid":"dm-notes"},...r.map(([t,e])=>t==="warning"?i("div",{class:"dm-note dm-warning"},i("b",{},"Note:"),` ${e}`):i("div",{class:"dm-note"},e))):""}var f=760,g=110,c=16,C=22;function F({model:r,el:t}){let e=$(t,r.get("uid"));try{I(r,e)}catch(d){u(e,d)}}function I(r,t){let{depth:e,head:d,notes:n}=JSON.parse(r.get("data")),o=new x(t,e),s=e.legend.map(([m,a,h])=>i("span",{},i("span",{class:"dm-swatch",style:{backgroundColor:a}}),i("bdi",{},m),i("span",{class:"dm-quiet"},` ${h}`))),p=[q(d),i("div",{class:"dm-title"},e.title),i("div",{class:"dm-legend"},...s)];p.push(i("div",{class:"dm-figure"},o.svg,o.tip),o.layer,j(n)),t.append(...p.filter(Boolean)),o.select(e.first??0)}var x=class{constructor(t,e){this.data=e,this.chosen=0;let d=o=>z(t,o);this.mark=l("rect",{class:"dm-cursor",y:e.top,height:e.plot,width:0}),this.hint=l("rect",{class:"dm-cursor",y:e.top,height:e.plot,width:0});let n=l("image",{href:e.src,width:e.width,height:e.height});this.svg=l("svg",{class:"dm-plot dm-depth",viewBox:`0 0 ${e.width} ${e.height}`,width:e.width,height:e.height,role:"img",tabindex:0,"aria-label":`${e.alt}. Left and right arrow keys choose a layer.`,"data-testid":"dm-depth"},this.mark,this.hint,n),this.tip=i("div",{class:"dm-tip",hidden:!0,role:"status","data-testid":"dm-depth-tip"}),this.layer=i("div",{class:"dm-depth-layer","data-testid":"dm-depth-layer","aria-live":"polite"}),this.svg.addEventListener("pointermove",d(o=>this.hover(this.at(o)))),this.svg.addEventListener("pointerleave",d(()=>this.hover(null))),this.svg.addEventListener("click",d(o=>this.select(this.at(o)))),this.svg.addEventListener("keydown",d(o=>this.onKey(o)))}at(t){let e=this.svg.getBoundingClientRect(),d=(t.clientX-e.left)/e.width*this.data.width,n=Math.round((d-this.data.spots[0].x)/this.data.step);return n<0||n>=this.data.spots.length?null:n}onKey(t){let e=this.data.spots.length-1,d={ArrowLeft:this.chosen-1,ArrowRight:this.chosen+1,Home:0,End:e}[t.key];d!==void 0&&(this.select(Math.max(0,Math.min(e,d))),t.preventDefault(),t.stopPropagation())}put(t,e){let d=Math.max(3,this.data.step);t.setAttribute("width",e===null?0:d),e!==null&&t.setAttribute("x",this.data.spots[e].x-d/2)}hover(t){if(this.put(this.hint,t),this.tip.hidden=t===null,t===null)return;let e=this.data.spots[t],d=this.data.series.map((s,p)=>i("tr",{},i("td",{},s),i("td",{class:"dm-num"},e.said[p])));this.tip.replaceChildren(i("div",{class:"dm-tip-head"},i("bdi",{},e.name)),i("table",{},...d));let n=e.x*this.svg.getBoundingClientRect().width/this.data.width,o=e.x>this.data.width/2?Math.max(0,n-12-this.tip.offsetWidth):n+12;Object.assign(this.tip.style,{top:"34px",left:`${o}px`})}select(t){if(t===null)return;this.chosen=t,this.put(this.mark,t);let{spots:e,series:d,sides:n}=this.data,o=e[t],s=d.flatMap((a,h)=>[h?i("i",{}," · "):"",`${a} `,i("b",{},o.said[h])]),m=[i("div",{class:"dm-depth-name"},i("span",{class:"dm-swatch",style:{backgroundColor:o.hue}}),i("b",{},i("bdi",{},o.name)),i("span",{class:"dm-quiet"},` ${o.part}, layer ${t+1} of ${e.length}`)),i("div",{class:"dm-facts"},...s)];if(o.counts.length){let a=[i("span",{},i("span",{class:"dm-swatch dm-depth-fill"}),i("bdi",{},n[0]),i("span",{class:"dm-quiet"}," filled")),i("span",{},i("span",{class:"dm-swatch dm-depth-outline"}),i("bdi",{},n[1]),i("span",{class:"dm-quiet"}," outlined"))];m.push(i("div",{class:"dm-legend"},...a),this.histogram(o))}else m.push(i("div",{class:"dm-note"},"Its values cannot be laid side by side."));this.layer.replaceChildren(...m)}histogram(t){let e=f-2*c,d=t.counts.map(a=>a.reduce((h,w)=>h+w,0)||1),n=Math.max(1e-12,...t.counts.flatMap((a,h)=>a.map(w=>w/d[h]))),o=t.counts[0].length,s=a=>c+e*(a-t.low)/(t.high-t.low),p=a=>{let h=t.counts[a].map((w,E)=>`V${(g-(g-6)*(w/d[a]/n)).toFixed(1)}H${(c+e*(E+1)/o).toFixed(1)}`);return`M${c} ${g}${h.join("")}V${g}`},m=y(t.low,t.high,8).filter(a=>a.value>=t.low&&a.value<=t.high);return l("svg",{class:"dm-plot",viewBox:`0 0 ${f} ${g+C}`,width:f,height:g+C,role:"img","aria-label":`Distributions of the values of ${t.name}, from ${m[0]?.text} to ${m.at(-1)?.text}`,"data-testid":"dm-depth-histogram"},l("path",{class:"dm-depth-reference",d:p(0)}),l("path",{class:"dm-depth-other",d:p(1)}),l("path",{class:"dm-axis",d:`M${c} ${g}H${c+e}`}),...m.flatMap(a=>[l("path",{class:"dm-axis",d:`M${s(a.value).toFixed(1)} ${g}v4`}),l("text",{x:s(a.value),y:g+17,"text-anchor":"middle"},a.text)]))}},J={render:F};export{J as default};
