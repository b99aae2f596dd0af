import { CallFault, type ConflictState } from '@rondo/console/page';
import { projects, tasks } from './services.js';
import { type BoardTask, wordOf } from './words.js';

/** A change of a task or of a project. */
export interface Changed {
  /** As the person saw it. */
  readonly before: BoardTask;
  readonly field: 'title' | 'state';
  readonly value: string;
}

/**
 * Saves a change. If another has changed the same thing meanwhile, `onConflict` gets the question, and it resolves to false.
 *
 * @throws CallFault for any other fault.
 */
export async function save(changed: Changed, onConflict: (conflict: ConflictState) => void): Promise<boolean> {
  const { before, field, value } = changed;
  const { name = '', etag } = before;
  const isTask = name.includes('/tasks/');
  const next = { name, etag, [field]: value };
  try {
    if (isTask) await tasks.call('updateTask', { task: next, updateMask: field });
    else await projects.call('updateProject', { project: next, updateMask: field });
    return true;
  } catch (cause) {
    if (!(cause instanceof CallFault && cause.code === 'aborted')) throw cause;
    const theirs = isTask ? await tasks.call('getTask', { name }) : await projects.call('getProject', { name });
    const keep = async () => void (await save({ ...changed, before: theirs }, onConflict));
    onConflict({ what: isTask ? 'task' : 'project', rows: rowsOf(changed, theirs), keep });
    return false;
  }
}

/** What differs between the person's wish and what the thing is now. */
function rowsOf({ before, field, value }: Changed, theirs: BoardTask): ConflictState['rows'] {
  const mine = { ...before, [field]: value };
  const rows = [
    ['Title', theirs.title ?? '', mine.title ?? ''],
    ['State', wordOf(theirs.state), wordOf(mine.state)],
  ] as const;
  return rows.filter(([, one, other]) => one !== other);
}
