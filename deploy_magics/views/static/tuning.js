function r(e,t={},...i){let d=document.createElement(e);return T(d,t),d.append(...i.filter(o=>o!=null&&o!=="")),d}var U="http://www.w3.org/2000/svg";function u(e,t={},...i){let d=document.createElementNS(U,e);return T(d,t),d.append(...i),d}function T(e,t){for(let[i,d]of Object.entries(t))d==null||d===!1||(i.startsWith("on")?e.addEventListener(i.slice(2),d):i==="style"?Object.assign(e.style,d):e.setAttribute(i,d===!0?"":String(d)))}var F=`/* How a result looks, static or alive. Colours come from the front end's theme; where there is none, from the text's
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
`;var O=`/* What only the widgets have: controls, the grid, the histogram. */
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
`;function I(e,t){let i=r("div",{class:"dm dm-widget","data-testid":"dm-widget","data-lm-suppress-shortcuts":"true","data-p-suppress-shortcuts":"true"});return i.append(r("style",{},F+O+J(t))),e.append(i),i}function J(e){if(!/^[A-Za-z0-9]+$/.test(e??""))return"";let t=`.jp-OutputArea-child:has(> .jp-OutputArea-output > .dm-static-${e})`;return`.dm-static-${e}{display:none}
${t}{display:none}`}function $(e,t){return(...i)=>{try{let d=t(...i);return d instanceof Promise?d.catch(o=>M(e,o)):d}catch(d){M(e,d);return}}}function M(e,t){let i=`${t?.name??"Error"}: ${t?.message??t}`,d=e.querySelector(":scope > .dm-js-error");d||(d=r("div",{class:"dm-js-error",role:"alert","data-testid":"dm-js-error"}),e.append(d)),d.replaceChildren(r("b",{},"This view failed. "),i,r("details",{},r("summary",{},"where"),r("pre",{},String(t?.stack??""))))}function Y(e=document){let t=e.getElementById("jupyter-config-data");if(t){let d=JSON.parse(t.textContent||"{}");if(d.baseUrl)return{base:d.baseUrl,token:d.token||""}}let i=e.body?.dataset.baseUrl;return i?{base:i,token:e.body.dataset.jupyterApiToken||""}:null}function B(e){let t=document.cookie.split("; ").find(i=>i.startsWith(`${e}=`));return t?decodeURIComponent(t.slice(e.length+1)):""}async function L(e){let t=Y();if(!t||!/^[\w-]+$/.test(e))return!1;let i=new URL(`${t.base.replace(/\/*$/,"/")}api/kernels/${e}/interrupt`,window.location.href);if(i.origin!==window.location.origin)return!1;let d={"Content-Type":"application/json"},o=B("_xsrf");o&&(d["X-XSRFToken"]=o),t.token&&(d.Authorization=`token ${t.token}`);let m=await fetch(i,{method:"POST",headers:d,credentials:"same-origin",cache:"no-store"});if(!m.ok)throw new Error(`it answered ${m.status}`);return!0}var V=1500;function R(e,t){let i=r("span",{class:"dm-progress-title"}),d=r("div"),o=r("div",{class:"dm-progress-bar",role:"progressbar","aria-valuemin":0,"aria-valuemax":100},d),m=r("span",{class:"dm-progress-share"}),l=r("span",{class:"dm-progress-detail"}),n=r("span",{class:"dm-progress-detail","data-testid":"dm-elapsed"}),a=r("span",{class:"dm-progress-refused",role:"alert","data-testid":"dm-refused"}),s=r("button",{type:"button",class:"dm-button dm-stop","data-testid":"dm-stop"},"Stop");t.append(r("div",{class:"dm-progress","data-testid":"dm-progress"},i,o,m,n,s,l,a));let p=$(t,()=>{let c=e.get("fraction");i.textContent=e.get("title"),o.setAttribute("aria-label",e.get("title")),l.textContent=e.get("detail");let b=c<0?"":`${Math.floor(100*Math.min(1,c))}`;d.style.width=`${b||0}%`,m.textContent=b&&`${b} %`,b?o.setAttribute("aria-valuenow",b):o.removeAttribute("aria-valuenow")}),h=()=>{let c=Date.now()-1e3*e.get("elapsed"),b=Math.min(c,e.get("_began")??c);return e.set("_began",b),b},g=()=>{let c=Math.max(0,Math.floor((Date.now()-h())/1e3));n.textContent=`${Math.floor(c/60)}:${String(c%60).padStart(2,"0")}`},w;s.addEventListener("click",$(t,async()=>{s.disabled=!0,s.textContent="Stopping…",a.textContent="";let c=await Z(e);c!==null&&(w=setTimeout(()=>{s.disabled=!1,s.textContent="Stop",a.textContent=`${c}; use the toolbar's square`},V))}));for(let c of["title","fraction","detail"])e.on(`change:${c}`,p);let x=setInterval(g,1e3);return p(),g(),()=>{clearInterval(x),clearTimeout(w);for(let c of["title","fraction","detail"])e.off(`change:${c}`,p)}}async function Z(e){let t=null;try{if(await L(e.get("kernel")))return null}catch(i){t=`the server refused (${i.message})`}return e.send({stop:!0}),t}function D(e,t){let i=0;for(let d of t)Number.isFinite(d)&&Math.abs(d)>i&&(i=Math.abs(d));return i===0?0:Math.min(9,Math.max(0,e-1-Math.floor(Math.log10(i))))}function k(e,t){if(Number.isNaN(e))return"NaN";if(!Number.isFinite(e))return e>0?"∞":"−∞";let i=e<0?"−":"";if(Math.abs(e)>=1e21)return i+Math.abs(e).toExponential(1).replace("e+","e");let d=Math.abs(e).toFixed(t);if(e!==0&&Number(d)===0){let m=(10**-t).toFixed(t);return e<0?`>−${m}`:`<${m}`}let o=t?d.length-t-1:d.length;for(let m=o-3;m>0;m-=3)d=`${d.slice(0,m)},${d.slice(m)}`;return i+d}function q(e,t,i=7){let d=t-e;if(!(d>0))return[];let o=d/i,m=10**Math.floor(Math.log10(o)),l=[1,2,5,10].map(s=>s*m).find(s=>s>=o*(1-1e-12)),n=Math.max(0,-Math.floor(Math.log10(l)+1e-9)),a=[];for(let s=Math.ceil(e/l-1e-9);s<=Math.floor(t/l+1e-9);s+=1)a.push({value:s*l,text:k(s*l,n)});return a}var v={left:40,right:66,top:8,foot:36},H=230,K=1.08,Q=15,tt=[10,30,60,120,300,600,1200,1800,3600],C=class{constructor(t,i,d){Object.assign(this,{unitX:t,unitY:i,hue:d}),this.svg=u("svg",{class:"dm-steps",role:"img","data-testid":"dm-steps"})}draw(t,i,d,o,m){let l=t-v.right,n=v.top+H,a=n+v.foot,s=i.map(([,f])=>f),p=Math.min(0,...s),h=Math.max(0,...s)*K,g=h>p?h:p+1,w=i.length?i[0][0]:0,x=Math.max(d,i.length?i.at(-1)[0]:0),c=w+(o?x-w||1:et(x-w)),b=f=>v.left+(l-v.left)*(f-w)/(c-w),E=f=>n-H*(f-p)/(g-p);this.svg.setAttribute("viewBox",`0 0 ${t} ${a}`),this.svg.setAttribute("width",t),this.svg.setAttribute("height",a);let y=[];for(let f of i.length?q(p,g,5):[]){let N=E(f.value);f.value>p&&y.push(u("path",{class:"dm-grid-line",d:`M${v.left} ${N.toFixed(1)}H${l}`})),y.push(u("text",{x:v.left-7,y:N+4,"text-anchor":"end"},f.text))}y.push(u("path",{class:"dm-axis",d:`M${v.left} ${n}H${l}`}));for(let f of q(w,c,Math.max(3,Math.round((l-v.left)/80))))y.push(u("path",{class:"dm-axis",d:`M${b(f.value).toFixed(1)} ${n}v4`})),y.push(u("text",{x:b(f.value),y:n+17,"text-anchor":"middle"},f.text));y.push(u("text",{x:l+18,y:n+17},this.unitX)),i.length&&y.push(...this.line(i,x,b,E,l)),this.svg.setAttribute("aria-label",this.describe(i,m)),this.svg.replaceChildren(...y)}line(t,i,d,o,m){let[l,n]=[t[0][1],t.at(-1)[1]],a={x:d(i),start:o(l),end:o(n)},s=t.slice(1).map(([w,x])=>`H${d(w).toFixed(1)}V${o(x).toFixed(1)}`),p=[u("path",{class:"dm-steps-start",d:`M${v.left} ${a.start.toFixed(1)}H${m}`})];Math.abs(a.end-a.start)>=Q&&p.push(u("text",{x:m+8,y:a.start+4,"data-testid":"dm-steps-from"},z(l)));let h=`M${d(t[0][0]).toFixed(1)} ${a.start.toFixed(1)}${s.join("")}H${a.x.toFixed(1)}`;p.push(u("path",{class:"dm-steps-line",d:h,stroke:this.hue})),p.push(u("circle",{cx:a.x,cy:a.end,r:4,fill:this.hue}));let g={x:a.x+9,y:a.end+4,class:"dm-steps-now","data-testid":"dm-steps-now"};return[...p,u("text",g,`${z(n)} ${this.unitY}`)]}describe(t,i){if(!t.length)return"No estimate yet";let[d,o]=[t[0][1],t.at(-1)[1]];return`From ${z(d)} to ${z(o)} ${this.unitY}${i?`, ${i}`:""}`}};function z(e){return k(e,D(3,[e]))}function et(e){return tt.find(t=>t>=e)??Math.ceil(e/3600)*3600}var P=[["task","","dm-name"],["share","of time","dm-text"],["current","GFLOPS",""],["best","GFLOPS",""],["trials","",""],["time","s",""],["state","","dm-text"]],dt=[.25,.5,1],it=[null,null,0,0,0,0,"waiting"],S=class{constructor(){this.rows=[],this.names=null,this.body=r("tbody");let t=P.map(([i,d,o])=>r("th",{class:o,scope:"col"},i,r("span",{class:"dm-unit"},d)));this.table=r("table",{class:"dm-table dm-grid dm-tasks-table","data-testid":"dm-tasks"},r("thead",{},r("tr",{},...t)),this.body),this.window=r("div",{class:"dm-tasks-window",tabindex:0,role:"region","aria-label":"Tasks"},this.table),this.said=r("button",{type:"button",class:"dm-tasks-said",title:"Show it in the table",onclick:()=>this.reveal()}),this.counted=r("span",{"data-testid":"dm-tasks-counted"}),this.root=r("div",{class:"dm-tasks"},this.window,r("div",{class:"dm-tasks-foot"},this.counted,this.said))}draw(t,i){JSON.stringify(t)!==JSON.stringify(this.names)&&(this.names=t,this.rows=t.map((n,a)=>new A(n,a)),this.body.replaceChildren(...this.rows.map(n=>n.node)));let d=0;this.active=-1;let o=t.map((n,a)=>i(a)??it),m=o.some(([n,a])=>Math.max(n,a)>=999.995)?1:2,l=dt.find(n=>o.every(a=>a[5]<=n))??1;this.rows.forEach((n,a)=>{let s=o[a];n.draw(s,m,l),s[6]==="done"&&(d+=1),s[6]==="active"&&this.active<0&&(this.active=a)}),j(this.counted,t.length===1?"":`${d} of ${t.length} tasks done`),j(this.said,this.active<0||t.length===1?"":`now ${this.active+1}: ${t[this.active]}`)}reveal(){if(this.active<0)return;let t=this.rows[this.active].node;this.window.scrollTop=t.offsetTop-(this.window.clientHeight-t.offsetHeight)/2}},A=class{constructor(t,i){this.cells=P.slice(2).map(([,,o])=>r("td",{class:o})),this.fill=r("i"),this.part=r("span"),this.share=r("td",{class:"dm-text"},r("span",{class:"dm-share"},this.fill),this.part);let d=r("td",{class:"dm-name",title:t},r("div",{},r("bdi",{},t)));this.node=r("tr",{"data-testid":`dm-task-${i}`},d,this.share,...this.cells)}draw(t,i,d){let o=JSON.stringify([t,i,d]);if(o===this.key)return;this.key=o;let[m,l,n,a,s,p,h]=t;this.fill.style.width=`${Math.max(0,Math.min(100,100*p/d))}%`,j(this.part,`${k(100*p,0)} %`),this.share.title=`${k(100*p,1)} % of the model's time`;let g=[_(m,i),_(l,i),a?`${n}/${a}`:`${n}`,k(s,1),h];this.cells.forEach((w,x)=>j(w,g[x])),this.node.className=`dm-task-${h}`}};function _(e,t){return e===null?"–":k(e,t)}function j(e,t){e.textContent!==t&&(e.textContent=t)}var X=240,rt=560;function ot({model:e,el:t}){let i=I(t,"");try{let d=[R(e,i),at(e,i)];return()=>d.forEach(o=>o())}catch(d){M(i,d);return}}function at(e,t){let i=new S,d=new C("s","ms",e.get("hue")),o=r("div",{class:"dm-steps-said","data-testid":"dm-steps-said"}),m=r("div",{class:"dm-steps-title dm-quiet"},"Estimated latency of the model (ms)"),l=r("div",{class:"dm-chart"},m,o,d.svg);t.append(r("div",{class:"dm-tuning","data-testid":"dm-tuning"},i.root,l));let n=X,a=()=>{let h=[];for(let c=0;c<e.get("parts");c+=1)h.push(...e.get(`curve${c}`)??[]);let g=e.get("said"),w=h.length?"no improvement yet":"no estimate yet",x=g&&h.some(([,c])=>c!==h[0][1]);o.textContent=x?g:w,o.classList.toggle("dm-steps-still",!x),d.draw(n,h,e.get("now"),!1,g)},s=$(t,()=>{i.draw(e.get("names")??[],h=>e.get(`row${h}`)),a()});e.on("change:elapsed",s),s();let p=new ResizeObserver($(t,([h])=>{let g=Math.round(Math.max(X,Math.min(rt,h.contentRect.width)));!h.contentRect.width||g===n||(n=g,a())}));return p.observe(l),()=>{p.disconnect(),e.off("change:elapsed",s)}}var Ft={render:ot};export{Ft as default};
