import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemRandom } from '@rondo/base';
import { folderStorage } from './endpoint-storage.js';

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'rondo-last-known-'));
  folder = join(parent, 'made', 'anew');
});
afterEach(() => rmSync(parent, { recursive: true }));

const storage = () => folderStorage(folder, systemRandom);

describe('a folder as storage', () => {
  it('is empty at first, and then has the last text written', async () => {
    const { read, write, locate } = storage();
    expect(await read('s.S.json')).toBeUndefined();
    await write('s.S.json', 'one');
    await write('s.S.json', 'two');
    expect(await read('s.S.json')).toBe('two');
    expect(locate('s.S.json')).toBe(join(folder, 's.S.json'));
  });

  it('is readable by its owner alone, and leaves no temporary files', async () => {
    await storage().write('s.S.json', 'one');
    expect(readdirSync(folder)).toEqual(['s.S.json']);
    expect(statSync(join(folder, 's.S.json')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('writes inside its folder, whatever the name', async () => {
    await storage().write('../../out', 'one');
    expect(readdirSync(parent)).toEqual(['made']);
    expect(readdirSync(folder)).toEqual(['..%2F..%2Fout']);
  });

  it('never shows a part of a text while several processes write', async () => {
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(200_000));
    const writers = texts.map(async (text) => {
      const { write } = folderStorage(folder, systemRandom);
      for (let turn = 0; turn < 5; turn += 1) await write('s.S.json', text);
    });
    await storage().write('s.S.json', texts[0] ?? '');
    const reader = storage();
    let reading = true;
    const done = Promise.all(writers).finally(() => {
      reading = false;
    });
    const read = new Set<string | undefined>();
    while (reading) read.add(await reader.read('s.S.json'));
    await done;
    expect([...read].filter((text) => !texts.includes(text ?? ''))).toEqual([]);
  });

  it('reports why it cannot be read or written', async () => {
    writeFileSync(join(parent, 'made'), 'a file where the folder should be');
    await expect(storage().read('s.S.json')).rejects.toThrow('ENOTDIR');
    await expect(storage().write('s.S.json', 'one')).rejects.toThrow(/ENOTDIR|EEXIST/);
    expect(readFileSync(join(parent, 'made'), 'utf8')).toContain('a file');
  });

  it('refuses a file that is larger than any it writes', async () => {
    const { write, read, locate } = storage();
    await write('s.S.json', 'one');
    writeFileSync(locate('s.S.json'), Buffer.alloc(4 * 1024 * 1024 + 1));
    await expect(read('s.S.json')).rejects.toThrow('larger than 4194304 bytes');
  });
});
