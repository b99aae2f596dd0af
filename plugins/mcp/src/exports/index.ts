/**
 * Tools for AI agents, by the Model Context Protocol of 2026-07-28 and those of 2025: at the gateway, where `RONDO_GATEWAY_MCP` is on, and by
 * `rondo mcp`. Nothing of it is loaded before it serves.
 *
 * @packageDocumentation
 */

import type { ServeTools, Tools } from '../tools.js';

export type { Tool, ToolAnswer, ToolCall, Tools } from '../tools.js';

/**
 * Loads what serves tools over HTTP.
 *
 * @param key signs confirmations: at least 32 bytes, the same in all processes that share an address.
 */
export const openMcp = async (key: Uint8Array): Promise<ServeTools> => (await import('../server.js')).httpServer(key);

/** Serves tools over this process's standard input and output, until the input ends. */
export const serveStandardInput = async (tools: Tools): Promise<void> =>
  (await import('../server.js')).serveStandardInput(tools);
