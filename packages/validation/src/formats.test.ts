import { expect, it } from '@jest/globals';
import { isFormat } from './formats.js';

// packages/contracts/test checks the rules of contracts against protovalidate. Here are the edges of their standards.
it.each([
  {
    format: 'email',
    valid: ['a@b', 'a.b+c@example.com'],
    invalid: ['a@', '@b', 'a@-b', `a@${'b'.repeat(64)}`, 'a@b.', 'a b@c'],
  },
  {
    format: 'hostname',
    valid: ['a', 'a.', `${'a.'.repeat(126)}a`],
    invalid: ['', '.', 'a..b', '-a', '1.2.3.4', `${'a.'.repeat(127)}a`],
  },
  {
    format: 'ipv6',
    valid: ['::', '1::8', '::ffff:1.2.3.4', 'fe80::1%eth 0'],
    invalid: ['', ':', '1::2::3', '::1.2.3', 'fe80::1%', '1:2:3:4:5:6:7', '0'.repeat(1_000_000)],
  },
  {
    format: 'uri',
    valid: ['http://a', 'a://b@c:1/d?e#f', 'a:b'],
    invalid: ['http://a"', `http://${'a'.repeat(1_000_000)}"`],
  },
  { format: 'uriRef', valid: ['//a/b', 'a'], invalid: [`http://${'a'.repeat(1_000_000)}"`] },
  {
    format: 'uuid',
    valid: ['00000000-0000-0000-0000-00000000000F'],
    invalid: ['00000000-0000-0000-0000-00000000000G', '0'.repeat(32)],
  },
  {
    format: 'ulid',
    valid: [`7${'Z'.repeat(25)}`],
    invalid: [`8${'Z'.repeat(25)}`, `7${'I'.repeat(25)}`, '7'],
  },
] as const)('$format accepts what its standard has', ({ format, valid, invalid }) => {
  const accepts = (text: string) => isFormat(format, text);
  expect(valid.filter((text) => !accepts(text))).toEqual([]);
  expect(invalid.filter((text) => accepts(text))).toEqual([]);
});
