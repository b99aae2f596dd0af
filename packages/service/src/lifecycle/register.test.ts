import type { NetworkInterfaceInfoIPv4 } from 'node:os';
import { expect, it } from '@jest/globals';
import { advertisedAddress } from './register.js';

const address = (ip: string, internal: boolean): NetworkInterfaceInfoIPv4 => {
  return { address: ip, netmask: '255.0.0.0', mac: '', family: 'IPv4', internal, cidr: null };
};
const interfaces = () => ({ lo: [address('127.0.0.1', true)], eth0: [address('10.0.0.7', false)] });

it.each([
  ['what the operator sets', { host: 'sales-1', port: 443 }, '0.0.0.0', 'sales-1:443'],
  ['the bound port if the operator sets none', { host: 'sales-1', port: undefined }, '0.0.0.0', 'sales-1:50053'],
  ['the bound address', undefined, '127.0.0.1', '127.0.0.1:50053'],
  ['a bound IPv6 address in brackets', undefined, '::1', '[::1]:50053'],
  ["the machine's own address if all IPv4 is bound", undefined, '0.0.0.0', '10.0.0.7:50053'],
  ["the machine's own address if all IPv6 is bound", undefined, '::', '10.0.0.7:50053'],
])('advertises %s', (...[, advertise, host, expected]) => {
  expect(advertisedAddress({ advertise, bound: { host, port: 50053 }, interfaces })).toBe(expected);
});

it('advertises the loopback of a machine that has no other address', () => {
  const bound = { host: '0.0.0.0', port: 50053 };
  const only = () => ({ lo: [address('127.0.0.1', true)] });
  expect(advertisedAddress({ advertise: undefined, bound, interfaces: only })).toBe('127.0.0.1:50053');
});
