/** An instance that the launcher runs. */
export interface LauncherRow {
  /** Its id: `greeter-1`. */
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** The gRPC services that it serves, by their fully qualified names. */
  readonly services: readonly string[];
}

type Reply =
  | { readonly event: 'log'; readonly line: string }
  | { readonly event: 'done'; readonly rows: readonly LauncherRow[] }
  | { readonly event: 'failed'; readonly message: string };

/** @throws Error when `line` is none of the launcher's replies. */
export function parseReply(line: string): Reply {
  const reply = parseObject(line);
  const { event, rows, message } = reply;
  if (event === 'log') return { event, line: String(reply['line']) };
  if (event === 'failed') return { event, message: String(message) };
  if (event === 'done' && Array.isArray(rows)) return { event, rows: rows.map(toRow) };
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
