// Writes what Node gives for each script of this folder: `node record.mjs`, with Node 20. Its own ICU and tables are the measure.
import { Console } from 'node:console';
import { readdirSync, writeFileSync } from 'node:fs';
import { Writable } from 'node:stream';

process.env.TZ = 'UTC';
const folder = new URL('.', import.meta.url);
for (const file of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
  const logs = [];
  let text = '';
  const stream = new Writable({ write: (chunk, _, done) => { text += chunk; done(); } });
  const own = new Console({ stdout: stream, stderr: stream });
  const { default: entry } = await import(new URL(file, folder));
  // What a call prints is one entry of the log.
  globalThis.console = new Proxy(own, {
    get: (_, method) => (...values) => {
      text = '';
      own[method](...values);
      if (text !== '') logs.push(text.slice(0, -1).toWellFormed());
    },
  });
  const value = entry();
  writeFileSync(new URL(file.replace('.js', '.node.json'), folder), `${JSON.stringify({ value: value ?? null, logs }, null, 1)}\n`);
}
