import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { removeOldChunks } from './build.js';

it('a chunk that no compilation of the last week has written is removed, and nothing else is', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-dist-'));
  const daysBefore = { 'sources.json': 0, 'main.mjs': 30, 'chunk-24OECE6Z.mjs': 0, 'start-3UDDDGJ5.mjs': 6 };
  const old = { 'chunk-47HXEV5R.mjs': 8, 'chunk-47HXEV5R.mjs.map': 8 };
  for (const [file, days] of Object.entries({ ...daysBefore, ...old })) {
    writeFileSync(path.join(folder, file), '');
    const time = new Date(Date.UTC(2026, 0, 31 - days));
    utimesSync(path.join(folder, file), time, time);
  }
  removeOldChunks(folder);
  expect(readdirSync(folder).sort()).toEqual(Object.keys(daysBefore).sort());
  rmSync(folder, { recursive: true });
});
