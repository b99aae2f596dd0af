import { afterAll, beforeAll, describe } from '@jest/globals';
import { describeAttacks } from './attacks/describe-attacks.js';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';

tellSkipped('attacks on a registry over etcd', noEtcd);
(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'a registry over etcd', () => {
  let etcd: EtcdProcess;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.close());
  describeAttacks(() => ({ RONDO_REGISTRY_STORE: `etcd://${etcd.address}?warming-ms=0` }));
});
