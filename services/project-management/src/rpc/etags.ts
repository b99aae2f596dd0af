import type { Etagged } from '@rondo/resources';
import type { Member } from '../domain/member.js';
import { optionalMemberName, taskName } from '../domain/names.js';
import type { Project } from '../domain/project.js';
import type { Task } from '../domain/task.js';

/** What a project's etag is made of, by the contract's names. */
export function etaggedProject({ version, title, state, ownerId, ...project }: Project): Etagged {
  const fields = {
    title,
    state,
    owner: optionalMemberName(ownerId),
    start_date: project.startDate,
    due_date: project.dueDate,
    delete_time: project.deleteTime,
  };
  return { version, fields };
}

/** What a task's etag is made of. */
export function etaggedTask({ version, title, state, projectId, ...task }: Task): Etagged {
  const fields = {
    title,
    state,
    assignee: optionalMemberName(task.assigneeId),
    effort_minutes: task.effortMinutes,
    dependencies: task.dependencies.map((taskId) => taskName({ projectId, taskId })),
    delete_time: task.deleteTime,
  };
  return { version, fields };
}

/** What a member's etag is made of. */
export function etaggedMember({ version, displayName, email, weeklyCapacityMinutes, deleteTime }: Member): Etagged {
  const fields = {
    display_name: displayName,
    email,
    weekly_capacity_minutes: weeklyCapacityMinutes,
    delete_time: deleteTime,
  };
  return { version, fields };
}
