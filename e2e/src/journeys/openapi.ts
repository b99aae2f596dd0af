import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';
import { readGuide } from '../docs.js';
import { system } from './system.js';

const PUBLIC_PORT_OFFSET = 20;
const folder = join(root, 'e2e/openapi');
const generated = join(folder, '.generated');
const tool = (file: string) => join(folder, 'node_modules', file);

let url: string;

beforeAll(() => {
  url = `http://${system.address(PUBLIC_PORT_OFFSET)}`;
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated);
});

/** Runs a Node program to its end. */
async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runNode(args);
  expect({ code, stderr, ...(code !== 0 && { stdout }) }).toMatchObject({ code: 0 });
  return stdout;
}

describe('the TypeScript client that openapi-typescript generates from /openapi.json', () => {
  it('is generated from a running gateway, and compiles strictly with programs that use it', async () => {
    const schema = join(generated, 'schema.d.ts');
    const guide = readGuide('gateway.md').code('create-project.ts');
    writeFileSync(join(generated, 'create-project.ts'), guide.replace('http://127.0.0.1:8080', url));
    await run(tool('openapi-typescript/bin/cli.js'), `${url}/openapi.json`, '--output', schema);
    await run(join(root, 'node_modules/typescript/bin/tsc'), '--project', folder);
  });

  it('adds, creates and changes a project, and reads errors', async () => {
    const answers: unknown = JSON.parse(await run(join(generated, 'built/client/main.js'), url));
    expect(answers).toEqual({
      result: 3,
      title: 'Long bridge',
      startDate: { year: 2026, month: 5, day: 4 },
      etag: true,
      tasks: ['Draw it'],
      taskCount: '1',
      stale: [412, 10],
      untitled: [400, expect.stringContaining('project.title')],
      stateless: 400,
    });
  });

  it('does what the guide shows', async () => {
    expect(await run(join(generated, 'built/.generated/create-project.js'))).toBe('Long bridge\n');
  });
});
