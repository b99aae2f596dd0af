import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Status } from '../../status/code.js';
import { type DirectCall, startDirectly } from './direct-call.js';

let server: grpc.Server;
let channel: grpc.Channel;

const NONE: DirectCall['listener'] = {
  onReceiveMetadata: () => undefined,
  onReceiveMessage: () => undefined,
  onReceiveStatus: () => undefined,
};
const identity = (bytes: Buffer): Buffer => bytes;

beforeEach(async () => {
  server = new grpc.Server();
  const echo: grpc.handleUnaryCall<Buffer, Buffer> = (call, respond) => {
    const trailer = new grpc.Metadata();
    trailer.set('seen', `${call.getHost()} ${call.metadata.get('key')}`);
    respond(null, call.request, trailer);
  };
  server.register('/a.B/Echo', echo, identity, identity, 'unary');
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  channel = new grpc.Channel(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {});
});

afterEach(() => {
  channel.close();
  server.forceShutdown();
});

/** Connects as far as `state`. */
function reach(state: grpc.connectivityState): Promise<void> {
  const now = channel.getConnectivityState(true);
  if (now === state) return Promise.resolve();
  return new Promise((resolve) =>
    channel.watchConnectivityState(now, Number.POSITIVE_INFINITY, () => resolve(reach(state))),
  );
}

/** Begins a call, and what has arrived of it. */
function begin(text: string) {
  const arrived: unknown[] = [];
  let started: ReturnType<typeof startDirectly>;
  const ended = new Promise<readonly unknown[]>((resolve) => {
    const metadata = new grpc.Metadata();
    metadata.set('key', 'value');
    const listener: DirectCall['listener'] = {
      onReceiveMetadata: (header) => arrived.push(header.toJSON()),
      onReceiveMessage(message) {
        arrived.push(String(message));
        started?.startRead();
      },
      onReceiveStatus({ code, metadata: trailer }) {
        arrived.push(code, trailer.get('seen'));
        resolve(arrived);
      },
    };
    started = startDirectly(channel, {
      ...{ path: '/a.B/Echo', metadata, listener },
      ...{ message: Buffer.from(text), maxReplyBytes: 100 },
    });
  });
  started?.startRead();
  return { started, ended };
}

describe('a call below the channel', () => {
  it('is one on the connection of a ready channel', async () => {
    await reach(grpc.connectivityState.READY);
    const { started, ended } = begin('hello');
    expect(started).toBeDefined();
    const header = { 'content-type': ['application/grpc+proto'], date: [expect.any(String)] };
    expect(await ended).toEqual([
      header,
      'hello',
      grpc.status.OK,
      [`${channel.getTarget().replace('dns:', '')} value`],
    ]);
  });

  it("isn't begun without a ready channel, as grpc-js makes other calls wait", async () => {
    expect(begin('before').started).toBeUndefined();
    await reach(grpc.connectivityState.READY);
    channel.close();
    expect(begin('after').started).toBeUndefined();
  });

  it('that the connection does not take has not left this process', () => {
    const createCall = () => {
      throw new Error('The session has been destroyed');
    };
    const real = { getConnectivityState: () => grpc.connectivityState.READY, createCall };
    const currentPicker = { subchannel: { getRealSubchannel: () => real } };
    const ended = Object.assign(Object.create(channel), { internalChannel: { currentPicker, defaultAuthority: 'a' } });
    const given = { path: '/a.B/Echo', message: Buffer.alloc(0), metadata: new grpc.Metadata() };
    const start = () => startDirectly(ended, { ...given, listener: NONE, maxReplyBytes: 1 });
    expect(start).toThrow(expect.objectContaining({ code: Status.UNAVAILABLE, reach: 'unsent' }));
    expect(start).toThrow(/the call was not taken .*The session has been destroyed/);
  });

  it("isn't begun with a grpc-js whose private parts differ", async () => {
    await reach(grpc.connectivityState.READY);
    for (const internalChannel of [undefined, {}, { currentPicker: {}, defaultAuthority: 'a' }]) {
      const other = Object.assign(Object.create(channel), { internalChannel });
      const { message, metadata, listener } = {
        message: Buffer.alloc(0),
        metadata: new grpc.Metadata(),
        listener: NONE,
      };
      expect(
        startDirectly(other, { path: '/a.B/Echo', message, metadata, listener, maxReplyBytes: 1 }),
      ).toBeUndefined();
    }
  });
});
