import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { beginChanges, undoAbandoned } from './change-set.js';

describe('a set of changes', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'rondo-changes-'));
    put('kept/a.txt', 'a');
    put('kept/b.txt', 'b');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const at = (file: string) => path.join(root, file);
  const read = (file: string) => readFileSync(at(file), 'utf8');
  function put(file: string, text: string): void {
    mkdirSync(path.dirname(at(file)), { recursive: true });
    writeFileSync(at(file), text);
  }
  /** Each file with its bytes, without the tool's own folder .rondo. */
  const snapshot = () =>
    readdirSync(root, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => !path.join(entry.parentPath, entry.name).includes('.rondo'))
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file, existsSync(file) && file.endsWith('.txt') ? readFileSync(file, 'utf8') : '']);

  it('restores everything: written, removed, and changed by other programs', () => {
    const before = snapshot();
    const changes = beginChanges(root);
    changes.backUp('kept');
    changes.backUp('absent.txt');
    changes.write('kept/a.txt', 'changed');
    changes.write('kept/a.txt', 'changed again');
    changes.write('new/deep/c.txt', 'c');
    put('new/deep/by-a-program.txt', 'x');
    put('kept/by-a-program.txt', 'x');
    put('absent.txt', 'x');
    changes.remove('kept/b.txt');
    expect(snapshot()).not.toEqual(before);
    changes.undo();
    expect(snapshot()).toEqual(before);
    expect(readdirSync(at('.rondo'))).toEqual([]);
  });

  it('keeps its changes, and lists the written files', () => {
    const changes = beginChanges(root);
    changes.write('kept/a.txt', 'changed');
    changes.write('new/c.txt', 'c');
    changes.remove('kept/b.txt');
    changes.remove('kept/never-was.txt');
    expect(changes.written()).toEqual(['kept/a.txt', 'new/c.txt']);
    changes.keep();
    changes.undo();
    expect(read('kept/a.txt')).toBe('changed');
    expect(existsSync(at('kept/b.txt'))).toBe(false);
    expect(readdirSync(at('.rondo'))).toEqual([]);
  });

  it('is undone by the next one if its process was killed', () => {
    const before = snapshot();
    const changes = beginChanges(root);
    changes.backUp('kept');
    changes.write('kept/a.txt', 'changed');
    changes.remove('kept');
    changes.write('kept/new.txt', 'new');
    const [left = ''] = readdirSync(at('.rondo'));
    appendFileSync(at(`.rondo/${left}/steps.jsonl`), '{"kind":"made","targ'); // killed while it wrote the next step
    expect(undoAbandoned(root)).toBe(true);
    expect(snapshot()).toEqual(before);
    expect(undoAbandoned(root)).toBe(false);
    changes.keep();
  });

  it('leaves no listener behind, however it ends', () => {
    const before = process.listenerCount('exit');
    beginChanges(root).keep();
    beginChanges(root).undo();
    expect(process.listenerCount('exit')).toBe(before);
  });
});
