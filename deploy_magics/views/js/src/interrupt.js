// Interrupt the kernel through the server, as the toolbar's square does: a kernel at work does not hear its widgets.

// Where the server is and how it knows us. JupyterLab and Notebook 7 tell in a script element, the older notebook on
// <body>. Null in front ends that have no such server, such as an editor's.
export function server(page = document) {
  const element = page.getElementById("jupyter-config-data");
  if (element) {
    const config = JSON.parse(element.textContent || "{}");
    if (config.baseUrl) return { base: config.baseUrl, token: config.token || "" };
  }
  const base = page.body?.dataset.baseUrl;
  return base ? { base, token: page.body.dataset.jupyterApiToken || "" } : null;
}

function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

// True where the server did it, false where there is none to ask; an error where it refused or did not answer.
export async function interrupt(kernel) {
  const found = server();
  if (!found || !/^[\w-]+$/.test(kernel)) return false;
  const address = new URL(`${found.base.replace(/\/*$/, "/")}api/kernels/${kernel}/interrupt`, window.location.href);
  if (address.origin !== window.location.origin) return false;
  const headers = { "Content-Type": "application/json" };
  const xsrf = cookie("_xsrf");
  if (xsrf) headers["X-XSRFToken"] = xsrf;
  if (found.token) headers.Authorization = `token ${found.token}`;
  const answer = await fetch(address, { method: "POST", headers, credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  return true;
}
