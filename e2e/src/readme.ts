import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@rondo/harness';

/** A command of README.md, and the output that README.md shows. */
interface Example {
  readonly command: string;
  readonly output: string;
}

/** The examples of README.md whose command begins with a program's name: a line after `$`, and the lines up to an empty one. */
export function examplesOf(program: string): readonly Example[] {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const pattern = new RegExp(`^\\$ (${program} .*)\\n((?:(?!\`\`\`|\\$ ).+\\n)*)`, 'gm');
  return [...text.matchAll(pattern)].map(([, command = '', output = '']) => ({ command, output }));
}
