/** Whatever a request is, the server answers with a fitting code, and neither its process nor another client's call is harmed. */

import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Bystander, SERVED, startVictim, UNHARMED } from './attacks/bystander.js';
import { pathOf } from './attacks/frames.js';
import { messages } from './requests/bodies.js';
import { frames } from './requests/frames.js';
import { headers } from './requests/headers.js';
import type { BadRequest } from './requests/request.js';

let bystander: Bystander;

beforeAll(async () => {
  bystander = await startVictim();
});

afterAll(() => bystander.close());

/** The server is still the same process, and has logged nothing. */
afterEach(() => {
  expect(bystander.state()).toEqual(UNHARMED);
});

describe.each<[string, readonly BadRequest[]]>([
  ['headers', headers],
  ['messages', messages],
  ['frames', frames],
])('a request that is broken: %s', (_theme, requests) => {
  it.each(requests.map((request) => [request.name, request] as const))('%s', async (_name, { outcome, send }) => {
    let ended = '';
    const served = await bystander.during(async () => {
      ended = await send(bystander.victim);
    });
    expect([outcome].flat()).toContain(ended);
    expect(served).toEqual(SERVED);
  });
});

describe('more metadata than a server accepts', () => {
  it('ends the one call of a plain client, and no other on its connection', async () => {
    const client = new grpc.Client(`127.0.0.1:${bystander.victim.port}`, grpc.credentials.createInsecure());
    const identity = (bytes: Buffer) => bytes;
    const other = client.makeBidiStreamRequest(pathOf('BidiStream'), identity, identity);
    const closed = once(other, 'status');
    other.write(Buffer.alloc(0));
    await once(other, 'data');
    const metadata = new grpc.Metadata();
    for (let index = 0; index < 20; index += 1) metadata.add(`k${index}`, String(index).padEnd(5_000, '"#$&@^{}'));
    const error = await new Promise((resolve) => {
      client.makeUnaryRequest(pathOf('Unary'), identity, identity, Buffer.alloc(0), metadata, resolve);
    });
    expect(error).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
    other.write(Buffer.alloc(0));
    await once(other, 'data');
    other.end();
    expect(await closed).toMatchObject([{ code: grpc.status.OK }]);
    client.close();
  });
});
