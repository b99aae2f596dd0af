import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiAccess } from './api.js';
import { Api, RefusedError } from './api.js';
import { HOST } from './network.js';
import type { Pod } from './objects.js';
import { PodWorker } from './pod.js';

/** How a node is run. */
export interface NodeOptions {
  readonly access: ApiAccess;
  readonly name: string;
  readonly zone: string;
  /** For the files and logs of its pods. */
  readonly folder: string;
  /** The folder of the images: below the name of each, what it has at /app. */
  readonly images: string;
}

const BEAT_MS = 2_000;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

/** A node of a laboratory's cluster: its pods are processes of this machine, each in a network namespace of its own. */
export class Kubelet {
  readonly #options: NodeOptions;
  readonly #api: Api;
  readonly #workers = new Map<string, { readonly worker: PodWorker; readonly ended: Promise<void> }>();
  readonly #lost = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#api = new Api(options.access);
  }

  /** Registers the node, and runs what is bound to it from then on. */
  async start(): Promise<void> {
    const { name, zone } = this.#options;
    const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'topology.kubernetes.io/zone': zone };
    await this.#create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
    await this.#create(LEASES, { ...this.#lease(), metadata: { name } });
    await this.#beat();
    const { signal } = this.#lost;
    const selector = `fieldSelector=spec.nodeName%3D${name}`;
    this.#running = Promise.all([
      this.#keepBeating(),
      this.#api.follow<Pod>('/api/v1/pods', this, { selector, signal }),
    ]);
  }

  changed(pod: Pod): void {
    const { uid, name } = pod.metadata;
    const known = this.#workers.get(uid);
    known?.worker.update(pod);
    if (known !== undefined) return;
    const { images } = this.#options;
    const folder = path.join(this.#options.folder, `${name}-${uid.slice(0, 8)}`);
    const worker = new PodWorker(pod, { api: this.#api, folder, images }, this.#lost.signal);
    const ended = worker.run().finally(() => this.#workers.delete(uid));
    this.#workers.set(uid, { worker, ended });
    worker.update(pod);
  }

  /** The object was deleted without grace. */
  gone({ metadata: { uid } }: Pod): void {
    this.#workers.get(uid)?.worker.kill();
  }

  /** Ends the node with all of its pods at once, and tells no one. */
  async lose(): Promise<void> {
    this.#lost.abort();
    const workers = [...this.#workers.values()];
    for (const { worker } of workers) worker.kill();
    await Promise.all([this.#running, ...workers.map(({ ended }) => ended)]);
    this.#api.close();
  }

  async #create(at: string, object: object): Promise<void> {
    await this.#api.call('POST', at, object).catch((error: unknown) => {
      if (!(error instanceof RefusedError && error.status === 409)) throw error; // it is there
    });
  }

  async #keepBeating(): Promise<void> {
    while (!this.#lost.signal.aborted) {
      // While the API server is away, the node goes on.
      await this.#beat().catch(() => undefined);
      await sleep(BEAT_MS, undefined, { signal: this.#lost.signal }).catch(() => undefined);
    }
  }

  /** Renews the lease, and what a controller may have written meanwhile: that the node isn't ready. */
  async #beat(): Promise<void> {
    const { name } = this.#options;
    await this.#api.call('PATCH', `${LEASES}/${name}`, this.#lease());
    const at = new Date().toISOString();
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: at };
    const capacity = { cpu: '16', memory: '32Gi', pods: '30' };
    const addresses = [{ type: 'InternalIP', address: HOST }];
    const status = { capacity, allocatable: capacity, addresses, conditions: [ready] };
    await this.#api.call('PATCH', `/api/v1/nodes/${name}/status`, { status });
  }

  #lease() {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: this.#options.name, leaseDurationSeconds: 8, renewTime };
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec };
  }
}
