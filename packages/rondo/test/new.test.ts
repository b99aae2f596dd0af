import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { rondo } from './recording-context.js';

describe('rondo new and rondo remove', () => {
  it.each([
    [['new'], 'say "service", "resource", "job", "workflow", "topic" or "subscription": rondo new service <name>'],
    [
      ['new', 'method', 'x'],
      'say "service", "resource", "job", "workflow", "topic" or "subscription", and not "method": rondo new service <name>',
    ],
    [['new', 'service'], 'name the service: rondo new service greeter'],
    [['new', 'service', 'a', 'b'], '"b" is not expected'],
    [['new', 'service', 'a', '--port', 'x'], '--port x: must be a whole number'],
    [['new', 'service', 'a', '--proto-path', 'x'], '--proto-path needs --proto FILE'],
    [['remove'], 'say "service": rondo remove service <name>'],
    [['remove', 'registry-consl'], 'or a plugin: rondo remove registry-consul'],
    [['remove', 'service'], 'name the service'],
  ])('%j can not be understood', async (args, message) => {
    const { exitCode, stdout, stderr } = await rondo(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('refuse a name that is none before they look at the tree', async () => {
    const { exitCode, stderr } = await rondo(['new', 'service', 'Greeter', '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'FAILED', message: expect.stringContaining(`"Greeter" isn't a valid service name`) },
    });
  });

  it('refuse a service that does not exist, and suggest a similar one', async () => {
    const repository = await mkdtemp(path.join(tmpdir(), 'rondo-new-'));
    const manifest = { rondo: { port: 50_051, contracts: ['calculator/v1/calculator.proto'] } };
    await mkdir(path.join(repository, 'services/calculator'), { recursive: true });
    await writeFile(path.join(repository, 'services/calculator/package.json'), JSON.stringify(manifest));
    const { exitCode, stderr } = await rondo(['remove', 'service', 'calculatr'], { repository });
    await rm(repository, { recursive: true });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('there is no service "calculatr". Did you mean "calculator"? There are: calculator');
  });

  it('say that --start needs a running system, before anything is written', async () => {
    const { exitCode, stderr } = await rondo(['new', 'service', 'greeter', '--start']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining('no system runs on /nowhere'),
    });
  });
});
