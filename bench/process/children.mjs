// Whatever was started ends with this process, be it stopped where it stands.
const children = new Set();

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Ends `child` with this process, unless it has ended before. */
export function takeAlong(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
}
