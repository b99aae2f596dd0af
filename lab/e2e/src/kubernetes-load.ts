import { setTimeout as sleep } from 'node:timers/promises';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { eventually } from '@rondo/harness';
import { type CallOptions, type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { PlainClient } from '../../kubernetes/plain-client.js';

/** Eight callers, each of which calls at most every 25 ms: 320 calls a second, or what the machine can do. */
const [CALLERS, PAUSE_MS] = [8, 25];
const PLAIN_PAUSE_MS = 50;
const PROJECTS = 8;

/** A call that failed. */
export interface Failure {
  readonly text: string;
  readonly isSafe: boolean;
  /** The instances that were tried. */
  readonly instances: readonly string[];
}

/** What was called since the last look. */
export interface Looked {
  readonly answered: number;
  /** How many calls exceeded a deadline, which may be short for a busy machine. */
  readonly late: number;
  readonly failures: readonly Failure[];
  /** How many calls of the calculator each instance has answered. */
  readonly shares: Readonly<Record<string, number>>;
  /** The same of plain grpc-js at the address of the Service, and what failed there. */
  readonly plain: { readonly shares: Readonly<Record<string, number>>; readonly failures: readonly string[] };
}

/** Calls that go on until `end`. */
export type Load = Awaited<ReturnType<typeof startLoad>>;

/** Where is called: by a channel, through the gateway, and by plain grpc-js at the address of a Service. */
interface Targets {
  readonly channel: Channel;
  readonly gateway: string;
  readonly plain: string;
}

/** Begins to call all services: nine of ten calls are safe to repeat. */
export async function startLoad({ channel, gateway, plain }: Targets) {
  const outside = createChannel({ resolver: staticResolver([gateway]) });
  const plainClient = new PlainClient(plain);
  const projects = createClient(ProjectServiceDefinition, { channel });
  const products = createClient(ProductServiceDefinition, { channel });
  const calculator = createClient(CalculatorServiceDefinition, { channel });
  const throughGateway = createClient(CalculatorServiceDefinition, { channel: outside });
  // Pods are ready a moment before a Service leads to them.
  const first = await eventually(() => projects.createProject({ project: { title: 'Own' } }));
  await eventually(() => throughGateway.add({ a: 2n, b: 3n }));
  const names = [first.name];
  while (names.length < PROJECTS) names.push((await projects.createProject({ project: { title: 'Own' } })).name);
  const book = new Book();
  const add = () => calculator.add({ a: 2n, b: 3n }, book.sharing);
  // Behind one address a client can't go elsewhere. It waits until the address leads to a gateway that lives, and its caller
  // repeats what broke with the one before, as it is safe.
  const viaGateway = async () => {
    const once = () => throughGateway.add({ a: 2n, b: 3n }, { waitForReady: true });
    return await once().catch(once);
  };
  const update = (turn: number) =>
    projects.updateProject(
      { project: { name: names[turn % PROJECTS] ?? '', title: `Turn ${turn}` }, updateMask: ['title'] },
      book.serving,
    );
  const kinds: readonly (readonly [string, (turn: number) => Promise<unknown>])[] = [
    ['add', add],
    ['add through the gateway', viaGateway],
    ['list projects', () => projects.listProjects({ pageSize: 3 }, book.serving)],
    ['add', add],
    ['add through the gateway', viaGateway],
    ['list products', () => products.listProducts({ pageSize: 3 }, book.serving)],
    ['add', add],
    ['add through the gateway', viaGateway],
    ['add', add],
    [UNSAFE, update],
  ];
  const over = new AbortController();
  let turn = 0;
  const work = async () => {
    while (!over.signal.aborted) {
      const pause = sleep(PAUSE_MS);
      const [kind, call] = kinds[turn % kinds.length] ?? ['', async () => undefined];
      turn += 1;
      await book.attempt(kind, () => call(turn));
      await pause;
    }
  };
  const plainly = async () => {
    while (!over.signal.aborted) {
      const pause = sleep(PLAIN_PAUSE_MS);
      await book.attemptPlainly(() => plainClient.add());
      await pause;
    }
  };
  const working = Promise.all([...Array.from({ length: CALLERS }, work), plainly()]);
  return {
    /** What was called since the last look. */
    look: () => book.look(),
    /** Waits until each of the instances has answered a call. */
    async reaches(instances: readonly string[]) {
      book.served.clear();
      await eventually(() => {
        const missing = instances.filter((one) => !book.served.has(one));
        if (missing.length > 0) throw new Error(`no call was served by ${missing.join(', ')}; ${book.last}`);
      });
    },
    async end() {
      over.abort();
      await working;
      outside.close();
      plainClient.close();
    },
  };
}

const UNSAFE = 'update a project';

/** What the calls did. */
class Book {
  readonly served = new Set<string>();
  last = 'no failure';
  #beganAt = performance.now();
  #now = empty();
  readonly serving: CallOptions = {
    onTrailer: (trailer) => void this.served.add(trailer.get('rondo-served-by') ?? ''),
  };
  readonly sharing: CallOptions = {
    onTrailer: (trailer) => {
      const by = trailer.get('rondo-served-by') ?? '';
      this.served.add(by);
      this.#now.shares[by] = (this.#now.shares[by] ?? 0) + 1;
    },
  };

  async attempt(kind: string, call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
      this.#now.answered += 1;
    } catch (error) {
      this.last = `${Math.round(performance.now() - this.#beganAt)} ms: ${kind}: ${error}`;
      const instances = error instanceof RpcError ? (error.report?.attempts ?? []).map(({ instance }) => instance) : [];
      if (isLate(error)) this.#now.late += 1;
      else this.#now.failures.push({ text: this.last, isSafe: kind !== UNSAFE, instances });
    }
  }

  async attemptPlainly(call: () => Promise<string>): Promise<void> {
    const { plain } = this.#now;
    try {
      const by = await call();
      plain.shares[by] = (plain.shares[by] ?? 0) + 1;
    } catch (error) {
      plain.failures.push(String(error));
    }
  }

  look(): Looked {
    const looked = this.#now;
    this.#now = empty();
    this.#beganAt = performance.now();
    return looked;
  }
}

/** Whether a call was too slow, or a statement of the database, which says that it is unavailable then. */
const isLate = (error: unknown) =>
  error instanceof RpcError &&
  (error.code === Status.DEADLINE_EXCEEDED || error.message.includes('the database is unavailable'));

const empty = () => ({
  answered: 0,
  late: 0,
  failures: [] as Failure[],
  shares: {} as Record<string, number>,
  plain: { shares: {} as Record<string, number>, failures: [] as string[] },
});
