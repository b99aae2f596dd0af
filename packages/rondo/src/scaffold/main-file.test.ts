import { describe, expect, it } from '@jest/globals';
import { withPlugin } from './plugins.js';

const consul = { module: '@rondo/registry-consul', value: 'consul' };
const without = (text: string, plugin: typeof consul) => withPlugin('main.ts', text, { ...plugin, change: 'remove' });
const nats = { module: '@rondo/topics-nats', value: 'nats' };

const PLAIN = `import { runService } from '@rondo/service';
import { createApp } from './app.js';

await runService({ name: 'greeter', port: 50060, createApp });
`;
const WITH_CONSUL = `import { consul } from '@rondo/registry-consul';
${PLAIN.replace('createApp });', 'createApp, plugins: [consul] });')}`;
const WITH_BOTH = `import { nats } from '@rondo/topics-nats';
${WITH_CONSUL.replace('[consul]', '[consul, nats]')}`;
const CONSTANT = `import { runService } from '@rondo/service';
import { consul } from '@rondo/registry-consul';

const plugins = [consul];
await runService({
  name: 'greeter',
  port: 50060,
  createApp: (context, config) => createApp(context, { ...config }),
  plugins,
});
`;

describe('a plugin in main.ts', () => {
  it('is added with its import', () => {
    expect(withPlugin('main.ts', PLAIN, consul)).toBe(WITH_CONSUL);
    expect(withPlugin('main.ts', WITH_CONSUL, nats)).toBe(WITH_BOTH);
  });

  it('is added once', () => {
    for (const text of [WITH_CONSUL, WITH_BOTH, CONSTANT]) expect(withPlugin('main.ts', text, consul)).toBe(text);
  });

  it('is added to a list that is a constant, and to a call of several lines', () => {
    expect(withPlugin('main.ts', CONSTANT, nats)).toContain('const plugins = [consul, nats];\n');
    const long = CONSTANT.replace(/^const .*\n/m, '').replace('  plugins,\n', '');
    expect(withPlugin('main.ts', long, nats)).toContain('{ ...config }), plugins: [nats],\n});');
  });

  it('is taken out again, with its import, and with an empty list', () => {
    expect(without(WITH_CONSUL, consul)).toBe(PLAIN);
    expect(without(WITH_BOTH, nats)).toBe(WITH_CONSUL);
    expect(without(WITH_BOTH, consul)).toContain('plugins: [nats]');
    expect(without(PLAIN, consul)).toBe(PLAIN);
    expect(without(withPlugin('main.ts', CONSTANT, nats), nats)).toBe(CONSTANT);
  });

  it.each([
    ['startService({});\n'],
    [PLAIN.replace(/\{ name.*\}/, 'options')],
    [PLAIN.replace('createApp });', 'plugins: [a].concat(b) });')],
    [PLAIN.replace('createApp });', 'plugins: list });')],
    [PLAIN.replace('createApp });', 'createApp, plugins: [consul(options)] });')],
  ])('is left to its author where the call has another form, with what to write: %j', (text) => {
    expect(() => withPlugin('services/a/src/main.ts', text, consul)).toThrow(
      "services/a/src/main.ts: calls runService in a form of its own; add import { consul } from '@rondo/registry-consul'; and consul to the plugins of runService by hand, and change package.json",
    );
  });
});
