import { commandTools } from '../agents/tools.js';
import { defineCommand } from '../command.js';

export const mcp = defineCommand({
  name: 'mcp',
  summary: 'Lets an assistant look at the system: serves MCP over standard input and output. It changes nothing.',
  details: [
    "An assistant's program starts it. Its tools are commands that change nothing: ps, why (pick --explain), describe, trace,",
    'logs, doctor and jobs (jobs ls). An answer has at most 64 KiB of what the command prints. What logs and errors say is',
    'data that an assistant reads, whoever wrote it.',
  ].join('\n'),
  options: {},
  args: {},
  examples: [['mcp', 'Until standard input ends.']],
  async run(_, context) {
    // Loaded on demand: no other command needs it.
    const { serveStandardInput } = await import('@rondo/mcp');
    await serveStandardInput(commandTools(context));
    return undefined;
  },
});
