/** The tasks of Rondo's own repository, each with a `main`. An app doesn't have this program. */

export const ownTasks = {
  create: () => import('./pack/create.js'),
  docs: () => import('./docs/docs.js'),
  lab: () => import('./lab.js'),
  pack: () => import('./pack/pack.js'),
};
