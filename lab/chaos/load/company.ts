/** The load of a company: reads that are safe to repeat, and writes that aren't. */
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { type Channel, createClient } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { now } from '../time.js';
import { openLoop } from './open-loop.js';
import type { CallRecord } from './protocol.js';

/** A write, and the title of its project. */
export interface WriteRecord extends CallRecord {
  readonly title: string;
}

/** The number of tasks that are written with each project: all of them or none. */
export const TASKS = 5;
const PAGE_SIZE = 200;

/** How much the company calls. */
interface CompanyOptions {
  /** Begins the titles of the projects that it writes. */
  readonly name: string;
  /** The timeout of each call in milliseconds; by default the contract's. */
  readonly timeoutMs?: number | undefined;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}

/** The calls of a company, and what its services have. */
export type Company = ReturnType<typeof startCompany>;

/** Starts to read customers and projects, and to write projects with their tasks. A write isn't repeated. */
export function startCompany(channel: Channel, options: CompanyOptions) {
  const { name, timeoutMs, readsPerSecond, writesPerSecond } = options;
  const customers = createClient(CustomerServiceDefinition, { channel });
  const projects = createClient(ProjectServiceDefinition, { channel });
  const tasks = createClient(TaskServiceDefinition, { channel });
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  const reads: CallRecord[] = [];
  const writes: WriteRecord[] = [];
  let count = 0;

  async function read(): Promise<void> {
    count += 1;
    const call = count % 2 === 0 ? customers.listCustomers({}, limit) : projects.listProjects({ pageSize: 10 }, limit);
    reads.push(await recordOf(call));
  }
  async function write(): Promise<void> {
    count += 1;
    const title = `${name} ${count}`;
    const planned = Array.from({ length: TASKS }, (_, index) => ({ title: `task ${index}` }));
    const record = await recordOf(projects.createProject({ project: { title }, tasks: planned }, limit));
    writes.push({ ...record, title });
  }
  const loops = [openLoop(readsPerSecond, read), openLoop(writesPerSecond, write)];

  return {
    reads,
    writes,
    /** Ends the load after the calls in flight. Gives the longest that this process stood still, in milliseconds. */
    async stop(): Promise<number> {
      await Promise.all(loops.map((loop) => loop.stop()));
      return Math.max(...loops.map((loop) => loop.takeStallMs()));
    },
    /** The numbers of tasks of the projects that exist, by title: more than one if a title was written twice. */
    async written(): Promise<ReadonlyMap<string, readonly number[]>> {
      const found = new Map<string, readonly number[]>();
      let pageToken = '';
      do {
        const page = await projects.listProjects({ pageSize: PAGE_SIZE, pageToken });
        for (const { name: parent, title } of page.projects) {
          const { tasks: all } = await tasks.listTasks({ parent, pageSize: PAGE_SIZE });
          found.set(title, [...(found.get(title) ?? []), all.length]);
        }
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return found;
    },
  };
}

async function recordOf(call: Promise<unknown>): Promise<CallRecord> {
  const at = now();
  try {
    await call;
    return { at, ms: now() - at, code: 'OK', instance: '' };
  } catch (error) {
    const code = error instanceof RpcError ? error.codeName : 'THROWN';
    return { at, ms: now() - at, code, instance: '', message: String(error) };
  }
}
