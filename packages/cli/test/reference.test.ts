import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { commands } from '../src/commands/index.js';
import { rondo } from './recording-context.js';

let reference: string;

beforeAll(async () => {
  reference = await readFile(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8');
});

describe('docs/reference/cli.md', () => {
  it('has a section for every command, in the order of the overview, and no other', () => {
    const sections = [...reference.matchAll(/^## rondo (\S+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(commands.map(({ name }) => name));
  });

  it('has the overview as rondo help prints it', async () => {
    expect(blocks(/^## Commands$/m)).toEqual([(await rondo(['help'])).stdout]);
  });

  it.each(commands)('has what rondo help $name prints', ({ name, help }) => {
    expect(blocks(new RegExp(`^## rondo ${name}$`, 'm'))).toEqual([help]);
  });
});

/** The text blocks of a section. */
function blocks(heading: RegExp): readonly (string | undefined)[] {
  const [, section = ''] = reference.split(heading);
  const [own = ''] = section.split(/^## /m);
  return [...own.matchAll(/^```text\n(.*?)^```$/gms)].map(([, text]) => text);
}
