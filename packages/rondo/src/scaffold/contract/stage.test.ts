import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../../test/scaffold/folder.js';
import { newFile } from '../../../test/scaffold/staged.js';
import { type Stage, withStage } from './stage.js';

const files = [newFile('a/v1/a.proto', 'syntax = "proto3";')];

describe('a stage', () => {
  it("has the contract next to the tree's others, with the tree's settings", async () => {
    const { signal } = new AbortController();
    await withStage({ root, files, signal }, async ({ folder, buf }) => {
      expect(readFileSync(path.join(folder, 'proto/a/v1/a.proto'), 'utf8')).toBe('syntax = "proto3";');
      expect(readFileSync(path.join(folder, 'buf.yaml'))).toEqual(readFileSync(path.join(root, 'buf.yaml')));
      expect(readdirSync(path.join(folder, 'proto'))).toEqual(['a', ...readdirSync(path.join(root, 'proto'))].sort());
      expect(await buf('--version')).toMatchObject({ code: 0 });
    });
    expect(existsSync(path.join(root, 'proto/a'))).toBe(false);
  });

  it.each(['fails', 'is given up'])('is removed when its work %s', async (how) => {
    const caller = new AbortController();
    let folder = root;
    const work = async (stage: Stage) => {
      folder = stage.folder;
      if (how === 'fails') throw new Error(how);
      const run = stage.buf('build');
      caller.abort(new Error(how));
      await run;
    };
    await expect(withStage({ root, files, signal: caller.signal }, work)).rejects.toThrow(how);
    expect(existsSync(folder)).toBe(false);
  });
});
