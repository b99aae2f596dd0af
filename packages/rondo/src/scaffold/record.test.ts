import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { beginChanges } from './change-set.js';
import { isAsWritten, recordWritten, unsavedEdits } from './record.js';

describe('unsaved edits', () => {
  let top: string;
  let root: string;
  beforeEach(() => {
    top = mkdtempSync(path.join(tmpdir(), 'rondo-record-'));
    root = path.join(top, 'a folder of it'); // git's root may be a parent folder
    mkdirSync(path.join(root, 'services/a'), { recursive: true });
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  const edit = (file: string, text = 'edited') => writeFileSync(path.join(root, file), text);
  const unsaved = () => unsavedEdits(root, ['services/a'], new AbortController().signal);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: root });
  function write(...files: readonly string[]): void {
    const changes = beginChanges(root);
    for (const file of files) changes.write(file, 'as written');
    recordWritten(root, changes, files);
    changes.keep();
  }

  it('are edits without a copy in git, of files that were changed since they were written', async () => {
    git('init', '--quiet', top);
    write('services/a/as-written', 'services/a/edited', 'services/a/committed', 'services/a/committed-edited');
    git('add', 'services/a/committed', 'services/a/committed-edited');
    git('commit', '--quiet', '--message=x');
    expect(await unsaved()).toEqual([]);
    edit('services/a/edited');
    edit('services/a/committed-edited');
    edit('services/a/fresh name');
    expect([...(await unsaved())].sort()).toEqual([
      'services/a/committed-edited',
      'services/a/edited',
      'services/a/fresh name',
    ]);
    git('add', '.');
    git('commit', '--quiet', '--message=y');
    expect(await unsaved()).toEqual([]);
  });

  it('are detected without git, too', async () => {
    write('services/a/as-written', 'services/a/edited');
    edit('services/a/edited');
    expect(await unsaved()).toEqual(['services/a/edited']);
  });

  it('are detected in files that were written again', () => {
    write('services/a/x');
    expect(isAsWritten(root, 'services/a/x')).toBe(true);
    edit('services/a/x');
    expect(isAsWritten(root, 'services/a/x')).toBe(false);
    write('services/a/x');
    expect(isAsWritten(root, 'services/a/x')).toBe(true);
  });
});
