import type { Part } from '@rondo/rpc/server';

/** Ends a start that only tries what other builds have stored. */
export const TRIED = new Error('tried');

/** Tries what the parent sends, and sends back what each part makes of it, in the same order, until the parent disconnects. Rejects with {@link TRIED}. */
export function tryStored(parts: readonly Part[]): Promise<never> {
  return new Promise((_resolve, reject) => {
    let answered = Promise.resolve();
    const answer = async (stored: Uint8Array) => {
      const trials = await Promise.all(parts.map((part) => part.trial?.(stored)));
      process.send?.(trials.find((trial) => trial !== undefined) ?? null);
    };
    process.on('message', (stored: Uint8Array) => {
      answered = answered.then(() => answer(stored)).catch(reject);
    });
    process.once('disconnect', () => reject(TRIED));
    process.send?.('ready');
  });
}
