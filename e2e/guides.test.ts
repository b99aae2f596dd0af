import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readGuide } from './src/guide.js';
import { node, root } from './src/run.js';

describe('docs/guides/first-call.md', () => {
  const code = readGuide('first-call.md').code('first-call.mjs');

  it('is under 40 lines', () => {
    expect(code.trimEnd().split('\n').length).toBeLessThan(40);
  });

  it('runs as it stands, and ends by itself', async () => {
    const folder = join(root, 'e2e/.guides');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'first-call.mjs');
    writeFileSync(file, code);
    const { code: exitCode, stdout, stderr } = await node([file]);
    rmSync(folder, { recursive: true });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.match(/^2 \+ \d = \d$/gm)).toEqual([
      '2 + 1 = 3',
      '2 + 2 = 4',
      '2 + 3 = 5',
      '2 + 4 = 6',
      '2 + 5 = 7',
      '2 + 6 = 8',
    ]);
    expect(stdout.match(/^call \d was served by (one|two|three)$/gm)).toHaveLength(6);
  });
});
