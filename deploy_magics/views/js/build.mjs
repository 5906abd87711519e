// Bundle each widget into one ES module that needs nothing else: `npm ci && npm run build`.
// With a folder as argument the bundles are written there instead, so that a test can compare them.
import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "..", "static");

await build({
  absWorkingDir: here,
  entryPoints: { table: "src/table.js", histogram: "src/histogram.js", progress: "src/progress.js", tuning: "src/tuning.js", curve: "src/curve.js", picture: "src/picture.js", depth: "src/depth.js" },
  outdir: target,
  bundle: true,
  format: "esm",
  target: ["chrome110", "firefox115", "safari16"],
  minify: true,
  charset: "utf8",
  legalComments: "none",
  loader: { ".css": "text" },
  logLevel: "warning",
});
