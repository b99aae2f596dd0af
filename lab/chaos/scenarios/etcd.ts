import path from 'node:path';
import { etcdMissing, startEtcd, until } from '@rondo/harness';
import { REPLICAS, SAFE, type Scenario } from '../scenario.js';
import { startMarking, watchMarkers } from '../testbed/markers.js';
import type { Testbed } from '../testbed/testbed.js';
import { now, pass } from '../time.js';

const WATCHERS = 9;

/** The registry on etcd loses the leader of etcd and a registry that is watched. */
export const etcd: Scenario = {
  name: 'etcd',
  fault: 'one of three etcd nodes and one of three registries killed',
  bound: '0 failed, no missed change, a newcomer is found',
  control: 'watchers and client know one registry alone, the one killed',
  missing: etcdMissing,
  async run({ testbed, verdict, control, lasts }) {
    const tls = testbed.certificates.filesOf('etcd');
    const cluster = await startEtcd(path.join(testbed.folder, 'etcd'), { members: 3, tls });
    testbed.onClose(() => cluster.stop());
    const start = () => testbed.startRegistry({ RONDO_REGISTRY_STORE: storeOf(cluster.urls, testbed) });
    const registries = await Promise.all([start(), start(), start()]);
    const addresses = registries.map(({ address }) => address);
    await Promise.all(REPLICAS.map((id) => testbed.startReplica(id)));

    const [first] = registries;
    const known = control && first !== undefined ? [first.address] : addresses;
    const mutualTls = testbed.certificates.mutualTlsOf('chaos');
    const watchers = Array.from({ length: WATCHERS }, () => watchMarkers({ registry: known, mutualTls }));
    for (const watcher of watchers) testbed.onClose(async () => watcher.close());
    const watched = () => registries.find(({ address }) => watchers.some(({ registry }) => registry === address));
    const victim = await until(watched, { what: 'a registry is watched', timeoutMs: 10_000 });
    const load = testbed.startLoad(SAFE, { RONDO_REGISTRY: known.join(',') });
    await load.untilServed(REPLICAS);
    const marking = startMarking({ registry: addresses, mutualTls });
    await pass(lasts(6_000, 3_000));
    const killedAt = now();
    const orphans = watchers.filter(({ registry }) => registry === victim.address);
    await Promise.all([victim.stop('SIGKILL'), cluster.killLeader()]);
    await pass(lasts(20_000, 8_000));

    const ids = await marking.stop();
    await pass(3_000);
    verdict.note(
      `${ids.length} instances came and went; ${orphans.length} of ${WATCHERS} watchers lost their registry`,
    );
    const missed = watchers.flatMap(({ came, went }) => [
      ...ids.filter((id) => !came.has(id)).map((id) => `${id} came`),
      ...ids.filter((id) => !went.has(id)).map((id) => `${id} went`),
    ]);
    const which = missed.length === 0 ? '' : ` (such as ${[...new Set(missed)].slice(0, 4).join(', ')})`;
    verdict.check(`${missed.length} of ${2 * ids.length * WATCHERS} changes missed${which}`, missed.length === 0);
    const newcomer = await testbed.startReplica('replica-4');
    const found = await load.untilServed([newcomer.id]).catch(() => undefined);
    verdict.check(found === undefined ? 'the newcomer was not found' : 'the newcomer was found', found !== undefined);
    const calls = await load.stop();
    verdict.noFailures(calls);
    verdict.check(
      'calls went on afterwards',
      calls.some(({ at }) => at > killedAt),
    );
  },
};

/** The location of a registry's state. */
function storeOf(urls: readonly string[], { certificates, ttlMs }: Testbed): string {
  const members = urls.map((url) => new URL(url).host).join(',');
  const files = certificates.filesOf('registry');
  const [scheme, tls] = files
    ? ['etcds', `&ca-file=${files.ca}&cert-file=${files.cert}&key-file=${files.key}`]
    : ['etcd', ''];
  return `${scheme}://${members}?warming-ms=${ttlMs}${tls}`;
}
