function i(t,d={},...r){let e=document.createElement(t);return j(e,d),e.append(...r.filter(a=>a!=null&&a!=="")),e}function j(t,d){for(let[r,e]of Object.entries(d))e==null||e===!1||(r.startsWith("on")?t.addEventListener(r.slice(2),e):r==="style"?Object.assign(t.style,e):t.setAttribute(r,e===!0?"":String(e)))}var b=`/* How a result looks, static or alive. Colours come from the front end's theme; where there is none, from the text's
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
`;var x=`/* What only the widgets have: controls, the grid, the histogram. */
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
`;function v(t,d){let r=i("div",{class:"dm dm-widget","data-testid":"dm-widget","data-lm-suppress-shortcuts":"true","data-p-suppress-shortcuts":"true"});return r.append(i("style",{},b+x+S(d))),t.append(r),r}function S(t){if(!/^[A-Za-z0-9]+$/.test(t??""))return"";let d=`.jp-OutputArea-child:has(> .jp-OutputArea-output > .dm-static-${t})`;return`.dm-static-${t}{display:none}
${d}{display:none}`}function c(t,d){return(...r)=>{try{let e=d(...r);return e instanceof Promise?e.catch(a=>l(t,a)):e}catch(e){l(t,e);return}}}function l(t,d){let r=`${d?.name??"Error"}: ${d?.message??d}`,e=t.querySelector(":scope > .dm-js-error");e||(e=i("div",{class:"dm-js-error",role:"alert","data-testid":"dm-js-error"}),t.append(e)),e.replaceChildren(i("b",{},"This view failed. "),r,i("details",{},i("summary",{},"where"),i("pre",{},String(d?.stack??""))))}function A(t=document){let d=t.getElementById("jupyter-config-data");if(d){let e=JSON.parse(d.textContent||"{}");if(e.baseUrl)return{base:e.baseUrl,token:e.token||""}}let r=t.body?.dataset.baseUrl;return r?{base:r,token:t.body.dataset.jupyterApiToken||""}:null}function E(t){let d=document.cookie.split("; ").find(r=>r.startsWith(`${t}=`));return d?decodeURIComponent(d.slice(t.length+1)):""}async function k(t){let d=A();if(!d||!/^[\w-]+$/.test(t))return!1;let r=new URL(`${d.base.replace(/\/*$/,"/")}api/kernels/${t}/interrupt`,window.location.href);if(r.origin!==window.location.origin)return!1;let e={"Content-Type":"application/json"},a=E("_xsrf");a&&(e["X-XSRFToken"]=a),d.token&&(e.Authorization=`token ${d.token}`);let s=await fetch(r,{method:"POST",headers:e,credentials:"same-origin",cache:"no-store"});if(!s.ok)throw new Error(`it answered ${s.status}`);return!0}var M=1500;function y(t,d){let r=i("span",{class:"dm-progress-title"}),e=i("div"),a=i("div",{class:"dm-progress-bar",role:"progressbar","aria-valuemin":0,"aria-valuemax":100},e),s=i("span",{class:"dm-progress-share"}),w=i("span",{class:"dm-progress-detail"}),h=i("span",{class:"dm-progress-detail","data-testid":"dm-elapsed"}),p=i("span",{class:"dm-progress-refused",role:"alert","data-testid":"dm-refused"}),m=i("button",{type:"button",class:"dm-button dm-stop","data-testid":"dm-stop"},"Stop");d.append(i("div",{class:"dm-progress","data-testid":"dm-progress"},r,a,s,h,m,w,p));let g=c(d,()=>{let o=t.get("fraction");r.textContent=t.get("title"),a.setAttribute("aria-label",t.get("title")),w.textContent=t.get("detail");let n=o<0?"":`${Math.floor(100*Math.min(1,o))}`;e.style.width=`${n||0}%`,s.textContent=n&&`${n} %`,n?a.setAttribute("aria-valuenow",n):a.removeAttribute("aria-valuenow")}),z=()=>{let o=Date.now()-1e3*t.get("elapsed"),n=Math.min(o,t.get("_began")??o);return t.set("_began",n),n},u=()=>{let o=Math.max(0,Math.floor((Date.now()-z())/1e3));h.textContent=`${Math.floor(o/60)}:${String(o%60).padStart(2,"0")}`},f;m.addEventListener("click",c(d,async()=>{m.disabled=!0,m.textContent="Stopping…",p.textContent="";let o=await I(t);o!==null&&(f=setTimeout(()=>{m.disabled=!1,m.textContent="Stop",p.textContent=`${o}; use the toolbar's square`},M))}));for(let o of["title","fraction","detail"])t.on(`change:${o}`,g);let q=setInterval(u,1e3);return g(),u(),()=>{clearInterval(q),clearTimeout(f);for(let o of["title","fraction","detail"])t.off(`change:${o}`,g)}}async function I(t){let d=null;try{if(await k(t.get("kernel")))return null}catch(r){d=`the server refused (${r.message})`}return t.send({stop:!0}),d}function T({model:t,el:d}){let r=v(d,"");try{return y(t,r)}catch(e){l(r,e);return}}var J={render:T};export{J as default};
