import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Folder, root as repository } from '../../test/scaffold/folder.js';
import { onTree, type Tree, writeAll, writeFiles } from './tree.js';

const BEFORE = { 'docker-compose.yml': 'services:\n', 'services/a/src/main.ts': 'export {};\n' };

const git = (folder: string, ...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder, encoding: 'utf8' });

/** An app of which git has a copy, in a folder of a larger repository. */
function committed(): Folder {
  const folder = new Folder(Object.fromEntries(Object.entries(BEFORE).map(([file, text]) => [`app/${file}`, text])));
  git(folder.path, 'init', '--quiet');
  git(folder.path, 'add', '.');
  git(folder.path, 'commit', '--quiet', '--message=x');
  return folder;
}

async function change<T>(root: string, work: (tree: Tree) => Promise<T>, force = false) {
  const said: string[] = [];
  const on = { root, tool: path.join(repository, 'packages/rondo'), signal: new AbortController().signal };
  const progress = { step: async <R>(_: string, step: () => R | Promise<R>) => step() };
  const say = async (line: string) => void said.push(line);
  const done = await onTree({ ...on, progress, force, say }, work).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error: String(error) }),
  );
  return { ...done, said };
}

const read = (root: string) =>
  Object.fromEntries(Object.keys(BEFORE).map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));

const FILES = new Map([
  ['docker-compose.yml', 'services:\n  b:\n'],
  ['services/b/src/main.ts', 'export   {}\n'],
  ["proto/b's/b.proto", 'syntax = "proto3";\n'],
]);

describe('a change of the tree', () => {
  it('is refused if git has no copy of something in the app, and only there', async () => {
    using folder = committed();
    const app = `${folder.path}/app`;
    folder.write('elsewhere', 'mine\n');
    expect(await change(app, async () => 'done')).toEqual({ value: 'done', error: undefined, said: [] });
    folder.write('app/mine', 'mine\n');
    const refused = await change(app, (tree) => writeAll(tree, FILES));
    expect(refused).toMatchObject({
      error: expect.stringMatching(
        /^Refusal: git holds no copy of changes here: \?\? app\/mine; commit first, .*--force/,
      ),
    });
    expect(read(app)).toEqual(BEFORE);
  });

  it('formats what is new, and writes the rest', async () => {
    using folder = committed();
    const app = `${folder.path}/app`;
    expect(await change(app, (tree) => writeAll(tree, FILES))).toMatchObject({ value: [], said: [] });
    expect(readFileSync(`${app}/services/b/src/main.ts`, 'utf8')).toBe('export {};\n');
    expect(read(app)).toMatchObject({ 'docker-compose.yml': 'services:\n  b:\n' });
  });

  it('is taken back by the commands that its error has, and nothing else is', async () => {
    using folder = committed();
    const app = `${folder.path}/app`;
    const { error = '' } = await change(app, async (tree) => {
      await writeAll(tree, FILES);
      folder.write('app/services/b/node_modules/x', '');
      folder.write('app/services/a/src/main.ts', 'export const mine = 1;\n'); // by its author, meanwhile
      throw new Error('no network');
    });
    const [, commands = ''] = /^Error: no network\nSome of it is written\. This takes it back: (.*)$/.exec(error) ?? [];
    execFileSync('/bin/sh', ['-c', commands], { cwd: app });
    expect(git(folder.path, 'status', '--porcelain', '--ignored')).toBe(' M app/services/a/src/main.ts\n');
    expect(read(app)['docker-compose.yml']).toBe(BEFORE['docker-compose.yml']);
  });

  it.each(['uncommitted', 'without git'])(
    'touches no file that is there if it is %s, and says so before',
    async (how) => {
      using folder = how === 'uncommitted' ? committed() : new Folder();
      const app = `${folder.path}/app`;
      for (const [file, text] of Object.entries(BEFORE)) folder.write(`app/${file}`, text);
      if (how === 'uncommitted') folder.write('app/mine', 'mine\n');
      const work = async (tree: Tree) => {
        expect(read(app)).toEqual(BEFORE);
        return writeAll(tree, FILES);
      };
      expect(await change(app, work, true)).toMatchObject({
        value: [{ file: 'docker-compose.yml', lines: '+  b:' }],
        said: [expect.stringMatching(/^git can't take back what is written, .*: only new files are written\.$/)],
      });
      expect(read(app)).toEqual(BEFORE);
      const { error = '' } = await change(
        app,
        async (tree) => {
          writeFiles(tree, new Map([['services/c.txt', 'new\n']]));
          throw new Error('no network');
        },
        true,
      );
      expect(error).toContain('This takes it back: rm services/c.txt');
    },
  );
});
