import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** This repository. Tests only read it. */
export const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** A temporary folder outside the repository, with a space and a `#` in its name. It is removed with its test. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), 'a contract #'));

  /** Writes files by their paths in the folder. */
  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  /** @returns the path of the file. */
  write(name: string, text: string): string {
    const file = path.join(this.path, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}
