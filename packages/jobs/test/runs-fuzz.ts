/**
 * A fuzzer of workflows: a random function, whose processes crash at random points, against a model. The model knows how often each effect may
 * take place, and calls the function once more by what is recorded.
 */
import { Operation } from '@rondo/contracts/google/longrunning/operations';
import { Approval, HireRequest, HireResponse, WriteResponse } from '@rondo/contracts/rondo/conformance/v1/workflows';
import type { Queries } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import type { Random } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import { type Run, RunFailed } from '../src/exports/index.js';
import { conduct } from '../src/runs/conduct.js';
import { MemoryRun } from '../src/runs/memory-store.js';
import { CANCELLED, failureIn } from '../src/runs/outcome.js';
import type { StepCaller } from '../src/runs/steps.js';
import type { Ended, RunStore } from '../src/runs/store.js';
import { account, dismiss, hiring } from './runs-fixture.js';

type Kind = 'call' | 'transaction' | 'step' | 'child' | 'sleep' | 'wait';
interface Step {
  readonly kind: Kind;
  readonly name: string;
  readonly undo: boolean;
  /** Whether it ends with a final error, and whether the function catches that. */
  readonly fails: boolean;
  readonly caught: boolean;
  /** Of a sleep or a wait; undefined for a wait without an end. */
  readonly ms: number | undefined;
}
type Node =
  | Step
  | { readonly kind: 'all'; readonly branches: readonly (readonly Node[])[] }
  | { readonly kind: 'race'; readonly steps: readonly Step[] }
  | { readonly kind: 'branch'; readonly ways: readonly (readonly Node[])[] };

const KINDS = ['call', 'transaction', 'step', 'child', 'sleep', 'wait'] as const;

/** A random function: at most three deep. */
function generate(random: Random): readonly Node[] {
  const chance = (of: number) => random.next() < of;
  const upTo = (most: number) => Math.floor(random.next() * (most + 1));
  let steps = 0;
  const step = (kinds: readonly Kind[] = KINDS): Step => {
    steps += 1;
    const kind = kinds[upTo(kinds.length - 1)] ?? 'step';
    const ms = kind === 'wait' && chance(0.5) ? undefined : upTo(5_000);
    return { kind, name: `${kind}-${steps}`, undo: chance(0.4), fails: chance(0.08), caught: chance(0.5), ms };
  };
  const block = (depth: number): readonly Node[] =>
    Array.from({ length: 1 + upTo(3) }, (): Node => {
      if (depth > 0 && chance(0.25)) return { kind: 'all', branches: [block(depth - 1), block(depth - 1)] };
      if (depth > 0 && chance(0.2)) return { kind: 'branch', ways: [block(depth - 1), block(depth - 1)] };
      return chance(0.1) ? { kind: 'race', steps: [step(['call', 'sleep']), step(['step', 'transaction'])] } : step();
    });
  return block(2);
}

type Ask = (step: Step) => Promise<number>;

/** The function. Its branches depend on what its steps came to, and in which order. */
async function execute(nodes: readonly Node[], ask: Ask, values: number[]): Promise<void> {
  for (const node of nodes)
    if (node.kind === 'all') await Promise.all(node.branches.map((branch) => execute(branch, ask, values)));
    else if (node.kind === 'branch') await execute(node.ways[(values.at(-1) ?? 0) % 2] ?? [], ask, values);
    else if (node.kind === 'race') values.push(await Promise.race(node.steps.map(ask)));
    else if (node.caught) values.push(await ask(node).catch(() => 7));
    else values.push(await ask(node));
}

