import type { Program } from './program.js';

/** Where a service listens, and since when. */
export interface Listening {
  readonly address: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Waits until a service's log says that it listens. */
export async function listening(program: Program): Promise<Listening> {
  const [, time = '', address = ''] = await program.printed(/"time":"([^"]+)"[^\n]*"msg":"listening on ([^"]+)"/);
  return { address, at: Date.parse(time) };
}
