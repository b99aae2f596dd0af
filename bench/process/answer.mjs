/**
 * Answers what the process that started this one asks, until that is gone or has no more use for it.
 *
 * @param commands by name; each takes one argument and gives, or promises, what is sent back.
 */
export function answer(commands) {
  process.on('message', async ({ id, command, argument }) => {
    try {
      const result = await commands[command](argument);
      if (process.connected) process.send({ id, result });
    } catch (error) {
      if (process.connected) process.send({ id, error: String(error?.stack ?? error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
