import { rendered, type Terminal } from '../terminal/terminal.js';

/** The most of an output that an agent gets. */
const MAX_BYTES = 64 * 1024;

/**
 * A terminal that keeps what is written, up to 64 KiB.
 *
 * @param keepsEnd Whether the end is kept, not the beginning.
 */
export function capture(keepsEnd = false) {
  let kept = Buffer.alloc(0);
  let sizeBytes = 0;
  const terminal: Terminal = {
    color: false,
    live: false,
    async write(text) {
      const bytes = Buffer.from(rendered(text, { color: false }));
      sizeBytes += bytes.length;
      const all = Buffer.concat([kept, bytes]);
      kept = keepsEnd ? all.subarray(-MAX_BYTES) : all.subarray(0, MAX_BYTES);
    },
  };
  return {
    terminal,
    /** What is kept, and how much is left out. */
    text(): string {
      const left = sizeBytes - kept.length;
      const note = `(${left} bytes ${keepsEnd ? 'before' : 'after'} this are left out: ask for less)\n`;
      const text = kept.toString();
      if (left === 0) return text;
      return keepsEnd ? note + text : `${text}\n${note}`;
    },
  };
}
