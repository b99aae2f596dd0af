import {
  ConflictDialog,
  type ConflictState,
  ConnectionLine,
  Dialog,
  Field,
  type Json,
  textOf,
  useFeed,
} from '@rondo/console/page';
import type { Project } from '@rondo/contracts/projects/v1/projects';
import { useState } from 'preact/hooks';
import { Columns } from './columns.js';
import { CreateForm } from './create-form.js';
import { type Changed, save } from './save.js';
import { projects, tasks } from './services.js';
import { type BoardTask, wordOf } from './words.js';

async function* watch(name: string, signal: AbortSignal) {
  for await (const { snapshot, projectChanged, taskChanged } of projects.watch('watchProject', { name }, signal)) {
    const items: readonly (Json<Project> & BoardTask)[] = [
      ...[snapshot?.project, projectChanged, taskChanged].filter((one) => one !== undefined),
      ...(snapshot?.tasks ?? []),
    ];
    yield { items, more: snapshot && snapshot.more === true };
  }
}

/** The tasks of a project in columns. */
export function ProjectPage({ name }: { readonly name: string }) {
  const [round, setRound] = useState(0);
  const [filter, setFilter] = useState('');
  const [renamed, setRenamed] = useState<BoardTask>();
  const [conflict, setConflict] = useState<ConflictState>();
  const [news, setNews] = useState('');
  const { connection, items, isWhole } = useFeed((signal) => watch(name, signal), String(round));
  const project = items.get(name);
  const word = filter.trim().toLowerCase();
  const found = [...items.values()].filter((one) => one !== project && (one.title ?? '').toLowerCase().includes(word));
  const create = (title: string) => tasks.call('createTask', { parent: name, task: { title } });
  return (
    <>
      <h2>
        {project?.title ?? 'Project'} <small>{wordOf(project?.state)}</small>
      </h2>
      <ConnectionLine connection={connection} onSignIn={() => setRound(round + 1)} />
      {project && (
        <p class="row">
          <button type="button" onClick={() => setRenamed(project)}>
            Rename the project
          </button>
          {project.order && <span>It delivers {project.order}.</span>}
        </p>
      )}
      <CreateForm what="task" onCreate={create} />
      <Field label="Show" inputMode="search" placeholder="a word" value={filter} onChange={setFilter} />
      <p role="status" class="news">
        {news}
      </p>
      {isWhole && items.size === 1 && <p>There is no task yet: add one above.</p>}
      <Columns
        tasks={found}
        onRename={setRenamed}
        onMove={(before, value) => {
          const moved = save({ before, field: 'state', value }, setConflict);
          moved.then(
            (isSaved) => setNews(isSaved ? `${before.title} is in ${wordOf(value)}.` : ''),
            (cause) => setNews(textOf(cause)),
          );
        }}
      />
      {renamed && (
        <RenameDialog
          item={renamed}
          onSave={(changed) => save(changed, setConflict)}
          onClose={() => setRenamed(undefined)}
        />
      )}
      {conflict && (
        <ConflictDialog
          key={String(conflict.rows)}
          conflict={conflict}
          onClose={() => setConflict((now) => (now === conflict ? undefined : now))}
        />
      )}
    </>
  );
}

interface RenameProps {
  readonly item: BoardTask;
  readonly onSave: (changed: Changed) => Promise<unknown>;
  readonly onClose: () => void;
}

function RenameDialog({ item, onSave, onClose }: RenameProps) {
  const [value, setValue] = useState(item.title ?? '');
  const rename = () => onSave({ before: item, field: 'title', value });
  return (
    <Dialog title={`Rename “${item.title}”`} action="Rename" onAct={rename} onClose={onClose}>
      <Field label="Title" required={true} maxLength={200} value={value} onChange={setValue} />
    </Dialog>
  );
}
