/** `npm run pack` and `npm run create`, whose programs are in `pack/`. */
import { built } from './built.mjs';

export const main = async (args) => (await built('pack/pack.js'))?.main(args) ?? 1;
export const create = async (args) => (await built('pack/create.js'))?.main(args) ?? 1;
