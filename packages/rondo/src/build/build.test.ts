import { readdirSync, utimesSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { removeOldChunks } from './build.js';

it('a chunk that no compilation of the last week has written is removed, and nothing else is', () => {
  using folder = new Folder();
  const daysBefore = { 'sources.json': 0, 'main.mjs': 30, 'chunk-24OECE6Z.mjs': 0, 'start-3UDDDGJ5.mjs': 6 };
  const old = { 'chunk-47HXEV5R.mjs': 8, 'chunk-47HXEV5R.mjs.map': 8 };
  for (const [file, days] of Object.entries({ ...daysBefore, ...old })) {
    const time = new Date(Date.UTC(2026, 0, 31 - days));
    utimesSync(folder.write(file, ''), time, time);
  }
  removeOldChunks(folder.path);
  expect(readdirSync(folder.path).sort()).toEqual(Object.keys(daysBefore).sort());
});
