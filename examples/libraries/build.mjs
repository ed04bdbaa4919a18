// Bundles each script with the libraries it imports into one ES module, runs it here, and writes for a script NAME
//   OUT/NAME.js             the bundle, as it would be sent in a job
//   OUT/NAME.input.json     its input
//   OUT/NAME.expected.json  the value that Node computes from it, as JSON.stringify writes it
// usage: node build.mjs OUT
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

// The sandbox's clock is in UTC, so this one must be.
process.env.TZ = 'UTC';

const out = process.argv[2];
if (!out) {
  console.error('usage: node build.mjs OUT');
  process.exit(2);
}
const source = fileURLToPath(new URL('src', import.meta.url));
const names = (await readdir(source)).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3));

await mkdir(out, { recursive: true });
// The bundles are ES modules, whatever project OUT lies in.
await writeFile(resolve(out, 'package.json'), '{ "type": "module" }\n');
await build({
  entryPoints: names.map((name) => resolve(source, `${name}.ts`)),
  outdir: out,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'browser', 'main'],
  conditions: ['module', 'import'],
  target: 'es2023',
  charset: 'utf8',
  logLevel: 'warning',
});

for (const name of names) {
  const input = resolve(source, `${name}.input.json`);
  const { default: entry } = await import(pathToFileURL(resolve(out, `${name}.js`)));
  const value = await entry(JSON.parse(await readFile(input, 'utf8')));
  await copyFile(input, resolve(out, `${name}.input.json`));
  await writeFile(resolve(out, `${name}.expected.json`), `${JSON.stringify(value)}\n`);
  console.log(`${name}: ${(await readFile(resolve(out, `${name}.js`))).length} bytes`);
}
