import { describe, expect, it } from '@jest/globals';
import { createClientAddress, createProxyCheck } from './client-address.js';

const addressOf = createClientAddress(createProxyCheck(['10.0.0.0/8', 'fd00::1', '192.0.2.1']));

describe('the address of a client', () => {
  it.each([
    ['10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['10.1.2.3', '198.51.100.1, 203.0.113.9, 10.9.9.9', '203.0.113.9'],
    ['::ffff:10.1.2.3', '203.0.113.9:4711', '203.0.113.9'],
    ['fd00::1', '[2001:db8::7]:443', '2001:db8::7'],
    ['10.1.2.3', '10.4.5.6, 192.0.2.1', '10.4.5.6'],
    ['10.1.2.3', 'unknown', '10.1.2.3'],
    ['10.1.2.3', '203.0.113.9, <script>', '10.1.2.3'],
    ['10.1.2.3', undefined, '10.1.2.3'],
  ])('behind the trusted proxy %s that forwards for %s is %s', (remote, forwarded, client) => {
    expect(addressOf(remote, forwarded)).toBe(client);
  });

  it("is the connection's, whatever a stranger says", () => {
    expect(addressOf('203.0.113.9', '198.51.100.1')).toBe('203.0.113.9');
    expect(createClientAddress(createProxyCheck([]))('10.1.2.3', '198.51.100.1')).toBe('10.1.2.3');
  });
});
