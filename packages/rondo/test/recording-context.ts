import { type Clock, systemClock, systemWallClock, type WallClock } from '@rondo/rpc/clock';
import { runCli } from '../src/cli.js';
import type { CommandContext } from '../src/command.js';
import type { RepositoryDoctor } from '../src/doctor/checks.js';
import { rendered, type Terminal } from '../src/terminal/terminal.js';

/** A terminal that records its output. */
export interface RecordingTerminal extends Terminal {
  readonly text: () => string;
  /** Resolves when the output fits. */
  readonly shows: (pattern: RegExp) => Promise<void>;
}

/** Only a hang takes so long. */
const DEADLINE_MS = 300_000;

function recordingTerminal(live: boolean, color = false): RecordingTerminal {
  let text = '';
  const waiting = new Set<() => void>();
  return {
    color,
    live,
    async write(more, over) {
      text += rendered(more, { color }, over);
      for (const look of waiting) look();
    },
    text: () => text,
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`${pattern} was not shown, but:\n${text}`));
        }, DEADLINE_MS);
        const look = () => {
          if (!pattern.test(text)) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/**
 * Limits of time from `fromMs` on fire sixty times as late, so that whatever answers does so in time, however busy the machine is.
 * Shorter waits, such as between two questions, are as long as ever.
 */
export function patient(fromMs: number): Clock {
  const late = (delayMs: number) => (delayMs < fromMs ? delayMs : 60 * delayMs);
  return {
    now: () => systemClock.now(),
    setTimer: (delayMs, callback, options) => systemClock.setTimer(late(delayMs), callback, options),
  };
}

/** The settings of a run of `rondo`. */
export interface RunOptions {
  /** The standard input; if it is missing, a terminal at which nothing is typed. */
  readonly stdin?: Pieces;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether standard output shows colours. */
  readonly color?: boolean;
  /** Whether standard error is a terminal. */
  readonly live?: boolean;
  /** Whether standard output is a terminal. */
  readonly stdoutLive?: boolean;
  readonly directory?: string;
  readonly repository?: string;
  readonly dataDirectory?: string;
  /** The checks of the workspace; none by default, as in an image. */
  readonly doctor?: RepositoryDoctor;
  /** By default one that is {@link patient} from a second on. */
  readonly clock?: Clock;
  readonly wallClock?: WallClock;
}

/** A run of `rondo` in this process. */
export interface Run {
  readonly stdout: RecordingTerminal;
  readonly stderr: RecordingTerminal;
  readonly exitCode: Promise<number>;
  /** Sends Ctrl-C. */
  interrupt(): void;
}

/** What a command may use of its process, with terminals that record. */
export function recordingContext(options: RunOptions = {}) {
  const stdout = recordingTerminal(options.stdoutLive ?? false, options.color);
  const stderr = recordingTerminal(options.live ?? false);
  const interrupted = new AbortController();
  const context: CommandContext = {
    stdin: { interactive: options.stdin === undefined, read: () => toBytes(options.stdin ?? []) },
    stdout,
    stderr,
    environment: options.environment ?? {},
    directory: options.directory ?? '/',
    repository: options.repository ?? '/nowhere',
    tool: '/nowhere',
    doctor: async () => options.doctor,
    dataDirectory: options.dataDirectory ?? '/nowhere',
    clock: options.clock ?? patient(1_000),
    wallClock: options.wallClock ?? systemWallClock,
    program: '/nowhere/rondo.mjs',
    signal: interrupted.signal,
  };
  return { stdout, stderr, context, interrupt: () => interrupted.abort() };
}

/** Starts `rondo` with `args`. */
export function begin(args: readonly string[], options: RunOptions = {}): Run {
  const { context, ...run } = recordingContext(options);
  return { ...run, exitCode: runCli(args, context) };
}

/** Runs `rondo` to its end. */
export async function rondo(args: readonly string[], options: RunOptions = {}) {
  const { stdout, stderr, exitCode } = begin(args, options);
  return { exitCode: await exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

type Pieces = Iterable<string | Uint8Array> | AsyncIterable<string>;

async function* toBytes(pieces: Pieces): AsyncIterable<Uint8Array> {
  for await (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}
