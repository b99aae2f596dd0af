import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { CallScope } from '../src/call/scope.js';
import { currentScope, type ServerCall } from '../src/exports/call.js';
import { createChannel, createClient } from '../src/exports/client.js';
import { createRouter } from '../src/exports/server.js';
import { createMemoryNetwork, ManualClock, seededRandom } from '../src/exports/testing.js';
import { registryResolver } from '../src/resolver/registry.js';
import type { Watch } from '../src/resolver/watch-client.js';
import { failure } from './support/outcome.js';
import { instances, scriptedWatch } from './support/scripted-watch.js';
import { conformanceService, connect } from './support/service.js';

/** A channel over a scripted registry that lists the conformance service at `a:1`. */
function discovered() {
  const network = createMemoryNetwork();
  network.listen('a:1', createRouter({ services: [conformanceService()] }));
  const script = scriptedWatch();
  const scopes: (CallScope | undefined)[] = [];
  const signals: AbortSignal[] = [];
  const watch: Watch = (request, options) => {
    scopes.push(currentScope());
    signals.push(options.signal);
    return script.watch(request, options);
  };
  const clock = new ManualClock();
  const resolver = registryResolver({ watch, addresses: ['r:1'], clock, random: seededRandom(1) });
  const channel = createChannel({ resolver, transport: network.transport });
  return { client: createClient(ConformanceServiceDefinition, { channel }), channel, script, scopes, signals, clock };
}

describe('a registry watch that a handler happens to start', () => {
  it('is no part of its call: it continues when the call has ended or was cancelled', async () => {
    const { client, channel, script, scopes, signals, clock } = discovered();
    const calls: ServerCall[] = [];
    const near = connect({
      unary(request, call) {
        calls.push(call);
        return client.unary(request);
      },
    }).client;
    const caller = new AbortController();
    const first = failure(near.unary({}, { signal: caller.signal }));
    caller.abort();
    await first;
    const second = near.unary({ text: 'found' });
    await script.event({
      position: { epoch: 1n, revision: 1n },
      event: { $case: 'snapshot', value: { instances: instances('a') } },
    });
    expect(await second).toMatchObject({ text: 'found' });
    await script.fail('reset');
    await clock.advance(5_000);
    expect(calls.length).toBeGreaterThan(0);
    expect(scopes).toEqual([undefined, undefined]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    channel.close();
  });
});
