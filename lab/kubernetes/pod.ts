import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from '@rondo/harness';
import { RefusedError } from './api.js';
import { startContainer } from './container.js';
import { environmentOf, mountsOf, type PodPlace } from './files.js';
import { createPodNetwork, HOST, type PodNetwork } from './network.js';
import type { Pod } from './objects.js';
import { keepProbing } from './probe.js';

/** The command of an image, if its pod gives no other. */
const COMMAND = ['node', '/app/dist/main.mjs'];
const RETRY_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/** What the status says of the container. */
type State =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: { readonly exitCode: number; readonly finishedAt: string } };

const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

/** Where a pod runs. */
interface WorkerPlace extends Omit<PodPlace, 'pod' | 'address'> {
  /** The folder of the images: below the name of each, what it has at /app. */
  readonly images: string;
}

/** Runs one pod of one container, from its binding to a node until its object is gone. */
export class PodWorker {
  #pod: Pod;
  readonly #place: Omit<PodPlace, 'pod' | 'address'>;
  readonly #images: string;
  #network: PodNetwork | undefined;
  #process: RunningProcess | undefined;
  #state: State = { waiting: { reason: 'ContainerCreating' } };
  #ready = false;
  #started = false;
  #restarts = 0;
  #phase = 'Pending';
  readonly #startTime = now();
  /** Aborts when the pod is to end. */
  readonly #ending = new AbortController();
  /** Aborts when the node is lost: nothing is reported from then on. */
  readonly #lost: AbortSignal;
  #reports = Promise.resolve();

  constructor(pod: Pod, { images, ...place }: WorkerPlace, lost: AbortSignal) {
    this.#pod = pod;
    this.#place = place;
    this.#images = images;
    this.#lost = lost;
  }

  /** Takes what the API server has now. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) this.#end(pod.metadata.deletionGracePeriodSeconds ?? 30);
    // A controller may have written that the pods of this node aren't ready.
    const condition = pod.status?.conditions?.find(({ type }) => type === 'Ready');
    if (condition !== undefined && (condition.status === 'True') !== this.#ready) this.#report();
  }

  /** Ends the process at once. */
  kill(): void {
    this.#ending.abort();
    this.#process?.signal('SIGKILL');
  }

  /** Resolves when the pod has ended and its object is gone, or the node is lost. */
  async run(): Promise<void> {
    const { api, folder } = this.#place;
    while (!this.#ending.signal.aborted) {
      const code = await this.#runOnce().catch((error: unknown) => {
        this.#change({ waiting: { reason: 'CreateContainerError', message: String(error) } });
      });
      const policy = this.#pod.spec.restartPolicy;
      const isOver = policy === 'Never' || (policy === 'OnFailure' && code === 0);
      if (code !== undefined && isOver) {
        this.#phase = code === 0 ? 'Succeeded' : 'Failed';
        this.#report();
        await new Promise<void>((resolve) => this.#ending.signal.addEventListener('abort', () => resolve()));
        break;
      }
      if (code !== undefined) this.#restarts += 1;
      const pauseMs = Math.min(MAX_BACKOFF_MS, RETRY_MS * 2 ** this.#restarts);
      await sleep(pauseMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    }
    await this.#reports;
    await this.#network?.remove();
    rmSync(folder, { recursive: true, force: true });
    const { uid } = this.#pod.metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    await this.#untilAnswered(() => api.call('DELETE', this.#path(), options));
  }

  #end(graceSeconds: number): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    const running = this.#process;
    running?.signal('SIGTERM');
    const timer = setTimeout(() => running?.signal('SIGKILL'), graceSeconds * 1_000);
    timer.unref();
    void running?.ended.finally(() => clearTimeout(timer));
  }

