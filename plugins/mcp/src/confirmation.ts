import { createHash } from 'node:crypto';
import {
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ToolCall } from './tools.js';

/** How long a confirmation is valid. */
const LIFE_SECONDS = 5 * 60;
/** The longest arguments that a person is shown, and so can confirm. Characters. */
export const MAX_SHOWN = 4_000;
/** What a person can't see in a question, or what shows it in another order. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu;
const QUESTION = 'confirm';

/** Whether a person has confirmed a call: `ask` is the question that comes first. */
export type Confirmed = 'yes' | 'no' | 'other' | 'long' | { readonly ask: InputRequiredResult };

/**
 * Asks a person for confirmations. What is asked is kept by the agent's program, signed, and counts for the same caller, tool and arguments,
 * for five minutes. A confirmation that comes again repeats its call, which takes effect once by its idempotency key.
 *
 * @param key at least 32 bytes.
 */
export function createConfirmations(key: Uint8Array, caller: string) {
  const codec = createRequestStateCodec<string>({ key, ttlSeconds: LIFE_SECONDS, bind: () => caller });
  return {
    /** Checks what comes back. @throws Error for what this key hasn't signed, for another caller, or too long ago. */
    verify: codec.verify,
    async of(
      { name, arguments: given }: Pick<ToolCall, 'name' | 'arguments'>,
      context: ServerContext,
    ): Promise<Confirmed> {
      const text = JSON.stringify(given);
      const shown = text.replace(HIDDEN, escaped);
      if (shown.length > MAX_SHOWN) return 'long';
      const digest = createHash('sha256')
        .update(JSON.stringify([name, text]))
        .digest('base64url');
      const { requestState, inputResponses } = context.mcpReq;
      const asked = requestState();
      if (asked !== undefined && asked !== digest) return 'other';
      const answer = inputResponse(inputResponses, QUESTION);
      if (asked !== undefined && answer.kind === 'elicit') return answer.action === 'accept' ? 'yes' : 'no';
      const message = `Call ${name} with ${shown}?`;
      const question = inputRequired.elicit({ message, requestedSchema: { type: 'object', properties: {} } });
      return {
        ask: inputRequired({
          inputRequests: { [QUESTION]: question },
          requestState: await codec.mint(digest, context),
        }),
      };
    },
  };
}

function escaped(character: string): string {
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  return units.map((unit) => `\\u${unit}`).join('');
}
