import { fork } from 'node:child_process';
import path from 'node:path';
import { type Run, RunRecords, RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { listRuns, reasonOf } from '@rondo/operate/internal';
import { groupBy, type Trial } from '@rondo/rpc/internal';
import type { CommandContext } from '../command.js';
import { methodPolicy } from '../generate/options.js';
import { askAll, askGroup, groupsOf } from '../registry/groups.js';
import { registeredInstances } from '../registry/locate.js';
import { builtContracts } from '../workspace/contracts.js';
import { messageOf } from '../workspace/errors.js';
import { folderOf, readManifests, serviceNames } from '../workspace/manifests.js';

/** Runs that a build's function doesn't fit. */
export interface ParkedRuns {
  /** The workflow, such as `sales.v1.OrderService/Fulfil`. */
  readonly method: string;
  readonly reason: string;
  /** The names of the runs. */
  readonly runs: readonly string[];
}

/** What a build would do with the open runs of workflows. */
export interface TriedRuns {
  readonly tried: number;
  readonly parked: readonly ParkedRuns[];
  /** How many of the runs read a stored message of a type, by its full name: their requests, results and signals. */
  readonly messages: ReadonlyMap<string, bigint>;
  readonly notTried: readonly string[];
}

interface TrialOptions {
  /** The root of the workspace with the build. */
  readonly repository: string;
  /** The contract that has a service, such as `sales/v1/orders.proto`; undefined if the build has none. */
  readonly contractOf: (service: string) => string | undefined;
  readonly only?: string | undefined;
  readonly signal: AbortSignal;
}

const READ_MS = 30_000;
const TRIAL_MS = 60_000;

/**
 * Calls the functions of a build for the open runs of these instances, up to 200 of each service, in a process of each service that calls,
 * connects to and writes nothing.
 */
export async function tryRuns(instances: readonly Instance[], options: TrialOptions): Promise<TriedRuns> {
  const { repository, contractOf, only, signal } = options;
  const parked: (ParkedRuns & { readonly runs: string[] })[] = [];
  const found = { tried: 0, parked, messages: new Map<string, bigint>(), notTried: [] as string[] };
  const stored: RunRecords[] = [];
  for (const group of groupsOf(instances, RunServiceDefinition.fullName, only))
    await askGroup(
      group,
      {
        definition: RunServiceDefinition,
        async call(client, { signal: ended }) {
          for await (const run of client.readRecords({}, { signal: ended, timeoutMs: READ_MS })) stored.push(run);
        },
      },
      signal,
    ).catch((error: unknown) => found.notTried.push(`the runs of ${group[0]?.instanceId}: ${reasonOf(error)}`));
  const manifests = stored.length === 0 ? [] : readManifests(serviceNames(repository), repository);
  const ownerOf = ({ method }: RunRecords) => {
    const contract = contractOf(method.slice(0, method.indexOf('/')));
    return manifests.find(({ contracts }) => contract !== undefined && contracts.includes(contract))?.service ?? '';
  };
  for (const [service, runs] of groupBy(stored, ownerOf))
    try {
      const trials = service === '' ? [] : await tryWith(folderOf(service, repository), runs, options);
      found.tried += runs.length;
      for (const [index, { name, method }] of runs.entries()) {
        const { fault: reason, messages } = trials[index] ?? NO_WORKFLOW;
        for (const type of messages) found.messages.set(type, (found.messages.get(type) ?? 0n) + 1n);
        const same = found.parked.find((one) => one.method === method && one.reason === reason);
        if (same !== undefined) same.runs.push(name);
        else if (reason !== undefined) found.parked.push({ method, reason, runs: [name] });
      }
    } catch (error) {
      found.notTried.push(`the runs of ${service}: ${messageOf(error)}`);
    }
  return found;
}

const NO_WORKFLOW: Trial = { fault: 'the build has no function for it', messages: [] };

/** Neither a database nor a registry is there for the process. */
const NOWHERE = { DATABASE_URL: 'postgres://trial:trial@127.0.0.1:1/trial', RONDO_LOG_LEVEL: 'error' };

/** Lets the program of a service try these runs. @throws Error with what it wrote, if it ends before that. */
function tryWith(
  folder: string,
  runs: readonly RunRecords[],
  { repository, signal }: TrialOptions,
): Promise<readonly (Trial | null)[]> {
  const own = Object.entries(process.env).filter(([name]) => !/^(RONDO_|OTEL_)/.test(name));
  const child = fork(path.join(repository, folder, 'dist/main.js'), ['--trial'], {
    cwd: repository,
    env: { ...Object.fromEntries(own), ...NOWHERE },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // With Node 24.22, the option `timeout` holds this process after the child has ended.
    signal: AbortSignal.any([signal, AbortSignal.timeout(TRIAL_MS)]),
    killSignal: 'SIGKILL',
  });
  let wrote = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    wrote += text;
  });
  return new Promise((resolve, reject) => {
    const trials: (Trial | null)[] = [];
    child.on('message', (trial: Trial | null | 'ready') => {
      if (trial === 'ready') for (const run of runs) child.send(RunRecords.encode(run).finish());
      else if (trials.push(trial) === runs.length) {
        child.disconnect();
        resolve(trials);
      }
    });
    child.on('error', reject);
    child.on('close', (code) => reject(new Error(wrote.trim() || `${folder}/dist/main.js --trial ended with ${code}`)));
  });
}

/**
 * The newest runs of a service of the workspace that haven't ended, and those that wait for an operator or a build; undefined if it has
 * workflows, and no instance of it can be asked.
 */
export async function openRuns(service: string, context: CommandContext): Promise<readonly Run[] | undefined> {
  const { repository, signal } = context;
  const files = builtContracts(repository);
  const policy = methodPolicy(files);
  const own = readManifests([service], repository)
    .flatMap(({ contracts }) => contracts.flatMap((file) => files.getFile(file)?.services ?? []))
    .filter(({ methods }) => methods.some((method) => policy.of(method)?.workflow !== undefined))
    .map(({ typeName }) => typeName);
  if (own.length === 0) return [];
  try {
    const { instances } = await registeredInstances(context);
    const serving = instances.filter(({ services }) => own.some((one) => services.includes(one)));
    const found = await askAll(
      serving,
      { definition: RunServiceDefinition, call: (client, how) => listRuns(client, {}, how) },
      signal,
    );
    if (found.length === 0) return undefined;
    return found
      .flat()
      .filter(({ endTime, method }) => endTime === undefined && own.includes(method.split('/')[0] ?? ''));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
