/** Registries of other kinds, real ones: what each adapter must do, and calls that go on through their outages. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { registryConformance } from '@rondo/registries/testing';
import { type Client, eachKind, type System, startSystem } from './src/foreign-system.js';

interface Outage {
  readonly name: string;
  /** Whether a client fails calls that believes what the registry lists, and its silence. */
  readonly needsGuard: boolean;
  /** `half` is half of the clients. */
  run(system: System, half: readonly Client[]): Promise<void>;
}

const OUTAGES: readonly Outage[] = [
  {
    name: 'frozen for two minutes',
    needsGuard: true,
    async run({ registry }) {
      registry.freeze();
      await sleep(120_000);
      registry.thaw();
    },
  },
  {
    name: 'killed',
    needsGuard: true,
    async run({ registry }) {
      await registry.kill();
      await sleep(4 * registry.ttlMs);
      await registry.restart({ empty: false });
    },
  },
  {
    name: 'killed, and empty afterwards',
    needsGuard: true,
    async run({ registry, path }) {
      // No instance is back before clients have seen the empty list.
      path.stall();
      await registry.kill();
      await registry.restart({ empty: true });
      await sleep(3 * registry.ttlMs);
      path.resume();
    },
  },
  {
    name: 'slow by 5 s',
    needsGuard: false,
    async run({ registry }) {
      for (let answer = 0; answer < 4; answer += 1) {
        registry.freeze();
        await sleep(5_000);
        registry.thaw();
        await sleep(100);
      }
    },
  },
  {
    name: 'cut off from half of the clients',
    needsGuard: true,
    async run({ registry }, half) {
      for (const client of half) client.cutOff();
      await sleep(4 * registry.ttlMs);
      for (const client of half) client.rejoin();
    },
  },
  {
    name: 'cut off from all live instances until their sessions have expired',
    needsGuard: true,
    async run({ registry, path }) {
      path.stall();
      await sleep(4 * registry.ttlMs);
      path.resume();
    },
  },
];

eachKind((kind, begin) => {
  it.each(registryConformance)('$name', async ({ run }) => {
    await expect(run(await begin())).resolves.toBeUndefined();
  });

  it.each(OUTAGES)('fails no call while it is $name', async ({ name, run, needsGuard }) => {
    const system = await startSystem(await begin());
    await Promise.all(['calculator-a', 'calculator-b'].map((id) => system.startInstance(id)));
    const clients = [await system.startClient(), await system.startClient()];
    const control = await system.startClient({ guarded: false, perSecond: 20 });
    const count = () => clients.reduce((sum, client) => sum + client.count, 0);
    const [began, before] = [performance.now(), count()];
    await run(system, [...clients.slice(1), control]);
    const late = await system.startInstance('calculator-c');
    const reach = (...ids: readonly string[]) => Promise.all(clients.map((client) => client.reaches(...ids)));
    await reach('calculator-a', 'calculator-b', 'calculator-c');
    await late.stop();
    await reach('calculator-a', 'calculator-b');
    const [seconds, calls] = [(performance.now() - began) / 1_000, count() - before];
    const failures = clients.flatMap((client) => client.failures);
    process.stdout.write(
      `${kind}, ${name}: ${calls} calls in ${Math.round(seconds)} s, ${Math.round(calls / seconds)} a second, ${failures.length} failed; ` +
        `without the guard ${control.failures.length} of ${control.count + control.failures.length}\n`,
    );
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(300);
    if (needsGuard) expect(control.failures).not.toEqual([]);
  });
});
