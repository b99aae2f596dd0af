import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { openMcp } from '@rondo/mcp';
import { ConfigurationError } from '@rondo/service';
import { type GatewayConfig, variables } from '../config.js';

const KEY_BYTES = 32;

/**
 * Opens what serves agents; undefined if it is off.
 *
 * @throws Error if the file with the key that all gateways share can't be used.
 */
export function openTools({
  mcp = 'off',
  open,
}: Pick<GatewayConfig, 'mcp' | 'open'>): ReturnType<typeof openMcp> | undefined {
  if (mcp === 'off') return undefined;
  const key = mcp === 'on' ? randomBytes(KEY_BYTES) : readFileSync(mcp);
  if (key.length >= KEY_BYTES) return open?.(key);
  throw new ConfigurationError([`${variables.mcp.name}: ${mcp} has less than ${KEY_BYTES} bytes`]);
}