  /** Runs the container, and gives its exit code. */
  async #runOnce(): Promise<number> {
    this.#network ??= await createPodNetwork();
    const network = this.#network;
    const { folder } = this.#place;
    const place = { ...this.#place, pod: this.#pod, address: network.address };
    const [env, mounts] = await Promise.all([environmentOf(place), mountsOf(place)]);
    const { securityContext, containers } = this.#pod.spec;
    const [{ name, image: imageName, args = COMMAND }] = containers;
    const image = path.join(this.#images, imageName);
    if (!existsSync(image)) throw new Error(`this kubelet doesn't have the image ${imageName}`);
    if (this.#ending.signal.aborted) return 0;
    const logFile = path.join(path.dirname(folder), `${this.#pod.metadata.name}-${name}.log`);
    const running = startContainer({
      network: network.name,
      root: path.join(folder, 'root'),
      env,
      mounts,
      logFile,
      image,
      user: securityContext.runAsUser,
      command: args,
    });
    this.#process = running;
    this.#phase = 'Running';
    this.#change({ running: { startedAt: now() } });
    const over = new AbortController();
    this.#probe(network.address, over.signal);
    const { code } = await running.ended.finally(() => over.abort());
    this.#ready = false;
    this.#started = false;
    const exitCode = code ?? 137;
    this.#change({ terminated: { exitCode, finishedAt: now() } });
    return exitCode;
  }

  /** Probes the process until the signal aborts. The readiness of one that drains is probed, too. */
  #probe(address: string, signal: AbortSignal): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.#pod.spec.containers[0];
    const restart = () => {
      if (!this.#ending.signal.aborted) this.#process?.signal('SIGKILL');
    };
    const begin = () => {
      this.#started = true;
      const onResult = (passes: boolean) => {
        this.#ready = passes;
        this.#report();
      };
      if (readinessProbe === undefined) onResult(true);
      else void keepProbing(readinessProbe, address, { signal, onResult });
      const live = (passes: boolean) => passes || restart();
      if (livenessProbe) void keepProbing(livenessProbe, address, { signal, onResult: live });
    };
    if (startupProbe === undefined) {
      begin();
      return;
    }
    const starting = new AbortController();
    const onResult = (passes: boolean) => {
      starting.abort();
      if (passes) begin();
      else restart();
    };
    void keepProbing(startupProbe, address, { signal: AbortSignal.any([signal, starting.signal]), onResult });
  }

  #change(state: State): void {
    this.#state = state;
    this.#report();
  }

  #path(): string {
    const { namespace, name } = this.#pod.metadata;
    return `/api/v1/namespaces/${namespace}/pods/${name}`;
  }

  /** Writes the status of then, after those that wait. */
  #report(): void {
    this.#reports = this.#reports.then(() =>
      this.#untilAnswered(() => this.#place.api.call('PATCH', `${this.#path()}/status`, this.#status())),
    );
  }

  #status() {
    const { uid } = this.#pod.metadata;
    const [{ name, image }] = this.#pod.spec.containers;
    const ready = this.#ready ? 'True' : 'False';
    const conditions = Object.entries({ Initialized: 'True', ContainersReady: ready, Ready: ready }).map(
      ([type, status]) => ({ type, status, lastTransitionTime: now() }),
    );
    const ip = this.#network?.address;
    const container = {
      name,
      image,
      imageID: image,
      containerID: `lab://${uid}`,
      restartCount: this.#restarts,
      ready: this.#ready,
      started: this.#started,
      state: this.#state,
    };
    const pod = { phase: this.#phase, podIP: ip, podIPs: [{ ip }], hostIP: HOST, startTime: this.#startTime };
    const status = { ...pod, conditions, containerStatuses: [container] };
    return { metadata: { uid }, status };
  }

  /** Repeats a call until the API server has answered, or the node is lost. What is refused, isn't wanted any more. */
  async #untilAnswered(call: () => Promise<unknown>): Promise<void> {
    while (!this.#lost.aborted) {
      try {
        await call();
        return;
      } catch (error) {
        if (error instanceof RefusedError && [404, 409].includes(error.status)) return;
        await sleep(RETRY_MS);
      }
    }
  }
}
