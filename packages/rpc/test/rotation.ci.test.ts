import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Authority } from '@rondo/certificates';
import type { ServerCall } from '../src/exports/call.js';
import { systemClock, systemWallClock } from '../src/exports/clock.js';
import { ManualClock } from '../src/exports/testing.js';
import { ProcessIdentity } from '../src/tls/identity.js';
import { openMutualTls } from '../src/tls/mutual-tls.js';
import { certify, createFolder, folderOf, mutualTlsIn, newAuthority } from './support/identities.js';
import { patientClock } from './support/patient-clock.js';
import { recordingLogger } from './support/recording-logger.js';
import { socketsOfATest } from './support/sockets.js';
import { until } from './support/wait.js';

let first: Authority;
let second: Authority;
beforeAll(async () => {
  [first, second] = await Promise.all([newAuthority(), newAuthority()]);
});

const { startServer, connectTo } = socketsOfATest();

const filesIn = (folder: string) => ({
  cert: path.join(folder, 'tls.crt'),
  key: path.join(folder, 'tls.key'),
  ca: path.join(folder, 'ca.crt'),
});

function identityIn(folder: string) {
  const { logger, lines } = recordingLogger();
  let aheadMs = 0;
  const wallClock = { now: () => new Date(Date.now() + aheadMs) };
  const goAhead = (ms: number) => {
    aheadMs = ms;
  };
  const clock = new ManualClock();
  const identity = new ProcessIdentity({ files: filesIn(folder), usage: 'process', clock, wallClock, log: logger });
  /** Five seconds pass, after which the files are looked at. */
  const look = async () => {
    await clock.advance(5_000);
    await until(() => clock.timers === 1);
  };
  return { identity, lines: () => lines.map(({ message }) => message), goAhead, look };
}

