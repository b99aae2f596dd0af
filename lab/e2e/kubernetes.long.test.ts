/** Rondo's manifests are accepted by the API server of Kubernetes. kubernetes-fleet.long.test.ts runs them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root } from '@rondo/harness';
import { parseAllDocuments } from 'yaml';
import {
  type ControlPlane,
  kustomize,
  kustomizeWith,
  noControlPlane,
  ownAddress,
  startControlPlane,
} from './src/control-plane.js';

const COMPONENTS = readdirSync(join(root, 'infra/kubernetes/components'));
const away = ownAddress === undefined ? 'this machine has the loopback alone' : noControlPlane;

let cluster: ControlPlane;

(away === undefined ? describe : describe.skip)(`on Kubernetes ${away ?? ''}`, () => {
  beforeAll(async () => {
    cluster = await startControlPlane();
    cluster.kubectl(['apply', '-f', 'infra/kubernetes/overlays/production/namespace.yaml']);
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  it.each(['development', 'production'])(
    'the overlay %s is accepted, its pods in a namespace that is restricted',
    (overlay) => {
      const objects = parseAllDocuments(kustomize(`infra/kubernetes/overlays/${overlay}`)).map((one) => one.toJS());
      const namespace = objects.find(({ kind }) => kind === 'Namespace');
      expect(namespace.metadata.labels).toEqual({ 'pod-security.kubernetes.io/enforce': 'restricted' });
      const workloads = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
      expect(workloads.length).toBeGreaterThanOrEqual(4);
      const pods = workloads.map(({ metadata: { name, namespace: at }, spec }) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: at },
        spec: spec.template.spec,
      }));
      const known = objects.filter(({ apiVersion }) => !apiVersion.startsWith('cert-manager'));
      const list = { apiVersion: 'v1', kind: 'List', items: [...known, ...pods] };
      const said = cluster.kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], JSON.stringify(list));
      expect(said.trim().split('\n')).toHaveLength(known.length + pods.length);
    },
  );

  it.each(COMPONENTS)('the component %s is accepted on the base', (component) => {
    const objects = parseAllDocuments(kustomizeWith(component)).map((one) => one.toJS());
    const known = objects.filter(
      ({ apiVersion }) => !/cert-manager|monitoring\.coreos|gateway\.networking/.test(apiVersion),
    );
    const pods = known.flatMap(({ metadata: { name, namespace: at }, spec }) =>
      spec?.template
        ? [{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: at }, spec: spec.template.spec }]
        : [],
    );
    const list = { apiVersion: 'v1', kind: 'List', items: [...known, ...pods] };
    const said = cluster.kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], JSON.stringify(list));
    expect(said.trim().split('\n')).toHaveLength(known.length + pods.length);
  });

  it('a pod with more rights is refused there', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'root', namespace: 'rondo' },
      spec: { containers: [{ name: 'root', image: 'root', securityContext: { runAsUser: 0 } }] },
    };
    expect(() => cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(pod))).toThrow(/PodSecurity/);
  });
});
