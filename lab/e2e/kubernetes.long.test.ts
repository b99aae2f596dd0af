/** Rondo with the API server of Kubernetes: its manifests are accepted, and its clients find instances by EndpointSlices. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { eventually, root, type ServiceProcess, startService } from '@rondo/harness';
import { kubernetesResolver } from '@rondo/registry-kubernetes/resolver';
import { createChannel, createClient } from '@rondo/rpc/client';
import { parseAllDocuments } from 'yaml';
import {
  type ControlPlane,
  discoveryFor,
  kustomize,
  kustomizeWith,
  noControlPlane,
  ownAddress,
  startControlPlane,
} from './src/control-plane.js';

const NAMESPACE = 'shop';
const COMPONENTS = readdirSync(join(root, 'infra/kubernetes/components'));
const SERVICE = CalculatorServiceDefinition.fullName;
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
        ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: at }, spec: spec.template.spec },
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
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'root', namespace: 'rondo' } },
      spec: { containers: [{ name: 'root', image: 'root', securityContext: { runAsUser: 0 } }] },
    };
    expect(() => cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(pod))).toThrow(/PodSecurity/);
  });

  describe('a client', () => {
    const running = new Map<string, ServiceProcess>();

    afterEach(async () => {
      await Promise.all([...running.values()].map((one) => one.stop()));
      running.clear();
    });

    /** Starts an instance, and lists it as the controller of EndpointSlices would once its pod is ready. */
    async function startPod(name: string): Promise<void> {
      const listen = `${ownAddress}:0`;
      const env = { RONDO_INSECURE: '1', RONDO_DRAIN_WAIT_MS: '3000' };
      const registry = cluster.registry(NAMESPACE);
      running.set(name, await startService('calculator', { instanceId: name, listen, registry, env }));
      setSlice(name, { ready: true, serving: true, terminating: false });
    }

    function setSlice(name: string, conditions: object): void {
      const [ip = '', port] = running.get(name)?.address.split(':') ?? [];
      const labels = {
        'kubernetes.io/service-name': 'calculator',
        'rondo/instances': 'frames',
        [`serves.rondo/${SERVICE}`]: '',
      };
      const slice = {
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
        metadata: { name, namespace: NAMESPACE, labels },
        ports: [{ name: 'grpc', port: Number(port), protocol: 'TCP' }],
        endpoints: [{ addresses: [ip], conditions, targetRef: { kind: 'Pod', name, namespace: NAMESPACE, uid: name } }],
      };
      cluster.kubectl(['apply', '-f', '-'], JSON.stringify(slice));
    }

    /** Ends an instance as Kubernetes does: its endpoint terminates, the process gets SIGTERM, the endpoint goes. */
    async function endPod(name: string): Promise<void> {
      setSlice(name, { ready: false, serving: true, terminating: true });
      expect((await running.get(name)?.stop())?.code).toBe(0);
      running.delete(name);
      cluster.kubectl(['-n', NAMESPACE, 'delete', 'endpointslice', name]);
    }

    it('fails no call while pods are replaced, the API server is killed, and a pod dies meanwhile', async () => {
      cluster.kubectl(['create', 'namespace', NAMESPACE]);
      cluster.kubectl(['apply', '-f', '-'], discoveryFor(NAMESPACE));
      await startPod('calculator-a');
      await startPod('calculator-b');
      const resolver = kubernetesResolver(cluster.registry(NAMESPACE));
      const channel = createChannel({ resolver, healthCheck: true });
      const client = createClient(CalculatorServiceDefinition, { channel });
      const load = keepCalling((onTrailer) => client.add({ a: 2n, b: 3n }, { onTrailer }));
      await load.reaches('calculator-a', 'calculator-b');
      for (const [old, next] of [
        ['calculator-a', 'calculator-c'],
        ['calculator-b', 'calculator-d'],
      ] as const) {
        await startPod(next);
        await load.reaches(next);
        await endPod(old);
      }
      await cluster.kill();
      await running.get('calculator-c')?.stop('SIGKILL');
      running.delete('calculator-c');
      await load.reaches('calculator-d');
      await cluster.restart();
      cluster.kubectl(['-n', NAMESPACE, 'delete', 'endpointslice', 'calculator-c']);
      await startPod('calculator-e');
      await load.reaches('calculator-e');
      const { failures, count } = await load.end();
      channel.close();
      expect(failures).toEqual([]);
      expect(count).toBeGreaterThan(1_000);
    });
  });
});

/** Makes calls without a pause, ten at a time at most, and counts them. */
function keepCalling(call: (onTrailer: (trailer: { get(key: string): unknown }) => void) => Promise<unknown>) {
  const failures: string[] = [];
  const served: string[] = [];
  let ending = false;
  const loop = async () => {
    while (!ending) {
      await call((trailer) => void served.push(String(trailer.get('rondo-served-by')))).catch((error) => {
        failures.push(String(error));
      });
      await sleep(10);
    }
  };
  const loops = Array.from({ length: 10 }, loop);
  return {
    /** Waits until each of these instances has answered a call that began from now on. */
    async reaches(...ids: readonly string[]) {
      const from = served.length;
      await eventually(() => {
        const missing = ids.filter((id) => !served.slice(from).some((by) => by.includes(id)));
        if (missing.length > 0) throw new Error(`${missing.join(', ')} not called; ${failures.at(-1) ?? 'no failure'}`);
      });
    },
    async end() {
      ending = true;
      await Promise.all(loops);
      return { failures, count: served.length };
    },
  };
}
