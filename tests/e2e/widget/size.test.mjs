// What the popup costs a visitor in bytes, gzipped at 9.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { widget } from './suite.mjs';

const size = async (...names) => {
  const files = await Promise.all(names.map((name) => readFile(join(widget, name))));
  return files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
};

test('the loader is at most 1.5 kB', async (t) => {
  const bytes = await size('loader.js');
  t.diagnostic(`loader_gz_bytes ${bytes}`);
  assert.ok(bytes <= 1_500, `${bytes} bytes`);
});

test('the popup is at most 43 kB', async (t) => {
  const bytes = await size('popup.js', 'popup_bg.wasm');
  t.diagnostic(`popup_gz_bytes ${bytes}`);
  assert.ok(bytes <= 43_000, `${bytes} bytes`);
});
