/** Programs of the laboratory that are compiled before they run. */
import { build, compile } from '@rondo/tool/workspace';

/** Builds, and loads a program by its path in `dist/`; undefined if that failed, which is printed. */
export async function built(program) {
  if (!(await build())) return undefined;
  const { code, output } = await compile(['lab']);
  if (code !== 0) console.error(output);
  return code === 0 ? await import(new URL(`./dist/${program}`, import.meta.url).href) : undefined;
}
