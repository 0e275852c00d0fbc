// Runs the browser suites: `node run.mjs [widget|call]…`, all by default. `call` needs NEORON_DEMO_URL and
// NEORON_ERPNEXT_CONTROL and is refused without them. Ends with node:test's summary; exits 1 if anything failed.
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const SUITES = {
  widget: ['widget/call.test.mjs', 'widget/trouble.test.mjs', 'widget/queue.test.mjs', 'widget/access.test.mjs', 'widget/size.test.mjs'],
  call: ['call.mjs'],
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !SUITES[name]);
if (unknown) {
  console.error(`no such suite: ${unknown}; there are ${Object.keys(SUITES).join(', ')}`);
  process.exit(2);
}
const names = wanted.length ? wanted : Object.keys(SUITES);
const files = names.flatMap((name) => SUITES[name]).map((file) => join(here, file));

// Two browsers at a time would only share two cores.
const tests = run({ files, concurrency: 1, timeout: 300_000 });
tests.on('test:fail', () => {
  process.exitCode = 1;
});
tests.compose(spec).pipe(process.stdout);