describe('a certificate in files', () => {
  it('is replaced, and the last one stays while the new one cannot be used', async () => {
    const folder = await folderOf(first, 'sales');
    const { identity, lines, look } = identityIn(folder.path);
    identity.watch();
    const { current } = identity;
    const next = await certify(first, 'sales');
    folder.write({ cert: next.cert });
    await look();
    await look();
    expect(identity.current).toBe(current);
    expect(identity.fault).toContain('the key is that of another certificate');
    expect(lines()).toEqual(["the new certificate can't be used: the last one stays"]);
    folder.write({ key: next.key });
    await look();
    expect(identity.current.cert.toString()).toBe(next.cert);
    expect(identity.fault).toBeUndefined();
  });

  it.each([
    ['of another process', () => certify(first, 'projects'), 'restart it to rename it'],
    ['that has expired', () => certify(first, 'sales', { valid: [-2, -1] }), 'has expired'],
    ["that isn't valid yet", () => certify(first, 'sales', { valid: [1, 2] }), "isn't valid before"],
    ['of another authority', () => certify(second, 'sales'), 'no authority in the bundle has issued'],
    ['that may not serve', () => certify(first, 'sales', { usage: 'client' }), "may not be used as a server's"],
  ])('is not replaced by one %s', async (_what, make, fault) => {
    const folder = await folderOf(first, 'sales');
    const { identity } = identityIn(folder.path);
    const { current } = identity;
    folder.write(await make());
    await identity.check();
    expect(identity.current).toBe(current);
    expect(identity.fault).toContain(fault);
  });

  it('is found again when a symbolic link moves, as in Kubernetes', async () => {
    const folder = await folderOf(first, 'sales');
    const root = folder.path;
    const put = async (version: string) => {
      const pair = await certify(first, 'sales');
      mkdirSync(path.join(root, version));
      for (const [name, text] of Object.entries({ 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': first.cert }))
        writeFileSync(path.join(root, version, name), text);
      symlinkSync(version, path.join(root, 'data.new'));
      renameSync(path.join(root, 'data.new'), path.join(root, '..data'));
      return pair.cert;
    };
    await put('one');
    for (const name of ['tls.crt', 'tls.key', 'ca.crt']) {
      rmSync(path.join(root, name));
      symlinkSync(path.join('..data', name), path.join(root, name));
    }
    const { identity } = identityIn(root);
    const cert = await put('two');
    await identity.check();
    expect(identity.current.cert.toString()).toBe(cert);
  });

  it('asks for its renewal at two thirds of its life, once an hour', async () => {
    const folder = await folderOf(first, 'sales');
    const { identity, lines, goAhead } = identityIn(folder.path);
    await identity.check();
    expect(lines()).toEqual([]);
    goAhead(30 * 60_000);
    await identity.check();
    await identity.check();
    expect(lines()).toEqual(['two thirds of the life of the certificate are over: renew it']);
  });

  it.each([
    ['cert-manager', ['tls.crt', 'tls.key', 'ca.crt']],
    ["SPIRE's helper", ['svid.pem', 'svid_key.pem', 'bundle.pem']],
    ["SPIRE's helper by its documentation", ['svid.pem', 'svid_key.pem', 'svid_bundle.pem']],
    ["SPIRE's agent", ['svid.0.pem', 'svid.0.key', 'bundle.0.pem']],
  ])('may have the names of %s', async (_what, names) => {
    const folder = createFolder();
    const { cert, key } = await certify(first, 'sales');
    const texts = [cert, key, first.cert];
    for (const [index, name] of names.entries()) writeFileSync(path.join(folder.path, name), texts[index] ?? '');
    const clocks = { clock: systemClock, wallClock: systemWallClock };
    const settings = { mode: 'on', folder: folder.path } as const;
    const tls = openMutualTls(settings, { usage: 'process', descriptorSet: undefined, ...clocks });
    expect(tls?.identity.current.id.name).toBe('sales');
  });
});

describe('rotation under calls', () => {
  it.each([
    ['frames', true],
    ['gRPC', false],
  ])(
    'breaks no call and no stream over %s, while the leaf and then the authority change at both ends',
    async (_, frames) => {
      const [ofServer, ofClient] = [await folderOf(first, 'sales'), await folderOf(first, 'gateway')];
      const [server, client] = [mutualTlsIn(ofServer), mutualTlsIn(ofClient)];
      let streaming = true;
      const carriers = new Set<boolean>();
      const handlers = {
        unary(_request: unknown, { metadata }: ServerCall) {
          // Only a gRPC call has HTTP's headers.
          carriers.add(!metadata.has('user-agent'));
          return {};
        },
        async *serverStream() {
          while (streaming) {
            yield {};
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        },
      };
      const clock = patientClock;
      const serving = await startServer(handlers, { mutualTls: server, clock, router: { clock } });
      const open = () => connectTo([serving.address], { mutualTls: client, clock, known: { frames } }).client;
      const stays = open();
      let received = 0;
      const stream = (async () => {
        for await (const _ of stays.serverStream({})) received += 1;
      })();
      let made = 0;
      const load = Array.from({ length: 8 }, async () => {
        for (; streaming; made += 1) await stays.unary({});
      });
      /** Both ends read their files; then calls go over the old connection and over a new one. */
      const settle = async () => {
        await Promise.all([server.identity.check(), client.identity.check()]);
        const before = { received, made };
        for (let call = 0; call < 5; call += 1) await stays.unary({});
        await expect(open().unary({})).resolves.toBeDefined();
        while (received === before.received || made === before.made)
          await new Promise((resolve) => setTimeout(resolve, 5));
      };
      const both = `${second.cert}\n${first.cert}`;
      await settle();
      ofServer.write(await certify(first, 'sales'));
      ofClient.write(await certify(first, 'gateway'));
      await settle();
      for (const folder of [ofServer, ofClient]) folder.write({ ca: both });
      await settle();
      ofServer.write(await certify(second, 'sales'));
      await settle();
      ofClient.write(await certify(second, 'gateway'));
      await settle();
      for (const folder of [ofServer, ofClient]) folder.write({ ca: second.cert });
      await settle();
      expect(client.identity.current.ca.toString()).toBe(second.cert);
      streaming = false;
      await Promise.all([stream, ...load]);
      expect([...carriers]).toEqual([frames]);
    },
  );

  it('resumes no session of an authority that is out of the bundle', async () => {
    const [ofServer, pair] = [await folderOf(first, 'sales'), await certify(first, 'gateway')];
    const server = mutualTlsIn(ofServer);
    const serving = await startServer({}, { mutualTls: server });
    const ca = [first.cert, second.cert];
    const options = { port: serving.port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'], ...pair };
    const before = connectTls(options);
    const [session] = await once(before, 'session');
    const resumed = connectTls({ ...options, session });
    await once(resumed, 'secureConnect');
    expect(resumed.isSessionReused()).toBe(true);
    for (const socket of [before, resumed]) socket.destroy();
    ofServer.write({ ...(await certify(second, 'sales')), ca: second.cert });
    await server.identity.check();
    const after = connectTls({ ...options, session });
    await once(after, 'secureConnect');
    expect(after.isSessionReused()).toBe(false);
    await once(after.on('error', () => undefined).resume(), 'close');
  });

  it('serves no resumed session of a certificate that has expired since', async () => {
    const [ofServer, pair] = [await folderOf(first, 'sales'), await certify(first, 'gateway')];
    const { identity, goAhead } = identityIn(ofServer.path);
    const serving = await startServer({}, { mutualTls: { ...mutualTlsIn(ofServer), identity } });
    const options = { port: serving.port, host: '127.0.0.1', ca: first.cert, ALPNProtocols: ['h2'], ...pair };
    const before = connectTls(options);
    const [session] = await once(before, 'session');
    before.destroy();
    goAhead(2 * 60 * 60_000);
    const after = connectTls({ ...options, session });
    await once(after, 'secureConnect');
    expect(after.isSessionReused()).toBe(true);
    const received: Buffer[] = [];
    after.on('data', (bytes: Buffer) => received.push(bytes));
    await once(
      after.on('error', () => undefined),
      'close',
    );
    expect(received).toEqual([]);
  });

  it('refuses the earlier authority once it is out of the bundle', async () => {
    const [ofServer, ofClient] = [await folderOf(first, 'sales'), await folderOf(first, 'gateway')];
    const [server, client] = [mutualTlsIn(ofServer), mutualTlsIn(ofClient)];
    const serving = await startServer({}, { mutualTls: server });
    ofServer.write({ ...(await certify(second, 'sales')), ca: second.cert });
    ofClient.write({ ca: `${second.cert}\n${first.cert}` });
    await Promise.all([server.identity.check(), client.identity.check()]);
    await expect(connectTo([serving.address], { mutualTls: client }).client.unary({})).rejects.toMatchObject({
      message: expect.stringContaining('it may not accept spiffe://rondo.test/gateway'),
    });
  });
});
