/** The guide of Kubernetes, from an empty folder to an answer through the gateway. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, eventually, root, runNode, start } from '@rondo/harness';
import { noControlPlane } from './src/control-plane.js';
import { type Cluster, startCluster } from './src/kubernetes-fleet.js';

const missing = ['ip', 'grpcurl'].filter((program) => spawnSync(program, ['-help']).error !== undefined);
const why = missing.length === 0 ? noControlPlane : `there is no ${missing.join(', and no ')} here`;
/** The app's name. */
const NAMESPACE = 'shop';
const parent = mkdtempSync(join(tmpdir(), 'rondo-kubernetes-guide-'));
const app = join(parent, NAMESPACE);

let cluster: Cluster;

const succeed = ({ code, stdout, stderr }: Ended): string => {
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout;
};

(why === undefined ? describe : describe.skip)(`the guide of Kubernetes ${why ?? ''}`, () => {
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(async () => {
    await cluster?.stop();
    rmSync(parent, { recursive: true, force: true });
  });

  it('leads from an empty folder to pods that run, and to an answer through the gateway', async () => {
    succeed(await runNode([join(root, 'scripts/rondo.mjs'), 'lab', 'create', app], { cwd: root }));
    succeed(await start('npm', ['run', 'build'], { cwd: app }).ended);
    succeed(await runNode(['rondo', 'kubernetes'], { cwd: app }));
    await cluster.makeImages(app, NAMESPACE);
    await cluster.kubectlAsync(['apply', '-k', join(app, 'infra/kubernetes/overlays/development')]);
    for (const service of ['greeter', 'gateway']) await cluster.rolledOut(service, NAMESPACE);
    const pods = await cluster.kubectlAsync(['-n', NAMESPACE, 'get', 'pods']);
    process.stdout.write(pods);
    expect(pods.split('\n').filter((line) => / 1\/1 +Running /.test(line))).toHaveLength(2);

    // In place of kubectl port-forward, for which the laboratory's kubelet has no server.
    const address = await cluster.kubectlAsync([
      '-n',
      NAMESPACE,
      'get',
      'service',
      'gateway',
      '-o',
      'jsonpath={.spec.clusterIP}',
    ]);
    const call = ['-plaintext', '-authority', 'localhost', '-d', '{"text": "hello"}', `${address}:8080`];
    const answer = await eventually(async () =>
      succeed(await start('grpcurl', [...call, 'greeter.v1.GreeterService/Echo']).ended),
    );
    process.stdout.write(answer);
    expect(JSON.parse(answer)).toEqual({ text: 'hello' });
  });
});
