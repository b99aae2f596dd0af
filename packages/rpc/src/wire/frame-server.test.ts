import { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { createSemaphore, FairQueue, Shares, systemClock } from '@rondo/base';
import { certify, newAuthority } from '../../test/support/identities.js';
import { readFrames, toBytes } from '../../test/support/raw-frames.js';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { MAX_ASSERTION_LENGTH } from '../principal/claims.js';
import { FRAMES_VERSION, PREFACE } from '../transport/frames/frames.js';
import { InFlight } from '../transport/grpc/active-calls.js';
import { FrameServer } from './frame-server.js';
import { Connection } from './requests.js';

it('counts the assertions of a connection in what its client may hold', async () => {
  const certificate = new X509Certificate((await certify(await newAuthority(), 'front')).cert);
  const unfinished = new Shares(16 * MAX_ASSERTION_LENGTH);
  const connection = new Connection({
    socket: new Socket(),
    client: { identity: 'spiffe://rondo.test/front', certificate },
    close: () => undefined,
    unfinished,
    open: new Shares(Number.MAX_SAFE_INTEGER),
    stepBytes: 1,
  });
  const reasons: string[] = [];
  const read = readFrames(({ goAway }) => goAway && reasons.push(goAway.reason));
  const socket = { write: read, pause() {}, resume() {}, end() {}, destroy() {} };
  const server = new FrameServer(socket, connection, {
    methods: new Map(),
    inFlight: new InFlight(),
    handle: () => new Promise(() => undefined),
    clock: systemClock,
    logger: recordingLogger().logger,
    maxRequestBytes: 1_024,
    decompressions: createSemaphore(1),
    ends: new FairQueue(16),
  });
  server.receive(Buffer.concat([PREFACE, toBytes({ hello: { version: FRAMES_VERSION } })]));
  const assertion = 'a'.repeat(MAX_ASSERTION_LENGTH);
  for (let id = 1; id <= 8; id += 1)
    server.receive(toBytes({ call: { id, path: id === 1 ? '/a.B/C' : '', principal: id, assertion } }));
  expect(unfinished.amount).toBe(8 * MAX_ASSERTION_LENGTH);
  server.receive(toBytes({ call: { id: 9, principal: 9, assertion } }));
  await new Promise((resolve) => setImmediate(resolve));
  expect(reasons).toEqual([expect.stringContaining('send fewer at once')]);
  expect(unfinished.amount).toBe(0);
});
