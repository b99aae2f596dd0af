import { startRegistry, until } from '@rondo/harness';

/** A registry in a process of its own, as in production. */
export type RegistryProcess = Awaited<ReturnType<typeof startRegistryProcess>>;

/** Starts a registry, and resolves once it listens. */
export async function startRegistryProcess(env: Readonly<Record<string, string>>) {
  const started = await startRegistry({ env });
  /** Its whole output so far. */
  const output = () => `${started.output().stdout}${started.output().stderr}`;
  return {
    address: started.address,
    output,
    /** Waits until so many lines of its output have a match, one by default, and gives the last of these. */
    printed: (pattern: RegExp, count = 1) =>
      until(
        () =>
          output()
            .split('\n')
            .filter((line) => pattern.test(line))[count - 1],
        { what: `the registry prints ${pattern} ${count} times` },
      ),
    /** Whether the original process is still running. */
    get alive() {
      return !started.hasEnded;
    },
    close: () => started.stop('SIGKILL'),
  };
}
