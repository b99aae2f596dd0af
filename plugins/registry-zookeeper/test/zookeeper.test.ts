import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Instance, InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
import { zookeeperRegistry } from '../src/exports/registry.js';
import { FrameReader, JuteWriter } from '../src/jute.js';
import { fromNode, toNode } from '../src/node.js';
import { Tree } from '../src/tree.js';

const SERVICE = 'shop.v1.CartService';

describe('a node', () => {
  const instance = Instance.fromPartial({
    instanceId: 'cart-1',
    incarnation: 1_700_000_000_000n,
    endpoints: [
      { address: '[fd00::1]:50051', security: 2 },
      { address: '[fd00::1]:50052', security: 1 },
    ],
    services: [SERVICE],
    zone: 'eu/a',
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
  });

  it('is what Curator reads, and the whole instance', () => {
    const text = toNode(SERVICE, instance);
    expect(JSON.parse(text)).toMatchObject({
      name: SERVICE,
      id: 'cart-1',
      address: 'fd00::1',
      port: 50_052,
      sslPort: 50_051,
      payload: null,
      registrationTimeUTC: 1_700_000_000_000,
      serviceType: 'DYNAMIC',
      enabled: true,
      uriSpec: { parts: [{ value: 'grpcs://[fd00::1]:50051?zone=eu%2Fa&version=', variable: false }] },
    });
    expect(fromNode(SERVICE, text)).toEqual(instance);
  });

  it('is not enabled unless the instance serves', () => {
    const draining = { ...instance, status: InstanceStatus.INSTANCE_STATUS_DRAINING };
    expect(JSON.parse(toNode(SERVICE, draining)).enabled).toBe(false);
  });

  it('of Curator is an instance without what only Rondo knows', () => {
    const json = { name: SERVICE, id: 'x', address: '10.0.0.1', port: 80, sslPort: null, registrationTimeUTC: 7 };
    const { endpoints, ...rest } = fromNode(SERVICE, JSON.stringify(json)) ?? {};
    expect(endpoints).toMatchObject([{ address: '10.0.0.1:80', security: 1 }]);
    expect(rest).toMatchObject({ instanceId: 'x', incarnation: 7n, services: [SERVICE], status: 2 });
  });

  it.each([
    ['Curator', { zone: 'eu/a', version: '2' }],
    ['Spring', { id: 'x', metadata: { zone: 'eu/a', version: '2' } }],
  ])("of %s has the zone and the version of the instance's payload", (_, payload) => {
    const json = { id: 'x', address: '10.0.0.1', port: 80, payload };
    expect(fromNode(SERVICE, JSON.stringify(json))).toMatchObject({ zone: 'eu/a', version: '2' });
  });

  it.each(['', 'x', 'null', '[]', '{"id":7,"address":"a"}'])('%p is none', (text) => {
    expect(fromNode(SERVICE, text)).toBeUndefined();
  });
});

describe('frames', () => {
  const frame = new JuteWriter().int(7).long(-8n).text('Zoë').bool(true).toFrame();

  it('are read whole, however they arrive', () => {
    const both = Buffer.concat([frame, frame]);
    for (let cut = 0; cut <= both.length; cut += 1) {
      const reader = new FrameReader();
      const frames = [both.subarray(0, cut), both.subarray(cut)].flatMap((chunk) => reader.read(chunk));
      expect(frames.map((one) => [one.int(), one.long(), one.text()])).toEqual([
        [7, -8n, 'Zoë'],
        [7, -8n, 'Zoë'],
      ]);
    }
  });

  it.each([-1, 0x7fff_ffff])('of %d bytes are refused', (length) => {
    expect(() => new FrameReader().read(new JuteWriter().int(length).toFrame().subarray(4))).toThrow(RangeError);
  });

  it('that end early, or name more than there can be, are refused', () => {
    const read = (writer: JuteWriter) => {
      const [reader] = new FrameReader().read(writer.toFrame());
      return () => reader?.texts(2);
    };
    expect(read(new JuteWriter().int(3).text('a').text('b').text('c'))).toThrow('it names more than 2 instances');
    expect(read(new JuteWriter().int(2).int(100))).toThrow(RangeError);
  });
});

it('nodes of more text than instances can have are refused, however few they are', async () => {
  const text = JSON.stringify({ id: 'x', address: '10.0.0.1', port: 80, payload: 'x'.repeat(1024 * 1024) });
  const frame = new JuteWriter().text(text);
  for (let zero = 0; zero < 9; zero += 1) frame.long(0n); // more than a Stat has
  const answer = frame.toFrame();
  const request = async () => {
    const [reader] = new FrameReader().read(answer);
    if (reader === undefined) throw new Error('no frame');
    return reader;
  };
  const nodes = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `/services/a/${from + at}`);
  const tree = new Tree({ request }, () => SERVICE);
  expect(await tree.update(nodes(0, 31))).toBe(true);
  expect(await tree.update(nodes(0, 31))).toBe(true); // read again, they count once
  expect(tree.list()).toHaveLength(1);
  await expect(tree.update(nodes(31, 32))).rejects.toThrow('its nodes have more than 33554432 characters');
});

describe('a server that is no ZooKeeper', () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  it.each([
    ['answers in HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', /is no answer of ZooKeeper/],
    ['closes the connection', '', /was closed/],
  ])('and %s is said to be none', async (_, answer, message) => {
    server = createServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end(answer),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const registry = zookeeperRegistry(`zookeeper://127.0.0.1:${port}`, { ttlMs: 10_000, clock, random });
    const renewal = registry.renew(Instance.fromPartial({ services: [SERVICE] }), {
      ttlMs: 1,
      signal: AbortSignal.timeout(60_000),
    });
    await expect(renewal).rejects.toThrow(message);
    await registry.close();
  });
});
