/** An instance that the launcher runs. */
export interface LauncherRow {
  /** Its id: `greeter-1`. */
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** The gRPC services that it serves, by their fully qualified names. */
  readonly services: readonly string[];
}

/** A process that the launcher runs, or is to run. */
export interface LauncherProcess {
  /** An instance's id, or `postgres`. */
  readonly name: string;
  /** Its folder under `services/`, or `postgres`. */
  readonly service: string;
  /** `running`, `stopped`, or what became of one that ended by itself: `backoff`, `starting`, `failed`, `ended`. */
  readonly state: string;
}

/** What the launcher tells when it is done. */
export interface Answer {
  readonly rows: readonly LauncherRow[];
  /** None where they weren't asked for. */
  readonly processes: readonly LauncherProcess[];
}

type Reply =
  | { readonly event: 'log'; readonly line: string }
  | ({ readonly event: 'done' } & Answer)
  | { readonly event: 'failed'; readonly message: string };

/** @throws Error when `line` is none of the launcher's replies. */
export function parseReply(line: string): Reply {
  const reply = parseObject(line);
  const { event, rows, processes = [], message } = reply;
  if (event === 'log') return { event, line: String(reply['line']) };
  if (event === 'failed') return { event, message: String(message) };
  if (event === 'done' && Array.isArray(rows) && Array.isArray(processes)) {
    return { event, rows: rows.map(toRow), processes: processes.map(toProcess) };
  }
  throw new Error(`the launcher said ${JSON.stringify(line)}: is it of another version? Start the system again`);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}

function toRow({ name, address, services }: Readonly<Record<string, unknown>>): LauncherRow {
  return {
    name: String(name),
    address: String(address),
    services: Array.isArray(services) ? services.map(String) : [],
  };
}

function toProcess({ name, service, state }: Readonly<Record<string, unknown>>): LauncherProcess {
  return { name: String(name), service: String(service), state: String(state) };
}
