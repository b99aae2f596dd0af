import type { Part } from '../part/part.js';

/**
 * Starts the parts of an app in a test, in their order, and checks that each is available; `stopParts` stops them.
 *
 * @throws the reason for which a part can't start or isn't available.
 */
export async function startParts({ parts = [] }: { readonly parts?: readonly Part[] }): Promise<void> {
  const schema = parts.flatMap((part) => part.schema ?? []);
  const { signal } = new AbortController();
  for (const part of parts) {
    await part.start?.({ signal, schema });
    await part.check?.({ signal });
  }
}
