import { LiveTable } from '@rondo/console/page';
import { CreateForm } from './create-form.js';
import { projects } from './services.js';
import { wordOf } from './words.js';

async function* watch(signal: AbortSignal) {
  for await (const { snapshot, projectChanged } of projects.watch('watchProjects', {}, signal)) {
    if (snapshot) yield { items: snapshot.projects ?? [], more: snapshot.more === true };
    if (projectChanged) yield { items: [projectChanged] };
  }
}

/** The projects. */
export const ProjectsPage = () => (
  <LiveTable
    title="Projects"
    watch={watch}
    textOf={({ title = '' }) => title}
    columns={[
      ['Project', ({ name, title }) => <a href={`#/${name}`}>{title}</a>],
      ['State', ({ state }) => wordOf(state)],
      ['Delivers', ({ order }) => order],
    ]}
    empty="There is no project yet: add one above, or accept a quote."
  >
    <CreateForm what="project" onCreate={(title) => projects.call('createProject', { project: { title } })} />
  </LiveTable>
);
