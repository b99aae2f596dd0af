import { describe, expect, it } from '@jest/globals';
import { withoutPlugin, withPlugin } from './wire-plugin.js';

const consul = { module: '@rondo/registry-consul', value: 'consul' };
const nats = { module: '@rondo/topics-nats', value: 'nats' };

const PLAIN = `import { runService } from '@rondo/service';
import { createApp } from './app.js';

await runService({ name: 'greeter', port: 50060, createApp });
`;
const WITH_CONSUL = `import { runService } from '@rondo/service';
import { createApp } from './app.js';
import { consul } from '@rondo/registry-consul';

await runService({ name: 'greeter', port: 50060, createApp, plugins: [consul] });
`;
const WITH_BOTH = WITH_CONSUL.replace("consul';\n", "consul';\nimport { nats } from '@rondo/topics-nats';\n").replace(
  '[consul]',
  '[consul, nats]',
);
/** The list is a constant, one plugin a line. */
const CONSTANT = `import { runService } from '@rondo/service';
import { consul } from '@rondo/registry-consul';

const plugins = [
  consul, // for production
];
await runService({ name: 'greeter', port: 50060, createApp, plugins });
`;

describe('a plugin in main.ts', () => {
  it('is added with its import', () => {
    expect(withPlugin('main.ts', PLAIN, consul)).toBe(WITH_CONSUL);
    expect(withPlugin('main.ts', WITH_CONSUL, nats)).toBe(WITH_BOTH);
  });

  it('is added once', () => {
    for (const text of [WITH_CONSUL, WITH_BOTH, CONSTANT]) expect(withPlugin('main.ts', text, consul)).toBe(text);
    const renamed = WITH_CONSUL.replace('{ consul }', '{ consul as registry }').replace('[consul]', '[registry]');
    expect(withPlugin('main.ts', renamed, consul)).toBe(renamed);
  });

  it('is added to a list that is a constant', () => {
    expect(withPlugin('main.ts', CONSTANT, nats)).toContain('  consul, // for production\n  nats,\n];');
  });

  it('is taken out again, with its import, and with an empty list', () => {
    expect(withoutPlugin('main.ts', WITH_CONSUL, consul)).toBe(PLAIN);
    expect(withoutPlugin('main.ts', WITH_BOTH, nats)).toBe(WITH_CONSUL);
    expect(withoutPlugin('main.ts', WITH_BOTH, consul)).toContain('plugins: [nats]');
    expect(withoutPlugin('main.ts', PLAIN, consul)).toBe(PLAIN);
    expect(withoutPlugin('main.ts', withPlugin('main.ts', CONSTANT, nats), nats)).toBe(CONSTANT);
  });

  it.each([
    ["doesn't call runService({ … })", 'startService({});\n'],
    ["doesn't call runService({ … })", PLAIN.replace(/\{ name.*\}/, 'options')],
    ['has no list of plugins: plugins: [a].concat(b)', PLAIN.replace('createApp });', 'plugins: [a].concat(b) });')],
    ['imports another consul, from ./consul.js', `import { consul } from './consul.js';\n${PLAIN}`],
  ])('is refused by a file that %s', (reason, text) => {
    expect(() => withPlugin('services/a/src/main.ts', text, consul)).toThrow(`services/a/src/main.ts: ${reason}; `);
  });
});
