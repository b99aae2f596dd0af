import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InstanceStatus, RemovalReason } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettableWallClock } from '@rondo/rpc/testing';
import { startFakeRegistry } from './fake-registry.js';
import { instance } from './instance.js';
import { begin, type Run, rondo } from './recording-context.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let environment: { RONDO_REGISTRY: string };
const runs: Run[] = [];

beforeEach(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
});

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.interrupt();
    await run.exitCode;
  }
  await registry.stop();
});

function watch(...args: readonly string[]): Run {
  const run = begin(['watch', ...args], { environment });
  runs.push(run);
  return run;
}

/** Text that would colour a terminal and forge a line. */
const HOSTILE = '\u001b[31mx\nforged';

describe('rondo watch', () => {
  it('shows the present state, then each change, until Ctrl-C', async () => {
    registry.put(instance('a', ['s.v1.S']));
    const { stdout, exitCode, interrupt } = watch();
    await stdout.shows(/\dZ = a {2}SERVING {2}127\.0\.0\.1:50051 {2}s\.v1\.S\n/);
    registry.put(instance('b', ['s.v1.S']));
    await stdout.shows(/\dZ \+ b {2}SERVING/);
    registry.put(instance('b', ['s.v1.S'], { status: InstanceStatus.INSTANCE_STATUS_DRAINING }));
    await stdout.shows(/~ b \(status SERVING → DRAINING\)/);
    registry.remove('b', RemovalReason.REMOVAL_REASON_EXPIRED);
    await stdout.shows(/- b \(expired\)/);
    interrupt();
    expect(await exitCode).toBe(0);
  });

  it('shows the time by the wall clock, also after that was set', async () => {
    const wallClock = new SettableWallClock();
    wallClock.set(new Date('2027-12-31T23:00:00Z'));
    const people = begin(['watch'], { environment, wallClock });
    const programs = begin(['watch', '--json'], { environment, wallClock });
    runs.push(people, programs);
    registry.put(instance('a', ['s.v1.S']));
    await people.stdout.shows(/^23:0\d:\d\d\.\d{3}Z \S+ a/m);
    await programs.stdout.shows(/"time":"2027-12-31T23:0.*"instanceId":"a"/);
    wallClock.set(new Date('2028-02-29T07:00:00Z'));
    registry.put(instance('b', ['s.v1.S']));
    await people.stdout.shows(/^07:0\d:\d\d\.\d{3}Z \S+ b/m);
    await programs.stdout.shows(/"time":"2028-02-29T07:0.*"instanceId":"b"/);
  });

  it("escapes control characters in an instance's fields", async () => {
    registry.put(instance('a', ['s.v1.S'], { zone: 'eu/\u009bz' }));
    const { stdout } = watch();
    await stdout.shows(/= a .*eu\/\\u009bz/);
    registry.put(instance('a', ['s.v1.S'], { zone: 'eu/\u009bz', metadata: { k: HOSTILE } }));
    await stdout.shows(/~ a \(metadata - → k=\\u001b\[31mx\\nforged\)\n/);
  });

  it('shows which instances are cordoned, the reason if it is known, and which are put back', async () => {
    registry.mark('a', 'odd answers');
    registry.put(instance('a', ['s.v1.S']));
    registry.put(instance('b', ['s.v1.S']));
    const people = watch();
    const programs = watch('--json');
    await people.stdout.shows(/\dZ = a {2}CORDONED \(odd answers\) {2}127/);
    await people.stdout.shows(/\dZ = b {2}SERVING/);
    await programs.stdout.shows(/"instanceId":"b"/);
    await rondo(['cordon', 'b', '--reason', 'new disk', '--force'], { environment });
    await people.stdout.shows(/~ b \(cordoned: new disk\)/);
    await rondo(['uncordon', 'a'], { environment });
    await people.stdout.shows(/~ a \(uncordoned\)/);
    await programs.stdout.shows(/"changes":\["uncordoned"\]/);
    const lines = programs.stdout.text().trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { type: 'present', instance: { operatorState: 'CORDONED' }, cordonReason: 'odd answers' },
      { type: 'present', instance: { operatorState: 'NONE' } },
      { type: 'changed', changes: ['cordoned'], cordonReason: 'new disk' },
      { type: 'changed', changes: ['uncordoned'], instance: { instanceId: 'a', operatorState: 'NONE' } },
    ]);
  });

  it('moves to another address of the registry, and says so', async () => {
    const other = await startFakeRegistry();
    registry.put(instance('a', ['s.v1.S']));
    other.put(instance('a', ['s.v1.S']));
    const { stdout } = watch('--registry', `127.0.0.1:1,${registry.address},${other.address}`);
    await stdout.shows(/= a/);
    const { address } = registry;
    await registry.stop();
    await stdout.shows(new RegExp(`! .*${address}.*; asking at its other addresses\n`));
    await stdout.shows(new RegExp(`! watching goes on with the registry at ${other.address}\n`));
    other.put(instance('a', ['s.v1.S'], { weight: 7 }));
    await stdout.shows(/~ a \(weight 100 → 7\)/);
    await other.stop();
    registry = await startFakeRegistry(address);
    await stdout.shows(new RegExp(`watching goes on with the registry at ${address}\n`));
    expect(stdout.text().match(/^.*!/gm)).toHaveLength(4);
  });

  it('goes on when the registry restarts, and says so once', async () => {
    registry.put(instance('a', ['s.v1.S']));
    registry.put(instance('b', ['s.v1.S']));
    const { stdout } = watch();
    await stdout.shows(/= b/);
    await registry.stop();
    await stdout.shows(/! the registry at .* watching goes on when it is back/);
    registry = await startFakeRegistry(registry.address);
    registry.setWarming(true);
    await stdout.shows(/is back\n/);
    registry.put(instance('a', ['s.v1.S'], { weight: 7 }));
    await stdout.shows(/~ a \(weight 100 → 7\)/);
    expect(stdout.text()).not.toContain('- b');
    expect(stdout.text().match(/watching goes on/g)).toHaveLength(1);
  });

  it('prints one JSON object on each line, of one service if it is named', async () => {
    registry.put(instance('a', ['s.v1.S']));
    registry.put(instance('b', ['t.v1.T']));
    const { stdout } = watch('S', '--json');
    await stdout.shows(/\n/);
    expect(
      stdout
        .text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ time: expect.any(String), type: 'present', instance: expect.objectContaining({ instanceId: 'a' }) }]);
  });

  it('waits for a registry that does not run yet, and for a service without instances', async () => {
    const { address } = registry;
    await registry.stop();
    const everything = watch();
    await everything.stdout.shows(/can't be reached/);
    registry = await startFakeRegistry(address);
    await everything.stdout.shows(/is back/);
    watch('late.v1.LateService');
    const unknown = await rondo(['watch', 'late'], { environment });
    expect([unknown.exitCode, unknown.stderr]).toEqual([
      1,
      expect.stringContaining('no instance of "late" is registered'),
    ]);
  });
});
