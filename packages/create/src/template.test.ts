import { expect, it } from '@jest/globals';
import { withVendored } from './template.js';

const text = 'packages: ["services/*"]\noverrides:\n  "a>b": "-"\n  "other": file:vendor/other.tgz\nmine: true\n';

it('makes pnpm take packages from vendor/, others from there later, and none at last', () => {
  const first = withVendored(text, ['create-rondo-0.1.0.tgz', 'rondo-grpc-js-0.1.0.tgz']);
  expect(first).toMatch(
    /overrides:\n {2}# .*\n {2}"@rondo\/grpc-js": file:vendor\/rondo-grpc-js-0.1.0.tgz\n {2}"create-rondo": /,
  );
  const second = withVendored(first, ['rondo-rpc-0.2.0-rc.1.tgz']);
  expect(second.match(/.*vendor\/rondo.*/g)).toEqual(['  "@rondo/rpc": file:vendor/rondo-rpc-0.2.0-rc.1.tgz']);
  expect(withVendored(second, [])).toBe(text);
});

it('writes the overrides if an app has none', () => {
  expect(withVendored('a: 1\n', ['rondo-rpc-0.1.0.tgz'])).toMatch(/^a: 1\noverrides:\n.*\n {2}"@rondo\/rpc": /);
});