/** What lies outside of the engine: it remembers keys, and loses replies. */
class World {
  readonly #random: Random;
  readonly values = new Map<string, number>();
  readonly children = new Map<string, { looks: number; outcome: Operation | undefined }>();
  readonly committed: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  value = () => Math.floor(this.#random.next() * 100);

  shake(): void {
    if (this.#random.next() < 0.05) throw new RpcError(Status.UNAVAILABLE, 'the connection breaks');
  }

  call(key: string, name: string): number {
    this.shake();
    if (name.endsWith('!')) throw new RpcError(Status.FAILED_PRECONDITION, name, { origin: 'server' });
    const value = this.values.get(key) ?? this.value();
    this.values.set(key, value);
    this.shake();
    return value;
  }

  start(key: string, name: string): Operation {
    this.shake();
    const operation = `operations/${name}/${key}`;
    if (!this.children.has(operation))
      this.children.set(operation, { looks: Math.floor(this.#random.next() * 3), outcome: undefined });
    this.shake();
    return Operation.fromPartial({ name: operation });
  }

  look(name: string, cancels: boolean): Operation {
    this.shake();
    const child = this.children.get(name) ?? { looks: 0, outcome: undefined };
    child.looks -= 1;
    const error = (code: Status) => ({ $case: 'error' as const, value: { code, message: name, details: [] } });
    const text = () => HireResponse.encode({ text: String(this.value()) }).finish();
    if (child.outcome === undefined && (cancels || child.looks < 0)) {
      const response = () => ({ $case: 'response' as const, value: { typeUrl: '', value: Buffer.from(text()) } });
      const failed = cancels ? Status.CANCELLED : name.includes('!') && Status.NOT_FOUND;
      child.outcome = Operation.fromPartial({ name, done: true, result: failed ? error(failed) : response() });
    }
    this.shake();
    return child.outcome ?? Operation.fromPartial({ name });
  }

  get caller(): StepCaller {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    return {
      encode: (_method, request) => Buffer.from(Object(request).entry ?? Object(request).person),
      call: async ({ method, request, key }) =>
        method.operation === undefined
          ? WriteResponse.encode({ entry: String(this.call(key, text(request))) }).finish()
          : Operation.encode(this.start(key, text(request))).finish(),
      look: async (name, { cancels }) => this.look(name, cancels),
      isFinal: (_method, { code }) => code === Status.FAILED_PRECONDITION,
      repeatableMs: () => Infinity,
    };
  }
}

/** Asks a run for a step. */
const asking =
  (run: Run, world: World): Ask =>
  async ({ kind, name, undo: isUndone, fails, ms }) => {
    const work = () => {
      world.shake();
      if (fails) throw new RunFailed(name);
      return world.value();
    };
    const write = async (tx: Queries) => {
      await tx.query(name);
      return work();
    };
    const undo = () => run.transaction(`-${name}`, (tx) => tx.query(`-${name}`));
    const options = isUndone ? { undo } : {};
    const sent = fails ? `${name}!` : name;
    if (kind === 'call') return Number((await run.call(name, account.write, { entry: sent }, options)).entry);
    if (kind === 'child') return Number((await run.call(name, dismiss, { person: sent }, options)).text);
    if (kind === 'transaction') return await run.transaction(name, write, options);
    if (kind === 'step') return await run.step(name, work, options);
    if (kind === 'wait') return Number((await run.wait(name, Approval, ms === undefined ? {} : { for: ms }))?.by ?? 1);
    await run.sleep(name, ms ?? 0);
    return 0;
  };

/** A process that crashes: it goes no further, or only once another has the run. What it writes commits with the record, or not at all. */
function crashing(store: RunStore, { world, random, often }: { world: World; random: Random; often: number }) {
  let crash = () => {};
  const crashed = new Promise<void>((resolve) => {
    crash = resolve;
  });
  const edge = async () => {
    if (random.next() >= often) return;
    crash();
    await new Promise((thaw) => (random.next() < 0.5 ? setTimeout(thaw, 1) : undefined));
  };
  const at =
    <A extends readonly unknown[], T>(work: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      await edge();
      const made = await work(...given);
      await edge();
      return made;
    };
  const { load, begin, end, follow, advance, fail, finish, retry, park, block } = store;
  const transaction: RunStore['transaction'] = async (step, work) => {
    const wrote: string[] = [];
    const query = async (sql: string) => void wrote.push(sql);
    // A test's queries: only `query` is used.
    const queries = { query } as unknown as Queries;
    const ended: Ended = await store.transaction(step, () => work(queries));
    world.committed.push(...wrote);
    return ended;
  };
  const own: RunStore = {
    load: at(load),
    begin: at(begin),
    end: at(end),
    follow: at(follow),
    transaction: at(transaction),
    advance: at(advance),
    fail: at(fail),
    finish: at(finish),
    retry: at(retry),
    park: at(park),
    block: at(block),
  };
  return { own, crashed };
}

/** What the function comes to by the records alone, in their order; and what it asks for. */
async function replay(nodes: readonly Node[], run: MemoryRun) {
  const waiting = new Map<string, { resolve(value: number): void; reject(error: Error): void }>();
  const asked = new Set<string>();
  const values: number[] = [];
  let result: { readonly values?: number[]; readonly error?: unknown } | undefined;
  const ask: Ask = ({ name }) => {
    asked.add(name);
    const promise = new Promise<number>((resolve, reject) => waiting.set(name, { resolve, reject }));
    promise.catch(() => undefined);
    return promise;
  };
  execute(nodes, ask, values).then(
    () => {
      result = { values };
    },
    (error: unknown) => {
      result = { error };
    },
  );
  const rows = [...run.steps.values()].filter(({ undoing, outcome }) => !undoing && outcome !== undefined);
  for (const { name, kind, outcome } of rows.sort((one, other) => one.place - other.place)) {
    await new Promise(setImmediate);
    if (outcome === undefined) continue;
    if (outcome.code !== 0) waiting.get(name)?.reject(failureIn(outcome));
    else waiting.get(name)?.resolve(readValue(kind, outcome.bytes));
  }
  await new Promise(setImmediate);
  return { result, asked };
}

function readValue(kind: string, bytes: Uint8Array | null): number {
  if (kind === 'sleep') return 0;
  if (kind === 'wait') return bytes === null ? 1 : Number(Approval.decode(bytes).by);
  if (kind === 'call') return Number(WriteResponse.decode(bytes ?? new Uint8Array()).entry);
  if (kind === 'child') return Number(HireResponse.decode(bytes ?? new Uint8Array()).text);
  return Number(JSON.parse(Buffer.from(bytes ?? []).toString()));
}

/** Runs a random function to its end. Resolves to what contradicts the model; undefined if nothing does. */
export async function fuzz(seed: number): Promise<string | undefined> {
  const random = seededRandom(seed);
  const nodes = generate(random);
  const [world, clock] = [new World(random), new ManualClock()];
  const workflow = hiring(async (given) => {
    const values: number[] = [];
    await execute(nodes, asking(given, world), values);
    return values.join();
  });
  const request = HireRequest.encode({ person: 'ada' }).finish();
  const run = new MemoryRun({ id: `run-${seed}`, request, clock, transaction: (work) => work({} as Queries) });
  const often = random.next() * 0.1;
  const cancelAt = random.next() < 0.2 ? Math.floor(random.next() * 8) : -1;
  let isCancelled = false;
  for (let round = 0; run.outcome === undefined; round += 1) {
    if (run.blocked !== undefined) return `it is blocked: ${run.blocked}`;
    if (round > 400) return 'it does not end';
    const { own, crashed } = crashing(run.store(), { world, random, often });
    run.attempts += 1;
    const { signal } = new AbortController();
    const options = { workflow, name: 'operations/s/RUN', store: own, caller: world.caller, signal, random };
    const conducted = conduct({ ...options, attempts: run.attempts, maxAttempts: 1_000, log: silentLogger });
    await Promise.race([conducted.catch(() => undefined), crashed]);
    if (round === cancelAt && run.outcome === undefined) {
      isCancelled = true;
      run.failure ??= CANCELLED;
    }
    for (const { name, kind, outcome } of run.steps.values())
      if (
        kind === 'wait' &&
        outcome === undefined &&
        random.next() < 0.5 &&
        run.signals.every((sent) => sent.name !== name)
      )
        run.signals.push({ name, value: Approval.encode({ by: String(world.value()) }).finish() });
    const waitMs = run.dueAt - clock.now();
    if (waitMs > 0) await clock.advance(Math.min(waitMs, 3_600_000));
  }
  return await faultOf(nodes, { run, world, isCancelled });
}

async function faultOf(
  nodes: readonly Node[],
  { run, world, isCancelled }: { run: MemoryRun; world: World; isCancelled: boolean },
): Promise<string | undefined> {
  const { outcome, steps } = run;
  const twice = world.committed.filter((name, at) => world.committed.indexOf(name) !== at);
  if (twice.length > 0) return `${twice.join()} was written twice`;
  const rows = [...steps.values()];
  const unwritten = rows.filter(
    (row) => row.kind === 'transaction' && row.outcome?.code === 0 && !world.committed.includes(row.name),
  );
  if (unwritten.length > 0) return `${unwritten[0]?.name} is recorded, and was not written`;
  const calls = rows.filter(({ kind }) => kind === 'call').length;
  if (world.values.size > calls) return `${world.values.size} calls took effect, and ${calls} are recorded`;
  if (world.children.size > rows.filter(({ kind }) => kind === 'child').length) return 'a child has started twice';
  const open = [...world.children].filter(([, child]) => child.outcome === undefined);
  if (open.length > 0) return `${open[0]?.[0]} goes on after its parent`;
  const flagged = new Set(
    stepsOf(nodes).flatMap(({ undo, kind, name }) => (undo && kind !== 'sleep' && kind !== 'wait' ? [name] : [])),
  );
  const undone = rows
    .filter(
      (row) =>
        !row.undoing &&
        flagged.has(row.name) &&
        (row.outcome === undefined ? row.kind === 'step' : row.outcome.code === 0),
    )
    .sort((one, other) => (other.place || Infinity) - (one.place || Infinity))
    .map(({ name }) => `-${name}`);
  const undos = world.committed.filter((name) => name.startsWith('-'));
  if (outcome?.code === 0 && undos.length > 0) return `${undos.join()} was undone without need`;
  if (outcome?.code !== 0 && undos.join() !== undone.join())
    return `undone is ${undos.join()} in place of ${undone.join()}`;
  const { result, asked } = await replay(nodes, run);
  const unasked = rows.filter((row) => !row.undoing && row.kind !== 'undo' && !asked.has(row.name));
  if (unasked.length > 0) return `${unasked[0]?.name} is recorded, and not asked for`;
  if (outcome?.code === Status.CANCELLED && isCancelled) return undefined;
  const expected = result?.values === undefined ? `failed: ${Object(result?.error).message}` : result.values.join();
  const got =
    outcome?.code === 0
      ? HireResponse.decode(outcome.bytes ?? new Uint8Array()).text
      : outcome && `failed: ${failureIn(outcome).message}`;
  return got === expected ? undefined : `it ended with ${got} in place of ${expected}`;
}

const stepsOf = (nodes: readonly Node[]): readonly Step[] =>
  nodes.flatMap((node): readonly Step[] => {
    if (node.kind === 'all') return node.branches.flatMap(stepsOf);
    if (node.kind === 'branch') return node.ways.flatMap(stepsOf);
    return node.kind === 'race' ? node.steps : [node];
  });

/** Fuzzes with these seeds. Resolves to what contradicts the model, with the seed. */
export async function fuzzAll(seeds: number): Promise<readonly string[]> {
  const faults: string[] = [];
  for (let seed = 1; seed <= seeds && faults.length < 10; seed += 1) {
    const fault = await fuzz(seed);
    if (fault !== undefined) faults.push(`seed ${seed}: ${fault}`);
  }
  return faults;
}
