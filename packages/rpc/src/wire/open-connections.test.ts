import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { networkOf, OpenConnections } from './open-connections.js';

describe('a client', () => {
  it.each([
    ['an IPv4 address', '10.0.0.1', '10.0.0.1'],
    ['a network of 64 bits', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['that network, abbreviated', '2001:DB8:1:2::1', '2001:db8:1:2'],
    ['a network with leading zeros', '2001:0db8:0001:0002::1', '2001:db8:1:2'],
    ['a network with zeros', '2001:db8::1', '2001:db8:0:0'],
    ['the loopback interface', '::1', '0:0:0:0'],
    ['an IPv4 address at a port of both families', '::ffff:192.0.2.1', '192.0.2.1'],
    ['an address of an interface', 'fe80::1%eth0', 'fe80:0:0:0'],
    ['a connection that has closed', '', ''],
  ])('is %s', (_name, address, client) => {
    expect(networkOf(address)).toBe(client);
  });
});

/** A connection from `address` that is never made. */
function from(address: string): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  return socket;
}

const closed = (socket: Socket) =>
  new Promise((resolve) => {
    socket.once('close', resolve).destroy();
  });

describe('the connections of a listener', () => {
  const ofOne = expect.stringContaining('its address has');
  const inAll = expect.stringContaining('this server has');

  it('are limited a client, with IPv4 and its mapping to IPv6 alike', async () => {
    const connections = new OpenConnections({ most: 10, ofOneClient: 2 });
    const first = from('10.0.0.1');
    const others = ['::ffff:10.0.0.1', '10.0.0.1', '10.0.0.2'].map(from);
    const faults = [first, ...others].map((socket) => connections.admit(socket));
    expect(faults).toEqual([undefined, undefined, ofOne, undefined]);
    await closed(first);
    expect(connections.admit(from('10.0.0.1'))).toBeUndefined();
  });

  it('of a proxy are limited in all only', () => {
    const isProxy = (address: string) => address === '10.0.0.1';
    const connections = new OpenConnections({ most: 3, ofOneClient: 1, isProxy });
    const addresses = ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.1'];
    const faults = addresses.map((address) => connections.admit(from(address)));
    expect(faults).toEqual([undefined, undefined, undefined, inAll]);
  });

  it('are limited in all', async () => {
    const connections = new OpenConnections({ most: 2, ofOneClient: 2 });
    const sockets = [from('10.0.0.1'), from('10.0.0.2')];
    const faults = [...sockets, from('10.0.0.3')].map((socket) => connections.admit(socket));
    expect(faults).toEqual([undefined, undefined, inAll]);
    let none = 0;
    connections.whenNone(() => {
      none += 1;
    });
    for (const socket of sockets) {
      expect(none).toBe(0);
      await closed(socket);
    }
    expect([none, connections.size]).toEqual([1, 0]);
  });
});
