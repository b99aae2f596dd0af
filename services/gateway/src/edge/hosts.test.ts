import { expect, it } from '@jest/globals';
import { createHostCheck } from './hosts.js';

const allows = createHostCheck(['localhost', '[::1]', 'API.example.com'], '10.0.0.7');

it.each(['localhost', 'localhost:8080', 'LOCALHOST:1', '[::1]', '[::1]:8080', 'api.example.com', '10.0.0.7:8080'])(
  'allows %s',
  (authority) => expect(allows(authority)).toBe(true),
);

it.each(['', 'evil.example.com', 'localhost.evil.example.com', 'localhost:80:80', 'a@localhost', '[::2]', '::1'])(
  'refuses %j',
  (authority) => expect(allows(authority)).toBe(false),
);

it('allows any host by *, and an IPv6 address to listen on', () => {
  expect(createHostCheck(['*'], '127.0.0.1')('anything')).toBe(true);
  expect(createHostCheck([], 'fd00::7')('[fd00::7]:8080')).toBe(true);
});
