import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type RequestLauncherOptions, requestLauncher } from '../src/launcher.js';
import { reach } from '../src/tree-work.js';
import { listing, startFakeLauncher } from './fake-launcher.js';
import { Folder } from './scaffold/folder.js';

const signal = new AbortController().signal;
const ROW = { name: 'greeter-1', address: '127.0.0.1:50060', services: ['helloworld.Greeter'] };

let launcher: Awaited<ReturnType<typeof startFakeLauncher>>;

/** A launcher that answers every request with `replies`; without replies it never answers. */
async function startLauncher(...replies: readonly (object | string)[]): Promise<void> {
  launcher = await startFakeLauncher(() => replies);
}

afterEach(() => launcher.stop());

const ask = (options: Partial<RequestLauncherOptions> = {}) =>
  requestLauncher({ dataDirectory: launcher.data, request: { command: 'status' }, signal, ...options });

const noSystem = () =>
  `no system runs on ${launcher.data}: start it with npm start, or name the running system's folder by --data`;

describe('requestLauncher', () => {
  it('sends the request, passes on log lines, and returns the rows', async () => {
    await startLauncher({ event: 'log', line: 'starting' }, { event: 'done', rows: [ROW] });
    const lines: string[] = [];
    const request = { command: 'start', service: 'greeter' } as const;
    expect(await ask({ request, onLog: (line) => lines.push(line) })).toMatchObject({ rows: [ROW] });
    expect([launcher.requests(), lines]).toEqual([[request], ['starting']]);
  });

  it("fails with the launcher's error", async () => {
    await startLauncher({ event: 'failed', message: 'there is no service "greeter"' });
    await expect(ask()).rejects.toThrow(/^there is no service "greeter"$/);
  });

  it('says that no system runs: without a description, and with one that was left behind', async () => {
    await startLauncher();
    launcher.describe(path.join(launcher.data, 'gone.sock'));
    await expect(ask()).rejects.toThrow(noSystem());
    rmSync(path.join(launcher.data, 'launcher.json'));
    await expect(ask()).rejects.toThrow(noSystem());
  });

  it('says so when the launcher stops meanwhile', async () => {
    await startLauncher({ event: 'log', line: 'starting' });
    await expect(ask()).rejects.toThrow(`the system on ${launcher.data} has stopped before it was done`);
  });

  it('says so when it is answered in a language of its own', async () => {
    await startLauncher('hello');
    await expect(ask()).rejects.toThrow(
      'the launcher replied "hello": is it of another version? Start the system again',
    );
  });

  it('waits no longer than its timeout', async () => {
    await startLauncher();
    await expect(ask({ timeoutMs: 20 })).rejects.toThrow(`the system on ${launcher.data} hasn't answered in 0.02 s`);
  });

  it('ends at Ctrl-C', async () => {
    await startLauncher();
    const interrupt = new AbortController();
    const asked = ask({ signal: interrupt.signal });
    interrupt.abort();
    await expect(asked).rejects.toThrow(/aborted/);
  });

  it('says which description it cannot read', async () => {
    await startLauncher();
    writeFileSync(path.join(launcher.data, 'launcher.json'), '{');
    await expect(ask()).rejects.toThrow(`${path.join(launcher.data, 'launcher.json')} can't be read`);
  });
});

describe('what is printed', () => {
  const gateway = { name: 'gateway-1', service: 'gateway', state: 'running', public: '127.0.0.1:51070' };

  it.each(['the default folder', 'another one'])('has the addresses of the system that runs on %s', async (on) => {
    await startLauncher(listing([gateway]));
    launcher.describe(path.join(launcher.data, 'launcher.sock'), '127.0.0.1:51050');
    using folder = new Folder();
    folder.write('elsewhere/7', launcher.data);
    const isDefault = on === 'the default folder';
    const found = await reach(undefined, { dataDirectory: isDefault ? launcher.data : folder.path, signal });
    expect(found).toMatchObject({ gateway: '127.0.0.1:51070', portBase: 51_050 });
    expect([found.registry, found.restart?.('notes')]).toEqual(
      isDefault
        ? ['', './rondo restart notes']
        : [' --registry 127.0.0.1:51050', `./rondo restart notes --data ${launcher.data}`],
    );
  });

  it('has the default addresses if none runs', async () => {
    await startLauncher();
    const found = await reach(undefined, { dataDirectory: path.join(launcher.data, 'none'), signal });
    expect(found).toEqual({ gateway: '127.0.0.1:8080', registry: '', portBase: 50_050, restart: undefined });
  });
});
