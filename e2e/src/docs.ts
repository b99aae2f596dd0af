import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '@rondo/harness';

/** The code blocks of a guide whose fences name a file, such as ```` ```ts services/greeter/src/app.ts ````, and its commands. */
export interface Guide {
  /** The files that its blocks name, in order. */
  readonly files: readonly string[];
  /** @throws Error if the guide has no block of that name. */
  code(file: string): string;
  /**
   * Where the guide says to save the block of that name, as a path from the root.
   *
   * @throws Error if it doesn't say.
   */
  placeOf(file: string): string;
  /** Writes the blocks of those names into a folder, as a reader would. */
  write(folder: string, ...files: readonly string[]): void;
  /** Its commands, in order: each line of its `sh` blocks. */
  readonly commands: readonly string[];
}

/** Reads a guide of docs/guides. */
export function readGuide(name: string): Guide {
  const text = readFileSync(join(root, 'docs/guides', name), 'utf8');
  const blocks = new Map(
    [...text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, file = '', code = '']) => [file, code]),
  );
  const code = (file: string) => {
    const found = blocks.get(file);
    if (found === undefined) throw new Error(`${name} has no code block named ${file}`);
    return found;
  };
  return {
    files: [...blocks.keys()],
    code,
    placeOf(file) {
      const [, place] = new RegExp(`[Ss]ave (?:this|it) as\\s\`([\\w/-]+/${file})\``).exec(text) ?? [];
      if (place === undefined) throw new Error(`${name} doesn't say where to save ${file}`);
      return place;
    },
    write(folder, ...files) {
      for (const file of files) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), code(file));
      }
    },
    commands: [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, lines = '']) => lines.trimEnd().split('\n')),
  };
}
