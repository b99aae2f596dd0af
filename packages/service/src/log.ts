import { types } from 'node:util';
import { RpcError } from '@rondo/rpc/status';
import { pino } from 'pino';
import { createMask } from './config/secrets.js';

/** The fields of every log line, and the lowest level that is logged. */
export interface LogOptions {
  readonly service: string;
  readonly instanceId: string;
  readonly level: pino.LevelWithSilent;
  /** Texts that no line may hold. */
  readonly secrets?: readonly string[];
  /** Gets each line, too. */
  readonly keep?: ((line: string) => void) | undefined;
  /** Receives the lines; standard output by default. */
  readonly destination?: pino.DestinationStream;
}

/**
 * Creates a process's log: one JSON line per event, written synchronously in this thread. Pino's default writes in the
 * background and can put the last lines of an exiting process out of order. Its worker transports don't survive
 * bundling.
 */
export function createLog({ service, instanceId, level, secrets = [], keep, destination }: LogOptions): pino.Logger {
  const options = {
    level,
    base: { service, instance: instanceId },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: serializeError },
  };
  return pino(options, masked(destination ?? pino.destination({ dest: 1, sync: true }), secrets, keep));
}

function masked(
  destination: pino.DestinationStream,
  secrets: readonly string[],
  keep: LogOptions['keep'],
): pino.DestinationStream {
  if (secrets.length === 0 && keep === undefined) return destination;
  const mask = createMask(secrets);
  return {
    write(line) {
      const text = mask(line);
      keep?.(text);
      destination.write(text);
    },
  };
}

/**
 * Pino's serializer with two changes to the message: that of a failed call has the method, the attempts and the times, and a cause's
 * text appears once, even if the error repeats it.
 */
function serializeError(error: Error): object {
  if (!types.isNativeError(error)) return error;
  return Object.assign(pino.stdSerializers.err(error), { message: messageWithCauses(error) });
}

function messageWithCauses(error: Error): string {
  let message = error instanceof RpcError && error.report !== undefined ? String(error) : error.message;
  const seen = new Set<unknown>([error]);
  for (let { cause } = error; types.isNativeError(cause) && !seen.has(cause); { cause } = cause) {
    seen.add(cause);
    if (!message.includes(cause.message)) message += `: ${cause.message}`;
  }
  return message;
}

/**
 * The destination for a terminal: human-readable lines if standard output is a terminal and pino-pretty is installed.
 * Otherwise undefined.
 */
export async function consoleDestination(): Promise<pino.DestinationStream | undefined> {
  if (!process.stdout.isTTY) return undefined;
  try {
    const { build } = await import('pino-pretty');
    const pretty = build({ sync: true, ignore: 'pid,hostname,service' });
    return { write: (line) => void pretty.write(printableLine(line)) };
  } catch {
    return undefined; // images don't have pino-pretty: they log JSON
  }
}

/** Characters that control a terminal or reorder its text. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Text of several lines for a terminal, which may come from other processes. */
export const printable = (text: string): string =>
  text.replace(CONTROL, (found) =>
    found === '\n' ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A line of the log for a terminal. A stack has several lines. */
export function printableLine(line: string): string {
  const show = (key: string, value: unknown) => {
    if (typeof value !== 'string') return value;
    return key === 'stack' ? printable(value) : printable(value).replaceAll('\n', '\\n');
  };
  return `${JSON.stringify(JSON.parse(line), show)}\n`;
}
