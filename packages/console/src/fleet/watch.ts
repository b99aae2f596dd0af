import type { JsonValue } from '@bufbuild/protobuf';
import { useEffect, useState } from 'preact/hooks';
import { consoleMethod } from '../access.js';
import { call, listOf, recordOf } from '../calls/connect.js';

/** An instance, as the page shows it. */
export interface Instance {
  readonly id: string;
  readonly services: readonly string[];
  readonly state: State;
  readonly address: string;
  readonly zone: string;
  readonly version: string;
  readonly weight: number;
  readonly registered: string;
  /** Undefined if it doesn't report its load. */
  readonly load: Load | undefined;
}

/** Whether an instance takes calls. */
export type State = 'starting' | 'serving' | 'draining' | 'cordoned' | 'unknown';

interface Load {
  readonly callsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly callsInFlight: number;
  readonly cpuUtilization: number;
}

/** What is known of the fleet, and how current that is. */
export interface Fleet {
  readonly connection: 'connecting' | 'live' | 'away';
  /** Why the gateway can't be reached. */
  readonly why: string;
  /** Whether the registry answers the gateway. */
  readonly isCurrent: boolean;
  /** By id, in order. */
  readonly instances: readonly Instance[];
}

const NOTHING: Fleet = { connection: 'connecting', why: '', isCurrent: true, instances: [] };
const [FIRST_WAIT_MS, MAX_WAIT_MS] = [500, 10_000];
/** The gateway tells something every ten seconds. */
const SILENCE_MS = 25_000;
const byId = new Intl.Collator('en', { numeric: true });

/** Watches the fleet while the tab can be seen: a browser has few connections to one host, and all tabs share them. */
export function useFleet(): Fleet {
  const [fleet, setFleet] = useState(NOTHING);
  useEffect(() => {
    let gone = new AbortController();
    const follow = () => {
      gone.abort();
      gone = new AbortController();
      if (!document.hidden) void watch(gone.signal, setFleet);
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      gone.abort();
    };
  }, []);
  return fleet;
}

type Show = (change: (before: Fleet) => Fleet) => void;

/** Watches, and connects again when the stream breaks, until `signal` aborts. */
async function watch(signal: AbortSignal, show: Show): Promise<void> {
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    const { told, why } = await watchOnce(signal, show);
    if (signal.aborted) return;
    if (told) waitMs = FIRST_WAIT_MS;
    show((before) => ({ ...before, connection: 'away', why }));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Watches until the stream ends. */
async function watchOnce(signal: AbortSignal, show: Show): Promise<{ readonly told: boolean; readonly why: string }> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  const path = consoleMethod('WatchFleet');
  const known = new Map<string, Instance>();
  let told = false;
  try {
    const over = AbortSignal.any([signal, silent.signal]);
    for await (const event of call({ path, streams: true, messages: [{}], signal: over })) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      if (event.kind === 'end') return { told, why: event.error?.message ?? 'the gateway has ended the stream' };
      if (event.kind === 'header') continue;
      told = true;
      const isCurrent = apply(known, recordOf(event.value));
      const instances = [...known.values()].sort((one, other) => byId.compare(one.id, other.id));
      if (!signal.aborted) show(() => ({ connection: 'live', why: '', isCurrent, instances }));
    }
    return { told, why: 'the gateway is silent' };
  } finally {
    clearTimeout(timer);
  }
}

/** Applies an event. Returns whether the list is the registry's. */
function apply(known: Map<string, Instance>, { instances, left, source }: { [name: string]: JsonValue }): boolean {
  for (const id of listOf(left)) known.delete(String(id));
  for (const one of listOf(instances)) {
    const instance = toInstance(recordOf(one));
    known.set(instance.id, instance);
  }
  return source === 'FLEET_SOURCE_CURRENT';
}

const STATES: Readonly<Record<string, State>> = {
  FLEET_STATE_STARTING: 'starting',
  FLEET_STATE_SERVING: 'serving',
  FLEET_STATE_DRAINING: 'draining',
  FLEET_STATE_CORDONED: 'cordoned',
};

function toInstance(json: { [name: string]: JsonValue }): Instance {
  const text = (name: string) => String(json[name] ?? '');
  const load = json['load'] === undefined ? undefined : recordOf(json['load']);
  const figure = (name: string) => Number(load?.[name] ?? 0);
  return {
    id: text('instanceId'),
    services: listOf(json['services']).map(String),
    state: STATES[text('state')] ?? 'unknown',
    address: text('address'),
    zone: text('zone'),
    version: text('version'),
    weight: Number(json['weight'] ?? 0),
    registered: text('registerTime'),
    load: load && {
      callsPerSecond: figure('callsPerSecond'),
      errorsPerSecond: figure('errorsPerSecond'),
      callsInFlight: figure('callsInFlight'),
      cpuUtilization: figure('cpuUtilization'),
    },
  };
}
