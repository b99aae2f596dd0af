import { afterAll, beforeAll } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { DeliveryServiceDefinition } from '@rondo/contracts/projects/v1/delivery';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { AuditServiceDefinition } from '@rondo/contracts/rondo/audit/v1/audit';
import {
  BranchOutcome,
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createPool } from '@rondo/database';
import { eventually, startTestPostgres, waitingForLocks } from '@rondo/database/testing';
import { callPrincipal, type Principal, type ServerCall, silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { type Clock, systemClock, systemRandom, systemWallClock, type WallClock } from '@rondo/rpc/clock';
import type { Middleware } from '@rondo/rpc/middleware';
import { createRouter, type ServiceImplementation } from '@rondo/rpc/server';
import {
  createMemoryNetwork,
  createTestChannel,
  SettableWallClock,
  standIn,
  startParts,
  stopParts,
} from '@rondo/rpc/testing';
import type { App } from '@rondo/service';
import { createApp } from '../src/app.js';

/** A busy machine ends and refuses no call: limits of time fire twenty times as late, and slow calls refuse no others. */
const patient = {
  clock: {
    now: () => systemClock.now(),
    setTimer: (delayMs, callback, options) => systemClock.setTimer(20 * delayMs, callback, options),
  } satisfies Clock,
  admission: { adaptive: false },
};

/** Gives a call ten minutes at the server, unless its caller wants it to be short: the database waits as long as the call may. */
const unhurried: Middleware<ServerCall> = (call, next) => {
  const leftMs = (call.context.endsAt ?? Infinity) - systemClock.now();
  if (leftMs > 2_000) call.context.endAt(systemClock.now() + 600_000, systemClock);
  return next(call);
};

/**
 * Starts the whole service, with a real database and with fakes of the other services. Tests call it through its contract.
 *
 * @param bound returns the database's URL with changed parameters, such as limits of the time to wait for the database.
 */
export async function startCompany(bound = (url: string) => url, audit: number | 'off' = 'off') {
  const postgres = await startTestPostgres();
  const databaseUrl = bound(await postgres.createDatabase());
  const calculator = startCalculator();
  const context = { log: silentLogger, channel: calculator.channel, random: systemRandom };
  const config = { databaseUrl, audit };
  const start = (wallClock: WallClock = systemWallClock, clock: Clock = systemClock) =>
    createApp({ ...context, wallClock, clock }, config);
  const wallClockElsewhere = new SettableWallClock();
  const app = start();
  const second = start(wallClockElsewhere);
  await startParts(app);
  const channel = createTestChannel(observed(app));
  const secondChannel = createTestChannel(observed(second));
  const database = createPool({ url: databaseUrl, maxConnections: 12 });

  return {
    projects: createClient(ProjectServiceDefinition, { channel }),
    tasks: createClient(TaskServiceDefinition, { channel }),
    team: createClient(TeamServiceDefinition, { channel }),
    deliveries: createClient(DeliveryServiceDefinition, { channel }),
    audit: createClient(AuditServiceDefinition, { channel }),
    /** The clients of a caller with an identity, such as those that the process's middleware verifies. */
    as: (subject: string, ...scopes: readonly string[]) => clientsAs(app, { subject, scopes }),
    /** The service as a participant in distributed transactions. */
    participant: createClient(ParticipantServiceDefinition, { channel }),
    /** The tasks service of a second instance on the same database. */
    tasksElsewhere: createClient(TaskServiceDefinition, { channel: secondChannel }),
    /** The wall clock of the second instance. */
    wallClockElsewhere,
    /** The team service of the second instance. */
    teamElsewhere: createClient(TeamServiceDefinition, { channel: secondChannel }),
    calculator,
    postgres,
    databaseUrl,
    /** The service's database, without the service. */
    database,
    async stop() {
      channel.close();
      secondChannel.close();
      calculator.channel.close();
      await stopParts(app);
      await stopParts(second);
      await database.close();
      await postgres.stop();
    },
  };
}

/** The result of {@link startCompany}. */
export type Company = Awaited<ReturnType<typeof startCompany>>;

/** A company that starts before the tests of a file or a block, and stops after them. */
export function testCompany(...given: Parameters<typeof startCompany>): Company {
  const company = {} as Company;
  beforeAll(async () => void Object.assign(company, await startCompany(...given)));
  afterAll(() => company.stop());
  return company;
}

/** The app as a process has it, with more middleware inside of the observers of its parts. */
const observed = (app: App, inside: readonly Middleware<ServerCall>[] = []) => ({
  ...patient,
  ...app,
  parts: [{ name: 'time', observers: [unhurried] }, ...(app.parts ?? []), { name: 'callers', observers: inside }],
});

function clientsAs(app: App, { subject, scopes }: Pick<Principal, 'subject' | 'scopes'>) {
  const identified: Middleware<ServerCall> = (call, next) => {
    call.values.set(callPrincipal, { subject, scopes, issuer: 'https://issuer.example.com', actors: [] });
    return next(call);
  };
  const channel = createTestChannel(observed(app, [identified]));
  return {
    projects: createClient(ProjectServiceDefinition, { channel }),
    tasks: createClient(TaskServiceDefinition, { channel }),
    team: createClient(TeamServiceDefinition, { channel }),
  };
}

function startCalculator() {
  const sums: bigint[][] = [];
  const network = createMemoryNetwork();
  const services = [summing(sums), undecided()];
  const listener = network.listen('calculator', createRouter({ ...patient, services }));
  const resolver = staticResolver(['calculator']);
  const channel: Channel = createChannel({ ...patient, resolver, transport: network.transport });
  return { channel, sums, stop: () => listener.close() };
}

/** The prefix of the ids of made-up transactions, which no coordinator has begun. */
export const MADE_UP = 'made-up';

/** A fake of the coordinator of sales: made-up transactions are unknown to it, and all others are undecided. */
function undecided(): ServiceImplementation {
  return standIn(CoordinatorServiceDefinition, {
    inquireTransaction({ transaction }) {
      const known = transaction?.id.startsWith(MADE_UP) === false;
      return known ? {} : { outcome: BranchOutcome.BRANCH_OUTCOME_ABORTED };
    },
  });
}

/** A fake calculator that only adds up, and records the values. */
function summing(sums: bigint[][]): ServiceImplementation {
  return standIn(CalculatorServiceDefinition, {
    async sum(requests) {
      const values: bigint[] = [];
      for await (const { value } of requests) values.push(value);
      sums.push(values);
      return { result: values.reduce((sum, value) => sum + value, 0n), count: BigInt(values.length) };
    },
  });
}

let members = 0;

/** Creates a member with a unique e-mail address. Returns its name. */
export async function addMember({ team }: Company, weeklyCapacityMinutes = 2400n): Promise<string> {
  members += 1;
  const { name } = await team.createMember({
    member: { displayName: `Member ${members}`, email: `member-${members}@example.com`, weeklyCapacityMinutes },
  });
  return name;
}

/** Creates a project that has only a title. */
export function addProject({ projects }: Company, title = 'Website') {
  return projects.createProject({ project: { title } });
}

/** Locks a row until `release`. */
export async function holdRow({ database }: Company, table: 'projects' | 'members', name: string) {
  const held = new Signal();
  const released = new Signal();
  const holding = database.transaction(async (transaction) => {
    await transaction.one(`SELECT id FROM ${table} WHERE id = $1 FOR UPDATE`, [name.replace(`${table}/`, '')]);
    held.give();
    await released.given;
  });
  await Promise.race([held.given, holding]);
  return {
    /** Resolves when `count` backends wait for a lock. */
    waitedForBy: (count: number) =>
      eventually('the row is waited for', async () => (await waitingForLocks(database)) >= count),
    release() {
      released.give();
      return holding;
    },
  };
}

/** An event that happens once. */
class Signal {
  give: () => void = () => undefined;
  readonly given = new Promise<void>((resolve) => {
    this.give = resolve;
  });
}
