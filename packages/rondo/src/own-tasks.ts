/** The tasks of Rondo's own repository, each with a `main`. An app doesn't have this program. */

export const ownTasks = {
  create: () => import('./pack/create.js'),
  docs: () => import('./docs/docs.mjs'),
  lab: () => import('./lab.mjs'),
  pack: () => import('./pack/pack.js'),
};
